"""A desk with two sheets on it, made by hand, that writes down whatever it is asked to do."""

import dataclasses
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from msgspec.structs import replace

from receiver.ports import Changed, Done, LinkRefused, Sheet
from reconciler.errors import InputError
from reconciler.model import Bill, Case, Decision, Field, Link, Links, Milestone, Sense, Status, Terms, Verdict
from reconciler.organisation import Books, Organisation
from reconciler.reasons import Action, Reason, words
from reconciler.records import Choice

NOW = dt.datetime(2026, 7, 8, 22, 42, tzinfo=dt.UTC)
BILL_ID = "717f2bfc-c6d4-41fd-b238-3f2f0c0cf777"
OTHER_ID = "0d2a0d5c-3f0f-4f4e-9d53-0a4f3b7a9e11"

ORGANISATION = Organisation(key="example", name="Example Arts Trust")
BOOKS = Books(name="Example Arts Trust", short_code="!abcd1", currency="NZD", zone="Pacific/Auckland", read_at=NOW)
MILESTONE = Milestone(
    organisation="example",
    key="M-0412",
    title="Stage 2",
    payee="Example Choir",
    amount=Decimal("15000.00"),
    date=dt.date(2026, 7, 3),
    links=Links(
        "https://grants.example.org/m/0412", "https://grants.example.org/a/097", "https://grants.example.org/c/0088"
    ),
)
TERMS = Terms("c1", Decimal("15000.00"), "NZD", dt.date(2026, 7, 3), dt.date(2026, 7, 20), "M-0412", "400", "INPUT2")
BILL = Bill(
    organisation="example",
    bill_id=BILL_ID,
    number="GR-M-0412",
    status=Status.AUTHORISED,
    contact_id="c1",
    contact_name="Example Choir",
    date=dt.date(2026, 7, 3),
    currency="NZD",
    total=Decimal("12000.00"),
    subtotal=Decimal("10434.78"),
    sense=Sense.INCLUSIVE,
    updated_at=NOW,
    read_at=NOW,
    due_date=dt.date(2026, 7, 20),
    due=Decimal("12000.00"),
)
BILLS = (BILL, replace(BILL, bill_id=OTHER_ID, number="INV-77"))


def flag(reason: Reason, *, milestone: Milestone = MILESTONE, bill: Bill | None = None, **verdict: object) -> Decision:
    case = Case(milestone=milestone, bill=bill, similar=(replace(BILL, bill_id=OTHER_ID, number="INV-77"),))
    return Decision(case, Verdict(action=Action.FLAG, reason=reason, link=Link(), **verdict))  # type: ignore[arg-type]


def sheet(*items: Decision) -> Sheet:
    return Sheet(ORGANISATION, BOOKS, items, "f1", "accountant@example.org", NOW)


def changed() -> Sheet:
    """One approved bill whose milestone changed."""
    theirs = replace(TERMS, total=Decimal("12000.00"))
    return sheet(flag(Reason.BILL_APPROVED, bill=BILL, fields=frozenset({Field.TOTAL}), ours=TERMS, theirs=theirs))


def locked(count: int = 14) -> Sheet:
    """Milestones that a lock date blocks."""
    payees = ["Example Choir", "Sample River Care", "Example Kura", "Te Whare Tāpere o Example"]
    lock = dt.date(2026, 6, 30)
    items = [
        flag(
            Reason.PERIOD_LOCKED,
            milestone=replace(
                MILESTONE,
                key=f"M-{418 + number:04}",
                payee=payees[number % 4],
                amount=Decimal(40000 - 1250 * number),
                date=dt.date(2026, 6, 30 - number),
                title=f"Stage {1 + number % 3}",
            ),
            lock=lock,
            proposed=dt.date(2026, 7, 1),
        )
        for number in range(count)
    ]
    return dataclasses.replace(sheet(*items), books=replace(BOOKS, period_lock=lock))


@dataclass
class HandMade:
    """Shows `sheet`; acts once, on the right fingerprint; refuses as told."""

    sheet: Sheet = field(default_factory=changed)
    refusal: LinkRefused | None = None
    error: Exception | None = None
    open: bool = True
    after: Reason = Reason.APPROVED
    acts: list[tuple[str, Choice, tuple[str, ...]]] = field(default_factory=list)
    renewed: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)

    def show(self, token: str) -> Sheet:
        self.shown.append(token)
        if self.refusal is not None:
            raise self.refusal
        if self.acts:
            raise LinkRefused("used", "accountant@example.org", "Ann kept what Xero has.")
        return self.sheet

    def act(self, token: str, fingerprint: str, choice: Choice, keys: Sequence[str]) -> Done:
        if fingerprint != self.sheet.fingerprint:
            raise Changed
        if self.error is not None:
            raise self.error
        self.acts.append((token, choice, tuple(keys)))
        return Done(choice, tuple(self._after(d) for d in self.sheet.items if d.case.milestone.key in keys))

    def made(self, _token: str, shown: str, keys: Sequence[str]) -> tuple[Sheet, Done] | None:
        for _, choice, chosen in self.acts:
            if (chosen, shown) == (tuple(keys), self.sheet.fingerprint):
                items = tuple(self._after(d) for d in self.sheet.items if d.case.milestone.key in keys)
                return dataclasses.replace(self.sheet, items=items), Done(choice, items)
        return None

    def find(self, _token: str, _key: str, text: str) -> Bill:
        known = {text_: bill for bill in BILLS for text_ in (bill.bill_id, bill.number)}
        named = next((bill for name, bill in known.items() if name in text.lower() or name == text), None)
        if named is None:
            raise InputError(f"“{text}” does not name one bill.")
        return named

    def renew(self, token: str) -> bool:
        self.renewed.append(token)
        return self.open

    def _after(self, decision: Decision) -> Decision:
        return replace(decision, verdict=replace(decision.verdict, action=words(self.after).action, reason=self.after))
