"""What networks make of stored frames, kept in the cache, and where the networks are."""

import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flaremon.domain import ModelId
from flaremon.errors import ModelError
from flaremon.network import NetworkConfig, RateMap
from flaremon.package import ModelPackage, build_network, find_package, shipped_models
from flaremon.training.dataset import Samples
from flaremon.training.stored.adapting import totals
from flaremon.training.stored.config import Stored
from flaremon.training.stored.dataset import StoredSet
from flaremon.training.synoptic import pooled

_log = logging.getLogger(__name__)


def find_model(stored: Stored, model: str) -> ModelPackage:
    """Return a package of the models folder, or else one that ships."""
    wanted = ModelId.parse(model)
    try:
        return find_package(stored.models_dir, wanted)
    except ModelError:
        if stored.models_dir == shipped_models():
            raise
    return find_package(shipped_models(), wanted)


def rate_map(package: ModelPackage) -> RateMap:
    """Return the network of a rate map.

    Raises
    ------
    ModelError
        It is another kind, or its weights do not load.
    """
    network = build_network(package)
    if not isinstance(network, RateMap):
        raise ModelError(f"{package.id} is no rate map: only their last step can be adapted")
    return network


def rates_of(
    network: RateMap, base: ModelPackage, data: StoredSet, stored: Stored, cache: Path
) -> NDArray[np.float32]:
    """Return what the members of `base` say of every frame, shape (N, members, N_CLASSES)."""
    _log.info("rates of %d frames by %s", len(data.entries), base.id)
    return data.derive(
        stored,
        lambda planes: totals(network, planes),
        name=f"rates-{base.weights_sha256[:12]}",
        cache=cache,
    )


def pooled_planes(
    dimensions: NetworkConfig, data: StoredSet, stored: Stored, cache: Path
) -> NDArray[np.float16]:
    """Return planes after a plain network's first averaging, shape (N, pooled_px, pooled_px)."""
    side = dimensions.pooled_px
    return data.derive(
        stored,
        lambda planes: pooled(planes[:, 0], side).astype(np.float16),
        name=f"planes-{side}",
        cache=cache,
    )


def samples_of(data: StoredSet, planes: NDArray[np.float16], here: NDArray[np.bool_]) -> Samples:
    """Return the frames chosen by `here`, shape (N,), as a fit takes them."""
    return Samples(times=data.times[here], planes=planes[here], labels=data.labels[here])
