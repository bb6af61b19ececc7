"""One thing that a receipt says, and what was found."""

from dataclasses import dataclass
from enum import StrEnum

TOLERANCE = 1e-4
"""Of scores and probabilities, absolute: processors round otherwise. GPUs that compute in half
precision differ by more, up to about 0.01; then the check says on what device it was."""


class CheckState(StrEnum):
    """What became of one check."""

    SAME = "same"
    DIFFERS = "differs"
    CANNOT = "cannot"
    """It could not be checked, which confirms nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that the receipt says, and what was found."""

    what: str
    """``M1+/24h by fulldisk-cnn@1.0.0: probability``."""
    state: CheckState
    said: str
    found: str


def compare(what: str, *, same: bool, said: str, found: str) -> Check:
    """Return a check that could be made."""
    state = CheckState.SAME if same else CheckState.DIFFERS
    return Check(what=what, state=state, said=said, found=found)


def cannot(what: str, *, said: str, found: str) -> Check:
    """Return a check that could not be made, and why."""
    return Check(what=what, state=CheckState.CANNOT, said=said, found=found)


def short(sha256: str | None) -> str:
    """Write enough of a hash to tell it from others."""
    return f"{sha256[:12]}..." if sha256 else "not recorded"
