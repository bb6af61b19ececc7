"""Reliability, ROC, rolling skill and timeline of a forecast, as PNG files."""

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from flaremon.disk import write_atomically
from flaremon.errors import InputError
from flaremon.verify.canvas import Story
from flaremon.verify.forecasts import Forecast
from flaremon.verify.labels import FlareList
from flaremon.verify.pictures_skill import draw_reliability, draw_roc
from flaremon.verify.pictures_time import draw_rolling, draw_timeline
from flaremon.verify.verification import Verification, judged_hours, thresholds

if TYPE_CHECKING:
    from matplotlib import figure

    from flaremon.store import OutcomeTable


def draw(
    forecasts: Sequence[Forecast],
    flares: FlareList,
    done: Verification,
    folder: Path,
    *,
    outcomes: "OutcomeTable | None" = None,
) -> list[Path]:
    """Write the pictures of a verification and return their paths.

    With too few events there is a timeline only. Each file is whole or absent.

    Parameters
    ----------
    forecasts, flares, outcomes
        Those of which `done` was made.
    done : Verification
        The figures in the legends.
    folder : Path
        Made if needed; files are named after the first forecast.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    hours, _, probabilities = judged_hours(
        forecasts, flares, done.bootstrap.block, outcomes=outcomes
    )
    own = thresholds(forecasts, hours.times)
    story = Story(
        done=done,
        forecasts=forecasts,
        flares=flares,
        hours=hours,
        probabilities=probabilities,
        thresholds=[
            changing if judgement.threshold is None else judgement.threshold
            for judgement, (changing, _) in zip(done.judgements, own, strict=True)
        ],
    )
    pictures = {"timeline": draw_timeline}
    if done.why_no_figures is None:
        pictures = {
            "reliability": draw_reliability,
            "roc": draw_roc,
            "rolling": draw_rolling,
            **pictures,
        }
    stem = re.sub(r"[^A-Za-z0-9.]+", "-", "-vs-".join(f.name for f in forecasts)).strip("-.")
    return [
        _save(drawing(story), folder / f"{stem or 'forecast'}-{name}.png")
        for name, drawing in pictures.items()
    ]


def _save(picture: "figure.Figure", path: Path) -> Path:
    content = io.BytesIO()
    picture.savefig(content, format="png", dpi=110)
    try:
        write_atomically(path, content.getvalue())
    except OSError as exc:
        raise InputError(
            f"{path} cannot be written: {exc.strerror}; choose another folder"
        ) from exc
    return path
