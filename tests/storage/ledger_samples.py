"""Values to put into a ledger, and steps that many laws begin with."""

import contextlib
import datetime as dt
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from decimal import Decimal
from typing import Any

from reconciler.milestone_port import Applied, Notice
from reconciler.model import Bill, Case, Decision, Link, Milestone, Sense, Sifted, Status, Terms, Verdict, Write
from reconciler.ports import Drained
from reconciler.reasons import Choose, Reason, words
from reconciler.records import Attempt, Choice, Delivery, Element, Event
from storage.database import open_store
from storage.ledger import Ledger

ORG = "trust"
NOW = dt.datetime(2026, 3, 2, 1, 2, 3, 456789, tzinfo=dt.UTC)
DAY = dt.date(2026, 2, 10)
Broken = Callable[[str], AbstractContextManager[None]]
LEASE = dt.timedelta(minutes=5)
HOUR = dt.timedelta(hours=1)


def milestone(key: str = "M1", **changes: Any) -> Milestone:
    values: dict[str, Any] = {
        "title": "First payment",
        "payee": "Aroha Trust",
        "amount": Decimal("1000.00"),
        "date": DAY,
    }
    return Milestone(**{"organisation": ORG, "key": key, **values, **changes})


def bill(bill_id: str = "b1", **changes: Any) -> Bill:
    values: dict[str, Any] = {
        "organisation": ORG,
        "bill_id": bill_id,
        "number": "",
        "status": Status.SUBMITTED,
        "contact_id": "c1",
        "contact_name": "Aroha Trust",
        "date": DAY,
        "currency": "NZD",
        "total": Decimal("1000.00"),
        "subtotal": Decimal("869.57"),
        "sense": Sense.INCLUSIVE,
        "updated_at": NOW,
        "read_at": NOW,
    }
    return Bill(**{**values, **changes})


def terms(**changes: Any) -> Terms:
    return Terms(**{"contact": "c1", "total": Decimal("1000.00"), "currency": "NZD", "date": DAY, **changes})


def notice(*recipients: str, send_after: dt.datetime = NOW) -> Notice:
    return Notice(lambda _reason: recipients or ("ann@example.org",), send_after, "cycle-1")


def choice(kind: Choose = Choose.RESYNC, **changes: Any) -> Choice:
    return Choice(**{"kind": kind, "by": "Ann", "at": NOW, **changes})


def verdict(reason: Reason, link: Link | None = None, **changes: Any) -> Verdict:
    return Verdict(words(reason).action, reason, link or Link(), **changes)


def case_of(ledger: Ledger, key: str = "M1", near_days: int = 31, *, standing: bool = False) -> Case:
    (case,) = ledger.milestones.gather(ORG, [key], near_days, standing=standing)
    return case


def decide(ledger: Ledger, reason: Reason, key: str = "M1", at: dt.datetime = NOW, **changes: Any) -> Applied:
    """Apply this reason to the milestone as it is now; `link` among the changes replaces attributes of its link."""
    case = case_of(ledger, key)
    notified = changes.pop("notice", notice())
    return keep(ledger, [Decision(case, verdict(reason, changes.pop("link", case.link), **changes))], notified, at)


def keep(
    ledger: Ledger, decisions: Sequence[Decision], notified: Notice | None = None, at: dt.datetime = NOW
) -> Applied:
    """Keep decisions that were made on the books as they are now."""
    sifted = Sifted(news=tuple(decisions), books=ledger.mirror.books(ORG).version)
    return ledger.milestones.keep(ORG, sifted, notified or notice(), at)


def settle(ledger: Ledger, key: str = "M1") -> None:
    """Leave the milestone decided, with nothing due."""
    decide(ledger, Reason.NOT_DUE, key)
    assert dirty(ledger, key) is False


def put_settled(ledger: Ledger, **changes: Any) -> None:
    """A milestone that is decided, with nothing due."""
    ledger.milestones.put([milestone(**changes)], NOW)
    settle(ledger)


def dirty(ledger: Ledger, key: str = "M1", at: dt.datetime = NOW) -> bool:
    return key in ledger.milestones.dirty_keys(ORG, at, 1000)


def write(**changes: Any) -> Write:
    return Write(**{"terms": terms(), "status": Status.SUBMITTED, "number": "GM-M1", **changes})


def attempt(ledger: Ledger, *keys: str, at: dt.datetime = NOW, **changes: Any) -> Attempt:
    """An attempt at creating bills for these milestones as they are now, decided."""
    for key in keys or ["M1"]:
        if dirty(ledger, key):
            decide(ledger, Reason.CREATE, key)
    cases = ledger.milestones.gather(ORG, keys or ["M1"], 31)
    elements = tuple(
        Element(case.milestone.key, changes.get("write", write()), case.link.version, case.milestone.version)
        for case in cases
    )
    books = ledger.mirror.books(ORG).version
    return Attempt(0, ORG, "PUT", "/Invoices", b'{"Invoices": []}', "key-1", at, elements, books=books)


def bind(ledger: Ledger, bill_id: str, key: str = "M1") -> None:
    """Link the milestone to a bill, as an adoption does, and leave it decided."""
    case = case_of(ledger, key)
    link = Link(bill_id=bill_id, version=case.link.version)
    assert ledger.milestones.choose(ORG, key, link, choice(Choose.LINK, bill_id=bill_id), None, None)
    settle(ledger, key)


def receive(url: str, *bodies: bytes, at: dt.datetime = NOW) -> None:
    """Keep raw requests as the receiver does."""
    with contextlib.closing(open_store(url, create=False)) as store, contextlib.closing(store.requests()) as requests:
        requests.insert([(at, "key-a", body) for body in bodies])


def hear(url: str, ledger: Ledger, bill_id: str, at: dt.datetime, *, tenant: str = "tenant") -> Drained:
    """Let an event about a bill come in, and drain it."""
    receive(url, b"x")
    event = Event(tenant, "INVOICE", bill_id, "UPDATE", at)
    return ledger.inbox.drain(lambda _body: Delivery([event]), {"tenant": ORG}, at)
