"""Changes of the link between a milestone and its bill, and what follows from them for others."""

from collections.abc import Collection
from functools import lru_cache
from typing import Any

from reconciler.model import Link
from storage.codec import columns
from storage.database import Store
from storage.marks import mark_takers
from storage.models import LinkRow
from storage.shapes import BILLS

GUARDED = ("pending_attempt", "version")


def link_columns(link: Link) -> dict[str, Any]:
    """The columns that a decision or a choice may write; who claims the milestone, and the version, are not theirs."""
    return {name: value for name, value in columns(link).items() if name not in GUARDED}


def change_link(store: Store, organisation: str, key: str, version: int, changes: dict[str, Any]) -> bool:
    """Write to the link if it still has that version.

    The statement is written out because this is the busiest one of all: putting it together anew for each of a
    million milestones takes longer than everything else about them.
    """
    fields = LinkRow._meta.fields
    values = [fields[name].db_value(value) for name, value in changes.items()]
    return bool(store.execute(_statement(tuple(changes)), [*values, organisation, key, version]))


@lru_cache
def _statement(names: tuple[str, ...]) -> str:
    assignments = ", ".join(f'"{name}" = ?' for name in names)
    return f'UPDATE "link" SET {assignments} WHERE "organisation" = ? AND "key" = ? AND "version" = ?'


def mark_others(store: Store, organisation: str, bill_ids: Collection[str], prefix: str) -> None:
    """These bills were linked or set free: mark the milestones without a bill that may take one for their own."""
    wanted = [bill_id for bill_id in bill_ids if bill_id]
    if not wanted:
        return
    if bills := store.named(BILLS, organisation, wanted):
        mark_takers(store, organisation, list(bills.values()), prefix)
