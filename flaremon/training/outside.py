"""The network on real 8-bit images, through the very path that serves: another domain.

Nothing here may influence training, thresholds or the choice between models.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flaremon.batch import score_files
from flaremon.gates import screen_magnetogram
from flaremon.images import read_any
from flaremon.inference import Predictor
from flaremon.package import ModelPackage
from flaremon.preprocess import FrameSpec, to_frame, to_plane
from flaremon.training.evaluation import Hours

Plane = NDArray[np.float32]

IMAGES = "hmi_jpg"
"""Folder of images, in any depth, named by their time of observation."""


def score_images(package: ModelPackage, folder: Path) -> Hours | None:
    """Score all images below ``folder/hmi_jpg``; None where there are none.

    Images that the gates refuse are left out, as they would be in service.
    """
    paths = sorted((folder / IMAGES).rglob("*.jpg"))
    results = [
        result
        for result in score_files(paths, Predictor(package, device="cpu"))
        if result.scores and result.t_obs is not None
    ]
    if not results:
        return None
    return Hours(
        name=f"real 8-bit images ({len(results)} of {len(paths)} passed the gates)",
        times=np.array(
            [
                np.datetime64(result.t_obs.replace(tzinfo=None), "s")
                for result in results
                if result.t_obs is not None
            ]
        ),
        logits=np.array([[score.score for score in result.scores] for result in results]),
        block="day",
        block_d=1.0,
    )


def planes_of(paths: Sequence[Path], spec: FrameSpec) -> Iterator[tuple[datetime, Plane]]:
    """Yield time and plane (1, side, side) of the files that the gates let through.

    Raises
    ------
    FitsError
        A file cannot be read: of a data set one wants to know.
    """
    for path in paths:
        magnetogram = read_any(path)
        if screen_magnetogram(magnetogram) is None:
            yield magnetogram.t_obs, to_plane(to_frame(magnetogram, spec), spec)
