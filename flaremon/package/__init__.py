"""A model package on disk: card, checksum, weights to network.

A package is a folder ``<name>/<version>/`` with ``model.toml`` (everything a machine must know,
read strictly: a key that is missing or unknown is an error), ``weights.safetensors`` (tensors
only, never a pickle) and ``MODEL_CARD.md`` (for people). Reading a package does not need torch;
only `build_network` does.
"""

from flaremon.package.description import (
    CARD_FILE,
    DESCRIPTION_FILE,
    FORMAT,
    INFORMED_THRESHOLD,
    WEIGHTS_FILE,
    EventSpec,
    ModelPackage,
    Output,
    Training,
    load_package,
)
from flaremon.package.shelf import SHIPPED_MODEL, find_package, list_packages, shipped_models
from flaremon.package.weights import build_network, check_weights

__all__ = [
    "CARD_FILE",
    "DESCRIPTION_FILE",
    "FORMAT",
    "INFORMED_THRESHOLD",
    "SHIPPED_MODEL",
    "WEIGHTS_FILE",
    "EventSpec",
    "ModelPackage",
    "Output",
    "Training",
    "build_network",
    "check_weights",
    "find_package",
    "list_packages",
    "load_package",
    "shipped_models",
]
