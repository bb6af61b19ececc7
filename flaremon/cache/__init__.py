"""Downloaded files by record key: atomic, hashed, bounded.

==========  =======================================================
sidecar     what a file must be, in a small JSON file beside it
files       the folder: put, get, prune
==========  =======================================================
"""

from flaremon.cache.files import FRESH_FOR, NOTE, NOTE_MAX_AGE, TEMP_MAX_AGE, FileCache

__all__ = ["FRESH_FOR", "NOTE", "NOTE_MAX_AGE", "TEMP_MAX_AGE", "FileCache"]
