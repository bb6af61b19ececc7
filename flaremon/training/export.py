"""A package's network as an ONNX file, for those who serve elsewhere.

The file holds everything from plane to probability. Making the plane is not in it: magnetograms
must be brought to the package's frame as `flaremon.preprocess` does.
"""

from pathlib import Path

import torch
from torch import Tensor, nn

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

    Raises
    ------
    ModelError
        If `path` exists or the weights do not load.
    ConfigurationError
        If the packages for it are not installed.
    """
    if path.exists():
        raise ModelError(f"{path} exists; remove it or give another name")
    try:
        import onnxscript  # noqa: F401, PLC0415 - an optional extra, used by torch
    except ImportError as exc:
        raise ConfigurationError("ONNX needs the extra: pip install flaremon[onnx]") from exc
    side = package.frame.size_px
    batch = torch.export.Dim("batch")
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
    program.save(str(path), external_data=False)
