"""Batches of planes to probabilities, on a device; and which regions they are from.

=========  ==========================================================
predictor  a network on a device, ready to answer
device     devices by name
threads    how many threads torch computes with
activity   what networks are told of recent flares
regions    from a map of rates to regions and their shares
=========  ==========================================================
"""

from flaremon.inference.activity import activity_sums
from flaremon.inference.predictor import EventScore, Predictor

__all__ = ["EventScore", "Predictor", "activity_sums"]
