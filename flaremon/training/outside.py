"""The network on real 8-bit images, through the very path that serves: another domain.

Nothing here may influence training, thresholds or the choice between models.
"""

from pathlib import Path

import numpy as np

from flaremon.batch import score_files
from flaremon.inference import Predictor
from flaremon.package import ModelPackage
from flaremon.training.evaluation import Hours

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
