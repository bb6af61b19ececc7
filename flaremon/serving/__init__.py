"""Which model answers, who decided it, and how another becomes the one that does.

=========  =================================================================================
choosing   a setting, else the newest promotion in the database, else the one that ships
comparing  a candidate against the model that answers, on the hours that both have
promoting  the decision, checked and stored
words      all of it for people and for machines
=========  =================================================================================

A shadow scores the same records as the model that answers, and its rows are stored as any
model's; there is no mark on them. Whether a row was *said* follows from who was in force when it
was issued: with a model in the settings that model, always; otherwise by the promotions, each
model from its own to the next, and before the first one the model that it replaced. The moment
of issue counts and not the hour that was observed, so that an archive that is scored after a
promotion is the new model's, and what the old one said before stays said. A mark in the row
would say the same, until the same row is asked about under another setting.

Promotions belong to a database, as the figures they rest on do; going back is promoting the old
model. Nothing is ever loaded from them: they name a package and the hash of its weights, and a
package that was altered since is an error that names the promotion.
"""

from flaremon.serving.choosing import (
    Origin,
    Serving,
    blaming,
    by_promotion,
    by_setting,
    kept,
    tenures,
)
from flaremon.serving.comparing import Comparison, compare
from flaremon.serving.promoting import Candidate, examine, promote, register
from flaremon.serving.words import (
    comparison_in_words,
    figures_as_json,
    promotion_as_json,
    serving_as_json,
    thresholds_as_json,
    thresholds_in_words,
)

__all__ = [
    "Candidate",
    "Comparison",
    "Origin",
    "Serving",
    "blaming",
    "by_promotion",
    "by_setting",
    "compare",
    "comparison_in_words",
    "examine",
    "figures_as_json",
    "kept",
    "promote",
    "promotion_as_json",
    "register",
    "serving_as_json",
    "tenures",
    "thresholds_as_json",
    "thresholds_in_words",
]
