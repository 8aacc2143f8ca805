"""Everything that decisions are about, fetched with a fixed number of queries for any number of milestones."""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from operator import attrgetter
from typing import Any

from peewee import Value, chunked, fn

from reconciler.model import (
    ZERO,
    Bill,
    Case,
    Contact,
    Link,
    Milestone,
    Progress,
    Sense,
    Status,
    bill_number,
)
from storage.among import among
from storage.changes import PROGRESS
from storage.database import Store
from storage.mirrored import BillRow, ContactRow, MissingRow, PayeeRow
from storage.models import ExemptionRow, LinkRow, MilestoneRow, PartRow
from storage.names import fold
from storage.shapes import BILLS, CONTACTS, DECIDED_LINKS, LINKS, MILESTONES, Decided, Named, column, pairs
from storage.statement import Given, R, Reading

CHUNK = 1000
MANY = 50  # for fewer, another question costs more than it saves
MERGES = 5
LIVE = tuple(status for status in Status if status.live)


def _free(condition: Any, *, live: bool = True) -> Reading[dict[str, Bill]]:
    """Bills that meet the condition, linked to nobody and not known missing."""
    alive = BillRow.status.in_(LIVE) if live else BillRow.status.not_in(LIVE)
    return BILLS.meeting(condition & alive & ~_taken(LinkRow) & ~_taken(PartRow) & ~_taken(MissingRow))


def _taken(table: Any) -> Any:
    """Whether the table has a row about the bill."""
    same = (table.organisation == BillRow.organisation) & (table.bill_id == BillRow.bill_id)
    return fn.EXISTS(table.select(Value(1)).where(same))


def _of_amount(amount: Any) -> Any:
    """Whether the column's amount is one of those given, as the column keeps them; asked so that no index is used.

    SQLite would otherwise seek every pair of a contact and an amount.
    """
    return among(amount + 0, Given("amounts"))


def _mine(row: Any) -> Any:
    return row.organisation == Given("organisation")


NUMBERED = _free(among(BillRow.number, Given("numbers")))
WITH_URL = _free(among(BillRow.url, Given("urls")))
ENDED = _free(among(BillRow.number, Given("numbers")), live=False)
SIMILAR = _free(
    among(BillRow.contact_id, Given("contact_ids")) & (_of_amount(BillRow.total) | _of_amount(BillRow.subtotal))
)
# The key that comes so many after the first of those that are not smaller than the given one.
LATER = column(
    MilestoneRow.select(MilestoneRow.key)
    .where(_mine(MilestoneRow) & (MilestoneRow.key >= Given("first")))
    .order_by(MilestoneRow.key)
    .limit(1)
    .offset(Given("after"))
)
MISSING = column(
    MissingRow.select(MissingRow.bill_id).where(_mine(MissingRow) & among(MissingRow.bill_id, Given("bill_ids")))
)
PAYEES = pairs(
    PayeeRow.select(PayeeRow.folded, PayeeRow.contact_id).where(
        _mine(PayeeRow) & among(PayeeRow.folded, Given("folded"))
    )
)
CALLED = CONTACTS.meeting(among(ContactRow.folded, Given("folded")))
EXEMPTIONS = pairs(
    ExemptionRow.select(ExemptionRow.key, ExemptionRow.exemption).where(
        _mine(ExemptionRow) & among(ExemptionRow.key, Given("keys")) & ExemptionRow.ended_at.is_null()
    )
)


def gather(
    store: Store, organisation: str, keys: Collection[str], near_days: int, prefix: str, *, standing: bool
) -> list[Case]:
    """The cases of these keys, in key order, all as of one moment; unknown keys are left out."""
    with store.read():
        return [
            case
            for some in chunked(sorted(set(keys)), CHUNK)
            for case in _Gathering(store, organisation, prefix, standing=standing).cases(some, near_days)
        ]


def gather_wished(store: Store, milestone: Milestone, near_days: int, prefix: str) -> Case:
    """The case of this milestone as somebody wishes it, whether or not there is one of its key."""
    with store.read():
        (case,) = _Gathering(store, milestone.organisation, prefix, standing=False).of([milestone], near_days)
    return case


class _Gathering:
    """The queries for one chunk of milestones."""

    def __init__(self, store: Store, organisation: str, prefix: str, *, standing: bool) -> None:
        self._store = store
        self._organisation = organisation
        self._prefix = prefix
        self._standing = standing
        self._ends: dict[str, str] = {}  # between which there are no others, if that is so

    def cases(self, keys: Sequence[str], near_days: int) -> list[Case]:
        return self.of(self._milestones(keys), near_days)

    def of(self, milestones: Sequence[Milestone], near_days: int) -> list[Case]:
        """The cases of these milestones, which need not be kept."""
        keys = [m.key for m in milestones]
        held, decided, progress = self._held(keys)
        links = dict.fromkeys(keys, Link()) | held
        linked = {bill_id for link in links.values() for bill_id in link.bill_ids}
        bills = self._named(BILLS, linked)
        missing = set(self._ask(MISSING, bill_ids=linked))
        followed = {m.key for m in milestones if _alone(links[m.key], bills, missing)}
        ours = dict.fromkeys(keys, ()) | self._ours([m for m in milestones if m.key not in followed], links)
        contacts = {
            m.key: found or _named_by(m, [*_followed(links[m.key], bills), *ours[m.key]])
            for m, found in self._contacts(milestones)
        }
        unlinked = [m for m in milestones if not links[m.key].bill_id]
        similar = self._similar(unlinked, links, contacts, ours, near_days)
        ended = self._ended(unlinked, links)
        exemptions = self._ask(EXEMPTIONS, keys=keys)
        undecided, not_begun = Decided(None), Progress()

        def case_of(m: Milestone) -> Case:
            link = links[m.key]
            parts, lost = _earlier(link, bills, missing)
            return Case(
                milestone=m,
                link=link,
                bill=bills.get(link.bill_id),
                missing=link.bill_id in missing,
                parts=parts,
                lost=lost,
                ours=ours[m.key],
                similar=similar.get(m.key, ()),
                ended=ended.get(m.key, ()),
                contacts=contacts[m.key],
                exemption=exemptions.get(m.key),
                decided=decided.get(m.key, undecided).verdict,
                progress=progress.get(m.key, not_begun),
            )

        return [case_of(m) for m in sorted(milestones, key=attrgetter("key"))]

    def _milestones(self, keys: Sequence[str]) -> list[Milestone]:
        """Those of these keys, which are in order and each there once.

        Where there are no others between the first and the last, as when all are due, all that is read by their keys is
        asked for by these two, which is faster.
        """
        if len(keys) >= MANY and self._later(keys[0], len(keys) - 1) == [keys[-1]]:
            self._ends = {"first": keys[0], "last": keys[-1]}
            found = self._keyed(MILESTONES, keys)
            if found.keys() == set(keys):
                return list(found.values())
            self._ends = {}
        return list(self._keyed(MILESTONES, keys).values())

    def _later(self, first: str, after: int) -> list[str]:
        return self._store.ask(LATER, organisation=self._organisation, first=first, after=after)

    def _ask(self, reading: Reading[R], **given: Collection[Any]) -> R:
        """What is found with what is given; where nothing is given, nothing is asked."""
        if not all(given.values()):
            return reading.read(())
        return self._store.ask(reading, organisation=self._organisation, **given)

    def _named(self, shape: Named[R], names: Collection[str]) -> R:
        return self._ask(shape.named, names=names)

    def _keyed(self, shape: Named[R], keys: Collection[str]) -> R:
        if self._ends:
            return self._store.ask(shape.within, organisation=self._organisation, **self._ends)
        return self._named(shape, keys)

    def _held(self, keys: Collection[str]) -> tuple[dict[str, Link], dict[str, Decided], dict[str, Progress]]:
        if not self._standing:
            return self._keyed(LINKS, keys), {}, {}
        links, decided = self._keyed(DECIDED_LINKS, keys)
        return links, decided, self._keyed(PROGRESS, keys)

    def _ours(self, milestones: Sequence[Milestone], links: Mapping[str, Link]) -> dict[str, tuple[Bill, ...]]:
        numbers = self._numbers(milestones, links)
        urls = {m.links.milestone for m in milestones if m.links.milestone}
        by_number: dict[str, list[Bill]] = {}
        by_url: dict[str, list[Bill]] = {}
        numbered = self._ask(NUMBERED, numbers=set().union(*numbers.values()))
        for bill in _in_order(numbered | self._ask(WITH_URL, urls=urls)):
            by_number.setdefault(bill.number, []).append(bill)
            by_url.setdefault(bill.url, []).append(bill)
        return {
            m.key: _merged(
                [bill for number in numbers[m.key] for bill in by_number.get(number, ())],
                by_url.get(m.links.milestone, []) if m.links.milestone else [],
            )
            for m in milestones
        }

    def _ended(self, milestones: Sequence[Milestone], links: Mapping[str, Link]) -> dict[str, tuple[Bill, ...]]:
        numbers = {m.key: bill_number(self._prefix, m.key, links[m.key].generation) for m in milestones}
        by_number: dict[str, list[Bill]] = {}
        for bill in _in_order(self._ask(ENDED, numbers=numbers.values())):
            by_number.setdefault(bill.number, []).append(bill)
        return {key: tuple(by_number.get(number, ())) for key, number in numbers.items()}

    def _numbers(self, milestones: Sequence[Milestone], links: Mapping[str, Link]) -> dict[str, list[str]]:
        """The numbers that a bill of the milestone may carry: also those from before it was billed again."""
        return {
            m.key: [bill_number(self._prefix, m.key, n) for n in _generations(links[m.key].generation)]
            for m in milestones
        }

    def _similar(
        self,
        milestones: Sequence[Milestone],
        links: Mapping[str, Link],
        contacts: Mapping[str, tuple[Contact, ...]],
        ours: Mapping[str, tuple[Bill, ...]],
        near_days: int,
    ) -> dict[str, tuple[Bill, ...]]:
        ids = {m.key: {m.contact_id, *(contact.contact_id for contact in contacts[m.key])} - {""} for m in milestones}
        open_ = {m.key: _open_amounts(m, links[m.key]) for m in milestones}
        amounts = [BillRow.total.db_value(amount) for amount in set().union(*open_.values())]
        similar = self._ask(SIMILAR, contact_ids=set().union(*ids.values()), amounts=amounts)
        by_contact: dict[str, list[Bill]] = {}
        for bill in _in_order(similar):
            by_contact.setdefault(bill.contact_id, []).append(bill)
        return {
            m.key: tuple(
                bill
                for contact_id in sorted(ids[m.key])
                for bill in by_contact.get(contact_id, ())
                if open_[m.key] & {bill.total, bill.subtotal}
                and abs((bill.date - m.date).days) <= near_days
                and bill not in ours[m.key]
            )
            for m in milestones
        }

    def _contacts(self, milestones: Sequence[Milestone]) -> list[tuple[Milestone, tuple[Contact, ...]]]:
        names = {m.key: fold(m.payee) for m in milestones if not m.contact_id}
        folded = set(names.values())
        mapped = self._ask(PAYEES, folded=folded)
        by_id = self._by_id({*mapped.values(), *(m.contact_id for m in milestones if m.contact_id)})
        by_name: dict[str, list[Contact]] = {}
        for contact in self._ask(CALLED, folded=folded).values():
            by_name.setdefault(fold(contact.name), []).append(contact)
        found: dict[str, tuple[Contact, ...]] = {}
        for m in milestones:
            mapping = mapped.get(names.get(m.key, ""))
            # A contact that Xero made for a bill of ours is known by that bill before the next list of contacts.
            by_hand = by_id.get(m.contact_id or mapping or "") or (Contact(mapping, m.payee) if mapping else None)
            if by_hand is not None or m.contact_id:
                found[m.key] = (by_hand,) if by_hand else ()
            else:
                found[m.key] = _usable(by_name.get(names[m.key], []))
        return [(m, found[m.key]) for m in milestones]

    def _by_id(self, ids: Collection[str]) -> dict[str, Contact]:
        """These contacts by id, each as the one that took over when it was merged."""
        held: dict[str, Contact] = {}
        wanted = set(ids)
        for _ in range(MERGES):
            held |= self._named(CONTACTS, wanted)
            wanted = {contact.merged_to for contact in held.values() if contact.merged_to} - set(held)
            if not wanted:
                break
        return {contact_id: _survivor(held[contact_id], held) for contact_id in ids if contact_id in held}


def _generations(newest: int) -> list[int]:
    """The first bill of a milestone, and the last dozen times that it was billed again."""
    return sorted({1, *range(max(1, newest - 12), newest + 1)})


def _in_order(bills: Mapping[str, Bill]) -> list[Bill]:
    return [bills[bill_id] for bill_id in sorted(bills)]


def _merged(first: Sequence[Bill], second: Sequence[Bill]) -> tuple[Bill, ...]:
    return tuple(_in_order({bill.bill_id: bill for bill in (*first, *second)}))


def _open_amounts(milestone: Milestone, link: Link) -> set[Decimal]:
    """What is still to be billed, in either sense of tax."""
    if not link.parts:
        return {milestone.amount}
    return {milestone.amount - sum((part.amount(sense) for part in link.parts), ZERO) for sense in Sense}


def _followed(link: Link, bills: Mapping[str, Bill]) -> list[Bill | None]:
    return [bills.get(bill_id) for bill_id in link.bill_ids]


def _earlier(
    link: Link, bills: Mapping[str, Bill], missing: Collection[str]
) -> tuple[tuple[Bill, ...], tuple[str, ...]]:
    """The earlier bills of a milestone that was billed in parts, and the ids of those that do not exist any more."""
    if not link.parts:
        return (), ()
    ids = [part.bill_id for part in link.parts]
    there = [bills[bill_id] for bill_id in ids if bill_id in bills and bill_id not in missing]
    return tuple(there), tuple([bill_id for bill_id in ids if bill_id in missing])


def _alone(link: Link, bills: Mapping[str, Bill], missing: Collection[str]) -> bool:
    """Whether the milestone follows one live bill, so that no other is looked for; the most of them do."""
    bill = bills.get(link.bill_id)
    return bill is not None and bill.status.live and bill.bill_id not in missing and not link.parts


def _survivor(contact: Contact, held: Mapping[str, Contact]) -> Contact:
    for _ in range(MERGES):
        contact = held.get(contact.merged_to, contact)
    return contact


def _named_by(milestone: Milestone, bills: Sequence[Bill | None]) -> tuple[Contact, ...]:
    """The payee's contact as a bill names it: bills are read more often than the list of contacts."""
    payee = fold(milestone.payee)
    named = [bill for bill in bills if bill and bill.contact_id and fold(bill.contact_name) == payee]
    return (
        ()
        if milestone.contact_id
        else tuple({b.contact_id: Contact(b.contact_id, b.contact_name) for b in named}.values())
    )


def _usable(contacts: Sequence[Contact]) -> tuple[Contact, ...]:
    """Those that are not archived, or all when all are."""
    in_order = sorted(contacts, key=lambda contact: contact.contact_id)
    return tuple(contact for contact in in_order if not contact.archived) or tuple(in_order)
