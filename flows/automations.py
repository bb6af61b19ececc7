"""What a Prefect server does by itself when a run dies without a word.

A run whose machine lost power, or whose worker was stopped hard, stays "Running" for ever and
holds the slot of its deployment. The automation below calls a run crashed when its heartbeat
has been silent for three times its period, which frees the slot at once. It sees only runs
whose heartbeat came after it was made, so it belongs into the deploy step:
``python -m flows.automations``.
"""

import sys
from datetime import timedelta

from prefect.automations import Automation
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification

ZOMBIES = "flaremon: call silent runs crashed"
SILENCE = timedelta(seconds=540)
"""Three heartbeats; less than one would kill healthy runs."""

_HEARTBEAT = "prefect.flow-run.heartbeat"
_SIGNS_OF_LIFE = frozenset(
    {
        _HEARTBEAT,
        *(
            f"prefect.flow-run.{state}"
            for state in ("Completed", "Failed", "Cancelled", "Crashed", "Paused", "Suspended")
        ),
    }
)


def ensure_zombie_automation() -> bool:
    """Make the automation unless there is one of its name; return whether it was made."""
    with get_client(sync_client=True) as client:
        if client.read_automations_by_name(ZOMBIES):
            return False
    Automation(
        name=ZOMBIES,
        description="A run that sent no heartbeat for 9 minutes is dead; its slot must be freed.",
        trigger=EventTrigger(
            after={_HEARTBEAT},
            expect=set(_SIGNS_OF_LIFE),
            match=ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"}),
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=SILENCE,
        ),
        actions=[ChangeFlowRunState(state=StateType.CRASHED, message="no heartbeat")],
    ).create()
    return True


if __name__ == "__main__":
    made = ensure_zombie_automation()
    sys.stdout.write(f"{ZOMBIES!r} {'made' if made else 'is there already'}\n")
