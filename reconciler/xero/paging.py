"""Reading a long list that changes while it is read. Pure.

Page numbers alone lose documents: one that is changed while we read moves to the end of a list ordered by time of
change, and its neighbour slips back over the edge of the page. So after a page in order we do not ask for the next
page but, from page 1 again, for what changed since the newest of it.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from reconciler.xero.shapes import Pagination

_SECOND = dt.timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Place:
    """Where we are: changes since `since` by Xero's clock (`None`: all), page from 1."""

    since: dt.datetime | None
    page: int = 1


def following(place: Place, stamps: Sequence[dt.datetime | None], pagination: Pagination | None) -> Place | None:
    """The next place, given when the documents of this page changed; `None` when the list has been read.

    `If-Modified-Since` counts whole seconds and it is not said whether the second itself is included, hence one
    second of overlap. A page that is not in order, or of which that would list more than half again, as it does after
    many changes at once, is followed by its page number.
    """
    if _is_last(place, stamps, pagination):
        return None
    newest = _newest(stamps)
    if newest is None or _again(newest - _SECOND, stamps) > len(stamps) / 2:
        return Place(place.since, place.page + 1)
    return Place(newest - _SECOND)


def _again(since: dt.datetime, stamps: Sequence[dt.datetime | None]) -> int:
    """How many documents of a page would be listed again."""
    return sum(stamp is not None and stamp >= since for stamp in stamps)


def _is_last(place: Place, stamps: Sequence[object], pagination: Pagination | None) -> bool:
    if not stamps:
        return True
    return pagination is not None and pagination.page_count is not None and place.page >= pagination.page_count


def _newest(stamps: Sequence[dt.datetime | None]) -> dt.datetime | None:
    known = [stamp for stamp in stamps if stamp is not None]
    in_order = len(known) == len(stamps) and all(one <= two for one, two in pairwise(known))
    return known[-1].replace(microsecond=0) if in_order else None
