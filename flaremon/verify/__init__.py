"""Skill of forecasts, beside persistence and trailing climatology, with intervals.

::

    files        columns -> flares, forecasts      CSV in, errors with file, line and column
    database     stored, archive                   the flare list; forecasts of all kinds
    what was so  labels -> baselines               yes, no or unknown; what was known before
    figures      sums -> skill, blocks -> judging  from sums per block, also of drawn blocks
    result       verification -> words, documents, pictures   on the same hours, together
    questions    evidence, parts -> sheets         what is judged by what, whole or in parts
    sentence     "when we said 20 - 40 %, ..."     by itself, for `flaremon.status`
"""

from flaremon.verify.documents import as_json, as_rows
from flaremon.verify.flares import Scale, identity, read_flares
from flaremon.verify.forecasts import Forecast, pool, read_forecasts
from flaremon.verify.judging import Bin, Figure, Judgement
from flaremon.verify.verification import Bootstrap, Verification, compare, verify
from flaremon.verify.words import in_brief, in_words

__all__ = [
    "Bin",
    "Bootstrap",
    "Figure",
    "Forecast",
    "Judgement",
    "Scale",
    "Verification",
    "as_json",
    "as_rows",
    "compare",
    "identity",
    "in_brief",
    "in_words",
    "pool",
    "read_flares",
    "read_forecasts",
    "verify",
]
