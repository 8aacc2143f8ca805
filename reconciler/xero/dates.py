"""Xero's dates. `/Date(ms+0000)/` counts milliseconds since 1970 in UTC whatever offset follows; a calendar day is
midnight UTC of that day (Xero-OpenAPI, `x-is-msdate` and `x-is-msdate-time`). The `…String` twins are ISO 8601, in
UTC also where no zone is written.
"""

import datetime as dt
import re

_MILLISECONDS = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def instant(*texts: str | None) -> dt.datetime | None:
    """The first of the texts that can be read, as an aware UTC instant; `None` when none is given.

    Raises ValueError when texts are given and none can be read: a date that we do not understand is not absent.
    """
    given = [text for text in texts if text]
    for text in given:
        if (found := _read(text)) is not None:
            return found
    if given:
        raise ValueError(f"not a date: {given[0][:40]!r}")
    return None


def day(*texts: str | None) -> dt.date | None:
    """The first of the texts that can be read, as a calendar day. Raises ValueError as `instant` does."""
    found = instant(*texts)
    return found.date() if found else None


def since(moment: dt.datetime) -> str:
    """The value of `If-Modified-Since`: UTC in whole seconds, rounded down."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _read(text: str) -> dt.datetime | None:
    try:
        if match := _MILLISECONDS.fullmatch(text.strip()):
            return _EPOCH + dt.timedelta(milliseconds=int(match[1]))
        found = dt.datetime.fromisoformat(text.strip())
        return found.replace(tzinfo=dt.UTC) if found.tzinfo is None else found.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
