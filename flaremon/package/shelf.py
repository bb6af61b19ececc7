"""Folders of packages: those that ship, all of one, one by name."""

from pathlib import Path

from flaremon.domain import ModelId
from flaremon.errors import ModelError
from flaremon.package.description import DESCRIPTION_FILE, ModelPackage, load_package

SHIPPED_MODEL = ModelId("fulldisk-rate", "1.1.0")
"""The model that answers where nobody chose another: no setting, no promotion."""


def shipped_models() -> Path:
    """Return the folder of the packages that come with flaremon.

    Raises
    ------
    ModelError
        If there is none, as in a broken installation.
    """
    here = Path(__file__).resolve().parent.parent
    for folder in (here / "_models", here.parent / "models"):  # a wheel, a checkout
        if folder.is_dir():
            return folder
    raise ModelError(
        f"no models folder beside {here}; install flaremon again or set FLAREMON_MODELS_DIR"
    )


def list_packages(models_dir: Path) -> list[ModelPackage]:
    """Read all packages of a folder, in the order of their names and versions.

    Raises
    ------
    ModelError
        If the folder does not exist or one of the packages is malformed.
    """
    if not models_dir.is_dir():
        raise ModelError(f"{models_dir} is not a folder of models; see FLAREMON_MODELS_DIR")
    packages = [load_package(folder) for folder in _folders(models_dir)]
    return sorted(packages, key=lambda p: (p.id.name, _version_key(p.id.version)))


def find_package(models_dir: Path, model: ModelId) -> ModelPackage:
    """Read the package of a model.

    Raises
    ------
    ModelError
        If it is not there (the message lists what is), malformed, or says it is another model.
    """
    folder = models_dir / model.name / model.version
    if not (folder / DESCRIPTION_FILE).is_file():
        known = sorted(f"{path.parent.name}@{path.name}" for path in _folders(models_dir))
        raise ModelError(
            f"no model {model} in {models_dir}; there is {', '.join(known) or 'none at all'}"
        )
    package = load_package(folder)
    if package.id != model:
        raise ModelError(f"{folder / DESCRIPTION_FILE} says it is {package.id}, not {model}")
    return package


def _folders(models_dir: Path) -> list[Path]:
    """Return the package folders; hidden ones are drafts of a training that runs or died."""
    found = (path.parent for path in models_dir.glob(f"*/*/{DESCRIPTION_FILE}"))
    return [folder for folder in found if not folder.name.startswith(".")]


def _version_key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
