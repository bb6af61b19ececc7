"""What can go wrong, and whether trying again can help.

::

    FlaremonError                        retriable = False unless said otherwise
    ├─ ConfigurationError                a setting is missing or contradictory
    ├─ InputError                        what was asked for cannot be (a date in the future)
    ├─ SourceError                       talking to a source of records
    │  ├─ SourceUnavailableError   ↻     no route, time-out, 5xx, 429, circuit open
    │  ├─ DownloadIncompleteError  ↻     size or content differs from what was announced
    │  ├─ SourceProtocolError            a reply we do not understand
    │  ├─ RecordOfflineError             the file is not on disk and cannot be exported
    │  └─ ExportRefusedError             unregistered address, too large, malformed
    ├─ FitsError                         a file is present but is not what the record says
    ├─ ModelError                        package incomplete, checksum mismatch, weights do not fit
    └─ StoreError
       ├─ StoreUnavailableError    ↻     cannot connect, locked
       ├─ StoreFullError                 no space, or read-only
       └─ SchemaMismatchError            the database is at another version; names the command

The families are named by whom we were talking to. A message says what happened, to which
record or file, and what to do about it. Expected outcomes (a record that must not be scored)
are values, not exceptions: see `flaremon.domain.Rejection`.
"""

from typing import ClassVar


class FlaremonError(Exception):
    """Base of all errors that flaremon raises on purpose."""

    retriable: ClassVar[bool] = False
    """Whether the same call can succeed later without anybody changing anything."""


class ConfigurationError(FlaremonError):
    """A setting is missing, malformed or contradicts another one."""


class InputError(FlaremonError):
    """The caller asked for something that cannot be, such as a date in the future."""


class SourceError(FlaremonError):
    """Talking to a source of records failed."""


class SourceUnavailableError(SourceError):
    """The source did not answer, or answered that it cannot now."""

    retriable = True


class DownloadIncompleteError(SourceError):
    """What arrived is not what the source announced."""

    retriable = True


class SourceProtocolError(SourceError):
    """The source answered something that we do not understand."""


class RecordOfflineError(SourceError):
    """The record exists but its file is not on disk at the source."""


class ExportRefusedError(SourceError):
    """The source refused an export request for good."""


class FitsError(FlaremonError):
    """A file of a magnetogram is not what its name, header or record says."""


class ModelError(FlaremonError):
    """A model package is incomplete, altered, or its weights do not fit its network."""


class StoreError(FlaremonError):
    """The database failed."""


class StoreUnavailableError(StoreError):
    """The database cannot be reached or is locked."""

    retriable = True


class StoreFullError(StoreError):
    """The database cannot take a row: the disk is full or the file is read-only."""


class SchemaMismatchError(StoreError):
    """The database is at another schema version than this code."""
