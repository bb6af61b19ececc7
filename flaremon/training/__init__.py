"""Data set, loop, evaluation, packaging; nothing imports it but the command line.

==============  ==================================================================================
labels          what the flare lists say about an hour: yes, no, or unknown
synoptic        Earth views rendered from Carrington synoptic maps
dataset         chronological splits, planes and labels, cached by a hash of what they came from
augment         the same Sun as another instrument, or its mirror, would show it
scores          contingency, Brier, ROC and reliability figures, with block-bootstrap intervals
baselines       climatology and persistence on the same hours
loop            weights from planes and labels, reproducibly
report          what an evaluation found, as plain numbers
evaluation      a network against hours it has not seen, beside the baselines
outside         the same, against real 8-bit images from another domain
packaging       writes a package folder, all or nothing
card            the model card, generated from the evaluation
card_text       what a card says in any case
recipe          from real data to a package with its card, and from a package to its evaluation
rendered        a package's raw probabilities of hours after its training, for calibration
rates           the rate map: all of the above that differs for it
export          a package's network as an ONNX file
models          any of them: which recipe a file or a package is for
==============  ==================================================================================
"""

from flaremon.training.models import card_of, evaluate_model, train_model
from flaremon.training.recipe import Recipe, evaluate_package, train_package

__all__ = [
    "Recipe",
    "card_of",
    "evaluate_model",
    "evaluate_package",
    "train_model",
    "train_package",
]
