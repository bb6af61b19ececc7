"""Batches of planes to probabilities, on a device; and which regions they are from.

=========  ==========================================================
predictor  a network on a device, ready to answer
regions    from a map of rates to regions and their shares
=========  ==========================================================
"""

from flaremon.inference.predictor import EventScore, Predictor, activity_counts
from flaremon.inference.regions import RegionShare

__all__ = ["EventScore", "Predictor", "RegionShare", "activity_counts"]
