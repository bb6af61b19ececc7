"""Data set, loop, evaluation, packaging; nothing imports it but the command line.

==============  ==================================================================================
labels          what the flare lists say about an hour: yes, no, or unknown
synoptic        Earth views rendered from Carrington synoptic maps
dataset         chronological splits, planes and labels, cached by a hash of what they came from
augment         the same Sun as another instrument, or its mirror, would show it
scores          the figures of `flaremon.verify`, and the best threshold, on paired draws
baselines       climatology and persistence on the same hours
device          where a network is trained and how precisely: a GPU where there is one
checkpoint      a training as it stands, in tensors and JSON: one that was killed goes on
loop            weights from planes and labels, reproducibly
curves          learning curves as a picture
report          what an evaluation found, as plain numbers
evaluation      a network against hours it has not seen, beside the baselines
outside         the same, against real 8-bit images from another domain
packaging       writes a package folder, all or nothing
card            the model card of any kind, generated from the evaluation
card_text       what a plain network's card says in any case
toml            files that say how to train, read strictly
config          what such a file says of a plain network
recipe          from real data to a package with its card, and from a package to its evaluation
rendered        a package's raw probabilities of hours after its training, for calibration
rates           the rate map: all of the above that differs for it
stored          the same from archived frames and the stored flare list: a machine's own history
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
