"""Which day it is in an organisation's books."""

import datetime as dt
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from storage.database import Store
from storage.mirrored import OrganisationRow


def today(store: Store, organisation: str, now: dt.datetime) -> dt.date:
    """The organisation's calendar day; that of UTC while its zone is unknown."""
    row = store.row(OrganisationRow.select(OrganisationRow.books).where(OrganisationRow.key == organisation))
    return now.astimezone(_zone(row["books"].zone if row else "UTC")).date()


def _zone(name: str) -> dt.tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return dt.UTC
