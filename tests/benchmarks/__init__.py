"""Measurements, not tests: they print tables and fail nothing. Run one at a time on a quiet box."""
