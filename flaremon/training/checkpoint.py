"""A training as it stands, so that one that was killed goes on as if nothing had happened.

One safetensors file per training, replaced as a whole: weights, the optimizer's moments and the
states of random numbers are tensors, everything else is JSON in its header. Nothing in it can run,
which torch's own way of keeping optimizers cannot promise.

Taken at the end of an epoch: what is repeated is less than one.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from flaremon.disk import disk_errors, write_atomically

_log = logging.getLogger(__name__)

_FORMAT = "1"
_WEIGHTS, _OPTIMIZER, _RANDOM, _BEST = "weights", "optimizer", "random", "best"


@dataclass(frozen=True, kw_only=True)
class Trainable:
    """What changes while a network is trained."""

    network: nn.Module
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    generators: Mapping[str, torch.Generator] = field(default_factory=dict)
    """Beside torch's own random numbers, which are kept in any case."""


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Where one training is kept.

    Parameters
    ----------
    path : Path
        The file, ``*.safetensors``.
    key : str
        Hash of everything that decides the weights; what was kept under another one is not used.
    """

    path: Path
    key: str

    def keep(
        self, trained: Trainable, progress: Mapping[str, Any], best: Mapping[str, Tensor]
    ) -> None:
        """Replace what is kept.

        Parameters
        ----------
        progress : mapping
            JSON values: epochs done, the curve, states of other random numbers.
        best : mapping
            The weights to return in the end, if they are not simply the last ones.

        Raises
        ------
        StoreFullError, ConfigurationError
            The file cannot be written.
        """
        optimizer = trained.optimizer.state_dict()
        tensors = {
            **{f"{_WEIGHTS}.{k}": v for k, v in trained.network.state_dict().items()},
            **{f"{_BEST}.{k}": v for k, v in best.items()},
            **{
                f"{_OPTIMIZER}.{number}.{k}": v
                for number, moments in optimizer["state"].items()
                for k, v in moments.items()
            },
            **_random_states(trained.generators),
        }
        facts = {
            "optimizer": optimizer["param_groups"],
            "schedule": trained.schedule.state_dict(),
            "progress": progress,
        }
        content = save(
            {k: v.detach().cpu().clone().contiguous() for k, v in tensors.items()},
            metadata={"format": _FORMAT, "key": self.key, "facts": json.dumps(facts)},
        )
        with disk_errors(self.path.parent):
            write_atomically(self.path, content)

    def resume(self, trained: Trainable) -> tuple[dict[str, Any], dict[str, Tensor]] | None:
        """Bring a training to where it was; return its progress and best weights.

        Returns
        -------
        tuple of dict, or None
            None where nothing is kept, or something else, or a file that cannot be read: the
            training begins anew.
        """
        read = self._read()
        if read is None:
            return None
        tensors, facts = read
        trained.network.load_state_dict(_under(_WEIGHTS, tensors))
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in _under(_OPTIMIZER, tensors).items():
            number, _, what = name.partition(".")
            moments.setdefault(int(number), {})[what] = value
        trained.optimizer.load_state_dict({"state": moments, "param_groups": facts["optimizer"]})
        trained.schedule.load_state_dict(facts["schedule"])
        _set_random_states(trained.generators, _under(_RANDOM, tensors))
        _log.info("%s goes on after epoch %d", self.path.stem, len(facts["progress"]["curve"]))
        return facts["progress"], _under(_BEST, tensors)

    def _read(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        try:
            with safe_open(self.path, "pt") as file:
                facts = file.metadata()
                if (facts["format"], facts["key"]) != (_FORMAT, self.key):
                    return None
                return {k: file.get_tensor(k) for k in file.keys()}, json.loads(facts["facts"])  # noqa: SIM118 - it is no mapping
        except FileNotFoundError:
            return None
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as exc:
            _log.warning("%s cannot be read (%s); the training begins anew", self.path, exc)
            return None


def _random_states(generators: Mapping[str, torch.Generator]) -> dict[str, Tensor]:
    states = {f"{_RANDOM}.torch": torch.get_rng_state()}
    states |= {f"{_RANDOM}.own.{name}": own.get_state() for name, own in generators.items()}
    if torch.cuda.is_available():
        states[f"{_RANDOM}.cuda"] = torch.cuda.get_rng_state()
    return states


def _set_random_states(
    generators: Mapping[str, torch.Generator], states: Mapping[str, Tensor]
) -> None:
    torch.set_rng_state(states["torch"])
    for name, own in generators.items():
        own.set_state(states[f"own.{name}"])
    if "cuda" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state(states["cuda"])


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {
        name.removeprefix(f"{prefix}."): value
        for name, value in tensors.items()
        if name.startswith(f"{prefix}.")
    }
