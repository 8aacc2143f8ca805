"""Which milestones are due to be decided again, because something that their decision sees has changed.

A decision made on the older facts is recognised and not applied: a mark also moves the version of its link on, and
marks of very many at once that of the organisation's books.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from peewee import chunked

from reconciler.model import Bill
from storage.among import among
from storage.database import Store
from storage.mirrored import ContactRow, PayeeRow
from storage.models import DirtyRow, LinkRow, MilestoneRow, PartRow
from storage.names import fold, keys_of
from storage.statement import Given, Statement

PAGE = 500
MARKED_AT_ONCE = 5_000  # takes some 20 ms
CLEANED = Statement(
    DirtyRow.delete().where((DirtyRow.organisation == Given("organisation")) & among(DirtyRow.key, Given("keys")))
)


def mark_keys(store: Store, organisation: str, keys: Collection[str], *, unlinked: bool = False) -> int:
    """Mark these milestones (`unlinked`: only those without a bill), in the caller's transaction."""
    marked = 0
    for some in chunked(sorted(keys), PAGE):
        condition = (LinkRow.organisation == organisation) & LinkRow.key.in_(some)
        if unlinked:
            condition &= LinkRow.bill_id == ""
        marked += _mark(store, condition)
    return marked


def mark_where(store: Store, organisation: str, condition: Any = None) -> int:
    """Mark all milestones whose links meet the condition (`None`: all), in short transactions.

    The books must have moved on before: then what is decided on older ones, before its mark is made, is not kept.
    """
    marked = 0
    for keys in _pages(store, organisation, condition):
        with store.write():
            make_dirty(store, (LinkRow.organisation == organisation) & among(LinkRow.key, keys))
        marked += len(keys)
    return marked


def make_dirty(store: Store, condition: Any) -> None:
    """The milestones whose links meet the condition are due; who calls this moves on a version that decisions see."""
    found = LinkRow.select(LinkRow.organisation, LinkRow.key).where(condition)
    store.run(DirtyRow.insert_from(found, [DirtyRow.organisation, DirtyRow.key]).on_conflict_ignore().as_rowcount())


def make_clean(store: Store, organisation: str, keys: Collection[str]) -> None:
    """These milestones have been decided."""
    if keys:
        store.change(CLEANED, organisation=organisation, keys=keys)


def mark_linked(store: Store, organisation: str, bill_ids: Collection[str]) -> None:
    """Mark the milestones that are linked to these bills, in the caller's transaction."""
    linked = (LinkRow.organisation == organisation) & LinkRow.bill_id.in_(list(bill_ids))
    _mark(store, linked)
    in_parts = (PartRow.organisation == organisation) & PartRow.bill_id.in_(list(bill_ids))
    mark_keys(store, organisation, set(store.column(PartRow.select(PartRow.key).where(in_parts))))


def mark_takers(store: Store, organisation: str, bills: Sequence[Bill], prefix: str) -> None:
    """Mark the milestones without a bill that may take one of these for their own, in the caller's transaction."""
    keys = {key for bill in bills for key in keys_of(bill.number, prefix)}
    keys.update(_with_url(store, organisation, {bill.url for bill in bills if bill.url}))
    keys.update(_of_amount(store, organisation, bills))
    mark_keys(store, organisation, keys, unlinked=True)


def mark_payees(store: Store, organisation: str, contact_ids: Collection[str], folded: Collection[str]) -> None:
    """Mark the milestones whose payee is, or may be, one of these contacts or names."""
    names = {*folded, *payee_names(store, organisation, contact_ids)}
    mine = MilestoneRow.organisation == organisation
    keys = MilestoneRow.select(MilestoneRow.key)
    found = store.column(keys.where(mine & MilestoneRow.contact_id.in_(list(contact_ids))))
    found += store.column(keys.where(mine & MilestoneRow.payee_folded.in_(list(names))))
    mark_keys(store, organisation, set(found))


def payee_names(store: Store, organisation: str, contact_ids: Collection[str]) -> set[str]:
    """The folded payee names under which milestones may mean these contacts."""
    ids = list(contact_ids)
    mapped = PayeeRow.select(PayeeRow.folded).where(
        (PayeeRow.organisation == organisation) & PayeeRow.contact_id.in_(ids)
    )
    named = ContactRow.select(ContactRow.folded).where(
        (ContactRow.organisation == organisation) & ContactRow.contact_id.in_(ids)
    )
    return {*store.column(mapped), *store.column(named)}


def _mark(store: Store, condition: Any) -> int:
    marked = store.run(LinkRow.update(version=LinkRow.version + 1).where(condition))
    make_dirty(store, condition)
    return marked


def _pages(store: Store, organisation: str, condition: Any) -> Iterator[list[str]]:
    after = ""
    query = (
        LinkRow.select(LinkRow.key)
        .where(LinkRow.organisation == organisation)
        .order_by(LinkRow.key)
        .limit(MARKED_AT_ONCE)
    )
    if condition is not None:
        query = query.where(condition)
    while keys := store.column(query.where(LinkRow.key > after)):
        yield keys
        after = keys[-1]


def _with_url(store: Store, organisation: str, urls: Collection[str]) -> list[str]:
    mine = (MilestoneRow.organisation == organisation) & MilestoneRow.url.in_(list(urls))
    return store.column(MilestoneRow.select(MilestoneRow.key).where(mine))


def _of_amount(store: Store, organisation: str, bills: Sequence[Bill]) -> Iterable[str]:
    """Milestones of these bills' contacts that ask for these bills' amounts."""
    contact_ids = _with_predecessors(store, organisation, {bill.contact_id for bill in bills})
    names = payee_names(store, organisation, contact_ids) | {fold(bill.contact_name) for bill in bills}
    amounts = list({amount for bill in bills for amount in (bill.total, bill.subtotal)})
    mine = (MilestoneRow.organisation == organisation) & MilestoneRow.amount.in_(amounts)
    keys = MilestoneRow.select(MilestoneRow.key)
    by_name = keys.where(mine & MilestoneRow.payee_folded.in_(list(names)))
    by_contact = keys.where(mine & MilestoneRow.contact_id.in_(list(contact_ids)))
    return [*store.column(by_name), *store.column(by_contact)]


def _with_predecessors(store: Store, organisation: str, contact_ids: set[str]) -> set[str]:
    """Those contacts and the ones that were merged into them."""
    mine = (ContactRow.organisation == organisation) & ContactRow.merged_to.in_(list(contact_ids))
    return contact_ids | set(store.column(ContactRow.select(ContactRow.contact_id).where(mine)))
