"""An organisation's books as they are kept: their version, and which day it is in them."""

import datetime as dt
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec.structs import replace

from reconciler.organisation import Books
from storage.database import Store
from storage.mirrored import OrganisationRow
from storage.shapes import column, values
from storage.statement import Given

OF_ALL = values(OrganisationRow.select(OrganisationRow.key, OrganisationRow.books, OrganisationRow.version))
OF_ONE = values(
    OrganisationRow.select(OrganisationRow.books, OrganisationRow.version, OrganisationRow.marking).where(
        OrganisationRow.key == Given("organisation")
    )
)
VERSION = column(OrganisationRow.select(OrganisationRow.version).where(OrganisationRow.key == Given("organisation")))


class Kept(NamedTuple):
    """The books, and whether milestones are still being marked for what has changed in them."""

    books: Books
    marking: bool


def kept_books(store: Store, organisation: str) -> Kept | None:
    """What is known of the organisation; `None` before the first reading."""
    found = store.ask(OF_ONE, organisation=organisation)
    if not found:
        return None
    ((books, version, marking),) = found
    return Kept(replace(books, version=version), marking)


def all_books(store: Store) -> dict[str, Books]:
    """What is known of every organisation that was read."""
    return {key: replace(books, version=version) for key, books, version in store.ask(OF_ALL)}


def books_version(store: Store, organisation: str) -> int:
    """The version of the books, which grows when something changes that very many decisions see."""
    return next(iter(store.ask(VERSION, organisation=organisation)), 0)


def move_on(store: Store, organisation: str) -> None:
    """Move the version of the books on, since something has changed that very many decisions see; in the caller's
    transaction.

    An organisation whose books were never read has no version; all that is decided of it is on hold.
    """
    mine = OrganisationRow.key == organisation
    store.run(OrganisationRow.update(version=OrganisationRow.version + 1).where(mine))


def today(store: Store, organisation: str, now: dt.datetime) -> dt.date:
    """The organisation's calendar day; that of UTC while its zone is unknown."""
    kept = kept_books(store, organisation)
    return now.astimezone(_zone(kept.books.zone if kept else "UTC")).date()


def _zone(name: str) -> dt.tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return dt.UTC
