"""Whether a record is the JSOC's own, or a replay's or a mirror's."""

from urllib.parse import urlsplit

from flaremon.config import JsocSettings

_JSOC = urlsplit(str(JsocSettings.model_fields["base_url"].default)).hostname


def elsewhere(base_url: str | None) -> str | None:
    """Say where a record was listed if that is not the JSOC's own host; None if it is.

    A replay shows old images under new dates, so its answers must not read as live ones.

    Examples
    --------
    >>> elsewhere("http://127.0.0.1:8080")
    'http://127.0.0.1:8080, not the JSOC: a replay or a mirror'
    >>> elsewhere("file:///archive")
    'file:///archive, not the JSOC: files in a folder'
    >>> elsewhere("http://jsoc.stanford.edu")
    """
    parts = urlsplit(base_url or "")
    if not base_url or parts.hostname == _JSOC:
        return None
    what = "files in a folder" if parts.scheme == "file" else "a replay or a mirror"
    return f"{base_url}, not the JSOC: {what}"
