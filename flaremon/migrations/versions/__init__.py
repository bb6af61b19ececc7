"""One file per revision; see `flaremon.migrations`."""
