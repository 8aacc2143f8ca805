"""Invented milestones, bills and mails, plausible for every reason that can be mailed."""

import datetime as dt
from decimal import Decimal

from msgspec.structs import replace

from notify.views import PageLink
from reconciler.model import (
    Bill,
    Case,
    Contact,
    Decision,
    Exemption,
    Field,
    Line,
    Link,
    Links,
    Milestone,
    Sense,
    Status,
    Terms,
    Verdict,
)
from reconciler.organisation import Books, Organisation, Policy
from reconciler.reasons import Action, Choose, Reason, Role, words
from reconciler.records import Choice, Flag, Mail, MailKind

NOW = dt.datetime(2026, 7, 8, 22, 42, tzinfo=dt.UTC)
LINK = PageLink("https://billwatch.example.org/r/EXAMPLE2", NOW + dt.timedelta(days=30))
NO_LINK = PageLink()

ORGANISATION = Organisation(
    key="example",
    name="Example Trust",
    account="470",
    currency="NZD",
    people={
        Role.ACCOUNTING: ("accounts@example.org", "treasurer@example.org"),
        Role.GRANTS: ("grants@example.org",),
        Role.OPERATOR: ("ops@example.org",),
    },
    reply_to="grants@example.org",
    policy=Policy(),
)
BOOKS = Books(
    organisation_id="o-1",
    name="Example Trust",
    short_code="!23vYZ",
    currency="NZD",
    zone="Pacific/Auckland",
    period_lock=dt.date(2026, 6, 30),
    read_at=NOW - dt.timedelta(minutes=4),
)
MILESTONE = Milestone(
    organisation="example",
    key="M-0412",
    title="Stage 2",
    payee="Example Arts Trust",
    amount=Decimal("15000.00"),
    date=dt.date(2026, 7, 3),
    due_date=dt.date(2026, 7, 20),
    links=Links(
        "https://grants.example.org/m/0412", "https://grants.example.org/a/097", "https://grants.example.org/c/0088"
    ),
)
BILL = Bill(
    organisation="example",
    bill_id="5f1d7f2c-8a1e-4f6e-9d0c-5b8f2f1d7c11",
    number="M-0412",
    status=Status.AUTHORISED,
    contact_id="c-1",
    contact_name="Example Arts Trust",
    date=dt.date(2026, 7, 3),
    currency="NZD",
    total=Decimal("12000.00"),
    subtotal=Decimal("12000.00"),
    sense=Sense.INCLUSIVE,
    updated_at=NOW - dt.timedelta(days=5),
    read_at=NOW - dt.timedelta(minutes=2),
    due_date=dt.date(2026, 7, 20),
    due=Decimal("12000.00"),
    lines=(
        Line(
            "l-1", "Stage 2", Decimal(1), Decimal("12000.00"), Decimal("12000.00"), "470", "INPUT2", Decimal("1565.22")
        ),
    ),
)
OURS = Terms("c-1", Decimal("15000.00"), "NZD", dt.date(2026, 7, 3))
THEIRS = BILL.terms(Sense.INCLUSIVE)
LOCK = {"lock": dt.date(2026, 6, 30), "proposed": dt.date(2026, 7, 1)}

GONE = {Reason.BILL_VOIDED: Status.VOIDED, Reason.BILL_DELETED: Status.DELETED}
PAID = {Reason.BILL_PAID, Reason.PAID_NOT_WANTED}
CHANGED = {
    Reason.LINK_DIFFERS,
    Reason.CHANGED_IN_XERO,
    Reason.BILL_READ_ONLY,
    Reason.BILL_PAID,
    Reason.BILL_PART_PAID,
    Reason.BILL_CREDITED,
    Reason.BILL_APPROVED,
    Reason.EDITED_IN_XERO,
    Reason.CURRENCY_CHANGED,
}
UNWANTED = {Reason.BILL_NOT_WANTED, Reason.PAID_NOT_WANTED}
LOCKED = {Reason.PERIOD_LOCKED, Reason.YEAR_LOCKED, Reason.LOCKED_DRAFT}
BILLED = CHANGED | UNWANTED | {Reason.EXEMPT_WITH_BILL, Reason.PAYMENT_REVERSED, *GONE}
MESSAGES = {
    Reason.REFUSED: "The document date cannot be before the company's start date.",
    Reason.ACCOUNT_UNUSABLE: "470",
    Reason.TAX_INVALID: "INPUT2",
    Reason.TRACKING_UNUSABLE: "Programme: Rivers",
    Reason.CONNECTION_LOST: "the client secret was refused",
    Reason.CAP_REACHED: "612 due, 500 allowed",
}
FLAGS = [reason for reason in Reason if words(reason).action is Action.FLAG]
HOLDS = [reason for reason in Reason if words(reason).action is Action.HOLD]


def bill(reason: Reason) -> Bill | None:
    """The linked bill that goes with a reason."""
    if reason not in BILLED:
        return None
    status = GONE.get(reason, Status.PAID if reason in PAID else Status.AUTHORISED)
    if reason in PAID:
        return replace(BILL, status=status, paid=BILL.total, due=Decimal(0), paid_on=dt.date(2026, 7, 6))
    if reason in (Reason.BILL_PART_PAID, Reason.BILL_CREDITED):
        return replace(BILL, status=status, paid=Decimal("4000.00"), due=Decimal("8000.00"))
    return replace(BILL, status=status)


def decision(reason: Reason, milestone: Milestone = MILESTONE) -> Decision:
    """A decision with that reason, on facts that could have led to it."""
    twins = tuple(replace(BILL, bill_id=f"b-{n}", number=f"INV-{n}", total=milestone.amount) for n in (1, 2))
    case = Case(
        milestone=replace(milestone, cancelled=reason in UNWANTED),
        bill=bill(reason),
        ours=twins if reason is Reason.DUPLICATE_BILL else (),
        similar=twins[:1] if reason is Reason.POSSIBLE_DUPLICATE else (),
        contacts=(Contact("c-1", milestone.payee),),
        exemption=Exemption("Kim", "paid by hand", NOW) if reason is Reason.EXEMPT_WITH_BILL else None,
    )
    verdict = Verdict(
        words(reason).action,
        reason,
        Link(),
        fields=frozenset({Field.TOTAL}) if reason in CHANGED else frozenset(),
        ours=replace(OURS, total=milestone.amount) if reason in CHANGED else None,
        theirs=THEIRS if reason in CHANGED else None,
        others=tuple(b.bill_id for b in (*case.ours, *case.similar)),
        message=MESSAGES.get(reason, ""),
        **(LOCK if reason in LOCKED else {}),
    )
    return Decision(case, verdict)


def flag(made: Decision, flag_id: int = 1) -> Flag:
    """The flag that a decision raised."""
    reason, key = made.verdict.reason, made.case.milestone.key
    return Flag(flag_id, "example", key, reason, NOW - dt.timedelta(minutes=3), made.verdict)


def alert_flag(reason: Reason) -> Flag:
    """The flag of a whole organisation."""
    verdict = Verdict(Action.HOLD, reason, Link(), message=MESSAGES.get(reason, ""))
    return Flag(1, "example", "", reason, NOW - dt.timedelta(minutes=3), verdict)


def mail(*flags: Flag, kind: MailKind = MailKind.WARNING, choice: Choice | None = None) -> Mail:
    """A mail about these flags to the accountant."""
    return Mail(
        mail_id=7,
        organisation="example",
        recipient="accounts@example.org",
        kind=kind,
        reason=flags[0].reason,
        message_id="<7.example@billwatch.example.org>",
        owed_at=NOW - dt.timedelta(minutes=2),
        flags=flags,
        choice=choice,
    )


NAMES = [
    ("Example Choir", "40000"),
    ("Sample River Care", "32500"),
    ("Example Kura", "28000"),
    ("Otterburn Community Gardens Incorporated Society", "14600"),
    ("Sample Youth Theatre", "12400"),
    ("Example Marae Restoration", "11250"),
    ("Northern Sample Hospice", "9800"),
    ("Example Toy Library", "8200"),
    ("Sample Surf Club", "7400"),
    ("Example Language Nest", "6900"),
    ("Sample Film Festival", "5400"),
    ("Example Walking Group", "4300"),
    ("Sample Repair Café", "3150"),
    ("Example Bee Keepers", "2500"),
]


def locked(count: int = 14) -> list[Decision]:
    """Milestones dated June, all behind the lock of June."""
    made = []
    for n, (payee, amount) in enumerate(NAMES[:count]):
        day = dt.date(2026, 6, 17 + n % 14)
        milestone = replace(MILESTONE, key=f"M-{433 + n:04}", payee=payee, amount=Decimal(amount), date=day)
        made.append(decision(Reason.PERIOD_LOCKED, replace(milestone, due_date=dt.date(2026, 7, 17 + n % 7))))
    return made


def choice(kind: Choose, **given: object) -> Choice:
    """A choice that somebody made from the mail."""
    return Choice(kind, "Kim Example", NOW - dt.timedelta(minutes=1), "accounts@example.org", **given)  # type: ignore[arg-type]
