"""Weights to network: checked first, then loaded strictly."""

import hashlib
from typing import TYPE_CHECKING

from flaremon.errors import ModelError
from flaremon.package.description import DESCRIPTION_FILE, ModelPackage

if TYPE_CHECKING:
    from flaremon.network import FullDiskCnn, NetworkConfig, RateConfig, RateMap


def build_network(package: ModelPackage) -> "FullDiskCnn | RateMap":
    """Load the weights of a package into its network, in evaluation mode, on the CPU.

    The checksum comes first: nothing of an altered file is interpreted.

    Raises
    ------
    ModelError
        If the weights are missing, altered, not finite, or another network's.
    """
    import torch  # noqa: PLC0415 - 1.6 s that reading a package need not pay
    from safetensors import SafetensorError  # noqa: PLC0415
    from safetensors.torch import load  # noqa: PLC0415

    from flaremon.network import config_of, network_of  # noqa: PLC0415

    content = _checked_weights(package)
    try:
        config = config_of(package.network)
    except ModelError as exc:
        raise ModelError(f"{package.id}: {exc}") from exc
    _check_fit(package, config)
    with torch.device("meta"):
        network = network_of(config)
    try:
        state = load(content)
        network.load_state_dict(state, strict=True, assign=True)
    except (SafetensorError, RuntimeError) as exc:
        raise ModelError(f"{package.weights_path} does not fit the network: {exc}") from exc
    bad = [name for name, tensor in state.items() if not bool(torch.isfinite(tensor).all())]
    if bad:
        raise ModelError(f"{package.weights_path} has values that are not finite in {bad[0]}")
    return network.float().eval()


def check_weights(package: ModelPackage) -> None:
    """See that the weights of a package are those that ``model.toml`` names.

    Raises
    ------
    ModelError
        They are missing, altered or cut short.
    """
    _checked_weights(package)


def _checked_weights(package: ModelPackage) -> bytes:
    path = package.weights_path
    try:
        content = path.read_bytes()
    except OSError as exc:
        raise ModelError(f"weights of {package.id} cannot be read: {exc}") from exc
    found = hashlib.sha256(content).hexdigest()
    if found != package.weights_sha256:
        raise ModelError(
            f"{path} has SHA-256 {found}, {DESCRIPTION_FILE} says {package.weights_sha256}; "
            "the file was altered or cut short: restore the package"
        )
    return content


def _check_fit(package: ModelPackage, config: "NetworkConfig | RateConfig") -> None:
    """Refuse a network made for other planes or another number of events."""
    frame = package.frame
    if config.n_events != len(package.events):
        raise ModelError(
            f"{package.id}: the network has {config.n_events} outputs for "
            f"{len(package.events)} events"
        )
    if (config.input_px, config.radius_fraction) != (frame.size_px, frame.radius_fraction):
        raise ModelError(
            f"{package.id}: the network takes {config.input_px} px planes with radius "
            f"{config.radius_fraction}, [frame] makes {frame.size_px} px with "
            f"{frame.radius_fraction}"
        )
