"""A network's number to a probability, given recent activity.

::

    maps      curves -> calibrator -> document     applied without scikit-learn; hashed
    fitting   cases -> fitting -> study            on an earlier period than is judged
    use       finding -> applying                  newest stored, else the package's own

Raw scores of networks are not probabilities: published ones are worse than climatology. Fitted
separately to hours after a flare and quiet ones, the same numbers beat persistence. A model that
was itself fitted to recent flares has two networks, one for when nobody knows them; a calibrator is
of the one that knows, and leaves the answers of the other as they are.
"""

from flaremon.calibration.applying import Calibrating, calibrated, save
from flaremon.calibration.calibrator import Calibrator
from flaremon.calibration.curves import Method
from flaremon.calibration.document import as_document, from_document
from flaremon.calibration.finding import (
    FILE,
    find_calibrator,
    package_calibrator,
    read_calibrator,
    stored_calibrators,
    to_text,
    without_database,
)

__all__ = [
    "FILE",
    "Calibrating",
    "Calibrator",
    "Method",
    "as_document",
    "calibrated",
    "find_calibrator",
    "from_document",
    "package_calibrator",
    "read_calibrator",
    "save",
    "stored_calibrators",
    "to_text",
    "without_database",
]
