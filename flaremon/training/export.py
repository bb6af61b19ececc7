"""A package's network as an ONNX file, for those who serve elsewhere.

The file holds everything from plane to probability. Making the plane is not in it: magnetograms
must be brought to the package's frame as `flaremon.preprocess` does.
"""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from flaremon.disk import disk_errors, temp_path, write_atomically
from flaremon.errors import ConfigurationError, ModelError
from flaremon.network import FullDiskCnn, RateMap
from flaremon.network.rates import N_DECAYS, N_KINDS
from flaremon.package import ModelPackage, build_network

OPSET = 18
PLANES, SUMS, PROBABILITIES, SPREADS = "planes", "recent_flares", "probabilities", "spreads"


class Served(nn.Module):
    """A network up to the probabilities that `flaremon.inference.Predictor` gives."""

    def __init__(self, network: FullDiskCnn | RateMap) -> None:
        super().__init__()
        self.network = network

    def forward(self, planes: Tensor, sums: Tensor) -> tuple[Tensor, Tensor]:
        """Return probabilities and spreads, both (N, n_events); one network's spread is 0.

        Parameters
        ----------
        planes : Tensor, shape (N, 1, side, side)
        sums : Tensor, shape (N, 6, 3)
            Over recent flares, as `flaremon.inference.activity_sums` has them; with a negative
            number where they are not known. Networks that read the disk alone take no notice.
        """
        if isinstance(self.network, FullDiskCnn):
            # Used, so that the input exists for every model.
            alone = torch.sigmoid(self.network(planes)) + 0 * sums[:, 0, :1]
            return alone, torch.zeros_like(alone)
        known = (sums >= 0).flatten(1).all(dim=1)[:, None, None]
        recent = torch.where(known, sums, torch.full_like(sums, float("nan")))
        each = -torch.expm1(-self.network(planes, recent).exp())
        return each.mean(dim=1), each.std(dim=1, correction=0)


def export_onnx(package: ModelPackage, path: Path) -> None:
    """Write the network of a package as an ONNX file; any number of planes at once.

    The file is whole or absent, and whether it can be written is known before the conversion.

    Raises
    ------
    ModelError
        If `path` exists or the weights do not load.
    ConfigurationError
        If its folder is not there or cannot be written, or the packages for it are not installed.
    StoreFullError
        If there is no space for it.
    """
    _see_that_it_can_be_written(path)
    try:
        import onnxscript  # noqa: F401, PLC0415 - an optional extra, used by torch
    except ImportError as exc:
        raise ConfigurationError("ONNX needs the extra: pip install flaremon[onnx]") from exc
    side = package.frame.size_px
    batch = torch.export.Dim("batch")
    with _without_known_noise():
        program = torch.onnx.export(
            Served(build_network(package)).eval(),
            (torch.zeros(2, 1, side, side), torch.zeros(2, N_KINDS, N_DECAYS)),
            input_names=[PLANES, SUMS],
            output_names=[PROBABILITIES, SPREADS],
            dynamic_shapes={"planes": {0: batch}, "sums": {0: batch}},
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise ModelError(f"{package.id} cannot be written as ONNX")
    content = program.model_proto.SerializeToString()
    with disk_errors(path.parent, setting="FILE"):
        write_atomically(path, content)


def _see_that_it_can_be_written(path: Path) -> None:
    if path.exists():
        raise ModelError(f"{path} exists; remove it or give another name")
    probe = temp_path(path)
    with disk_errors(path.parent, setting="FILE"):
        probe.touch()
        probe.unlink()


@contextmanager
def _without_known_noise() -> Iterator[None]:
    """Leave out what torch says of its own internals, and nothing else."""

    def is_news(record: logging.LogRecord) -> bool:
        return "torchvision is not installed" not in record.getMessage()

    log = logging.getLogger("torch.onnx._internal.exporter._registration")
    log.addFilter(is_news)
    try:
        with warnings.catch_warnings():
            for kind, message in (
                (FutureWarning, r"`isinstance\(treespec, LeafSpec\)` is deprecated"),
                # Both inputs have as many rows, so one name is enough for both.
                (UserWarning, r"# The axis name: batch will not be used"),
            ):
                warnings.filterwarnings("ignore", message, kind)
            yield
    finally:
        log.removeFilter(is_news)
