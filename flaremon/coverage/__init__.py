"""What of the slot grid is predicted, rejected or missing, and why.

========  =====================================================
days      per day, with a reason for every slot where one is known
calendar  the same as a picture: a square per day, a row per month
========  =====================================================
"""

from flaremon.coverage.calendar import draw_calendar
from flaremon.coverage.days import SERIES_OF_FILES, Day, Gap, cover, is_of_files

__all__ = ["SERIES_OF_FILES", "Day", "Gap", "cover", "draw_calendar", "is_of_files"]
