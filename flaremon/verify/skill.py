"""The figures, from sums. Standard ones come from the library `scores`; the rest is here.

Definitions as in Bloomfield et al. 2012 (arXiv:1202.5995) and Leka et al. 2019
(arXiv:1907.02905).
"""

import numpy as np
from numpy.typing import NDArray

from flaremon.verify.sums import Labels, Probabilities, Sums

FIGURES = (
    "tss", "hss", "apss", "pod", "pofd", "far", "bs", "bss", "bss_trailing", "auc", "ece",
)  # fmt: skip
"""Names of all figures, in the order in which they are shown."""

Values = dict[str, NDArray[np.float64]]


def figures(sums: Sums) -> Values:
    """Return all figures but the ROC area, each of shape (R,); NaN where undefined."""
    with np.errstate(invalid="ignore", divide="ignore"):
        base_rate = sums.events / sums.n
        brier = sums.squared_error / sums.n
        return {
            **contingency(sums),
            "apss": appleman(sums),
            "bs": brier,
            "bss": brier_skill(brier, base_rate * (1 - base_rate)),
            "bss_trailing": brier_skill(sums.squared_error, sums.reference_error),
            "ece": calibration_error(sums),
        }


def contingency(sums: Sums) -> Values:
    """Return the scores of the contingency table.

    TSS is Peirce's skill score, POD - POFD; HSS Heidke's; POD the share of events that were
    called, POFD the share of quiet hours that were, FAR the share of calls that were wrong.
    """
    import xarray as xr  # noqa: PLC0415 - pandas with it; only verification pays for them
    from scores.categorical import BasicContingencyManager  # noqa: PLC0415

    counts = {"tp": sums.tp, "fp": sums.fp, "fn": sums.fn, "tn": sums.tn, "total": sums.n}
    table = BasicContingencyManager(
        {f"{name}_count": xr.DataArray(values, dims="draw") for name, values in counts.items()}
    )
    found = {
        "tss": table.peirce_skill_score(),
        "hss": table.heidke_skill_score(),
        "pod": table.probability_of_detection(),
        "pofd": table.probability_of_false_detection(),
        "far": table.false_alarm_ratio(),
    }
    return {name: np.asarray(values.values, np.float64) for name, values in found.items()}


def brier_score(labels: Labels, probabilities: Probabilities) -> float:
    """Return the mean squared difference of probability and outcome."""
    import xarray as xr  # noqa: PLC0415
    from scores.probability import brier_score as mean_square  # noqa: PLC0415

    score = mean_square(
        xr.DataArray(probabilities, dims="hour"), xr.DataArray(labels.astype(float), dims="hour")
    )
    return float(score)


def roc_area(labels: Labels, probabilities: Probabilities) -> float:
    """Return the chance that an event's probability is above a quiet hour's (ties count half)."""
    import xarray as xr  # noqa: PLC0415
    from scores.probability import roc_auc  # noqa: PLC0415

    area = roc_auc(
        xr.DataArray(probabilities, dims="hour"), xr.DataArray(labels.astype(float), dims="hour")
    )
    return float(area)


def appleman(sums: Sums) -> NDArray[np.float64]:
    """Return Appleman's skill score: skill over always giving the more frequent answer.

    (TP - FP) / P where events are the rarer, (TN - FN) / N where quiet hours are; Barnes et al.
    2016 (arXiv:1608.06319), their eq. for ApSS.
    """
    quiet = sums.fp + sums.tn
    return np.where(
        sums.events <= quiet, (sums.tp - sums.fp) / sums.events, (sums.tn - sums.fn) / quiet
    )


def brier_skill(score: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 - BS / BS of the reference: 1 is perfect, 0 as good as it, negative worse.

    Brier 1950; as a skill score in Wilks, Statistical Methods in the Atmospheric Sciences, 8.4.
    The reference "sample climatology" is the base rate of the judged hours themselves, which
    nobody knew beforehand; its score is base rate x (1 - base rate).
    """
    return np.where(reference > 0, 1 - score / reference, np.nan)


def calibration_error(sums: Sums) -> NDArray[np.float64]:
    """Return the expected calibration error over the bins, weighted with their hours.

    Naeini et al. 2015 (AAAI 29, 2901): sum over bins of hours / n x |mean probability - share|.
    """
    _, probabilities, events = np.moveaxis(sums.bins, 2, 0)
    return np.asarray(np.abs(probabilities - events).sum(axis=1) / sums.n)
