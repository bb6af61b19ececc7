"""The networks, nothing else: no files, no device, no training.

=======  ==========================================================================
plain    `plain-cnn`: the disk to log odds per event; the baseline
surface  a plane to the Sun's surface, and the features of it
rates    `rate-map`: features to a map of flare rates, its sum to expected numbers
=======  ==========================================================================
"""

from collections.abc import Mapping
from typing import Any

from flaremon.errors import ModelError
from flaremon.network import plain, rates
from flaremon.network.plain import FullDiskCnn, NetworkConfig
from flaremon.network.rates import RateConfig, RateMap

__all__ = ["FullDiskCnn", "NetworkConfig", "RateConfig", "RateMap", "config_of", "network_of"]

_CONFIGS: Mapping[str, type[NetworkConfig | RateConfig]] = {
    plain.ARCHITECTURE: NetworkConfig,
    rates.ARCHITECTURE: RateConfig,
}


def config_of(dimensions: Mapping[str, Any]) -> NetworkConfig | RateConfig:
    """Return the dimensions that a package keeps, checked.

    Raises
    ------
    ModelError
        If the architecture is unknown, or a dimension makes no network of it.
    """
    name = dimensions.get("architecture")
    kind = _CONFIGS.get(str(name))
    if kind is None:
        raise ModelError(
            f"network architecture {name!r} is unknown; "
            f"this version of flaremon builds {', '.join(map(repr, _CONFIGS))}"
        )
    try:
        return kind(**dimensions)
    except TypeError as exc:
        raise ModelError(f"[network] is not understood: {exc}") from exc


def network_of(config: NetworkConfig | RateConfig) -> FullDiskCnn | RateMap:
    """Return a network of these dimensions."""
    return FullDiskCnn(config) if isinstance(config, NetworkConfig) else RateMap(config)
