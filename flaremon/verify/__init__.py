"""Skill of forecasts, beside persistence and trailing climatology, with intervals.

::

    files        columns -> flares, forecasts      CSV in, errors with file, line and column
    what was so  labels -> baselines               yes, no or unknown; what was known before
    figures      sums -> skill, blocks -> judging  from sums per block, also of drawn blocks
    result       verification -> words, pictures   on the same hours, always together
"""

from flaremon.verify.flares import Scale, identity, read_flares
from flaremon.verify.forecasts import Forecast, pool, read_forecasts
from flaremon.verify.judging import Bin, Figure, Judgement
from flaremon.verify.verification import Bootstrap, Verification, compare, verify
from flaremon.verify.words import as_json, in_words

__all__ = [
    "Bin",
    "Bootstrap",
    "Figure",
    "Forecast",
    "Judgement",
    "Scale",
    "Verification",
    "as_json",
    "compare",
    "identity",
    "in_words",
    "pool",
    "read_flares",
    "read_forecasts",
    "verify",
]
