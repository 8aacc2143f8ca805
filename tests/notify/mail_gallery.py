"""One mail of every kind, from invented facts, to be looked at."""

import dataclasses
import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

from mail_samples import (
    BILL,
    BOOKS,
    LINK,
    MILESTONE,
    NAMES,
    NO_LINK,
    NOW,
    ORGANISATION,
    alert_flag,
    choice,
    decision,
    flag,
    locked,
    mail,
)
from msgspec.structs import replace

from notify.digests import Outlook, Week
from notify.render import Rendered, render, render_digest
from notify.watching import Sign, Watched
from reconciler.forecast import Forecast
from reconciler.hours import Lockup
from reconciler.model import Case, Decision, Link, Links, Milestone, Status, Verdict
from reconciler.reasons import Action, Choose, Reason
from reconciler.records import Flag, Mail, MailKind

DAY = dt.timedelta(days=1)
OTHERS = ("treasurer@example.org",)
SETTLED = Verdict(Action.SKIP, Reason.AWAITING_APPROVAL, Link())


SIGN = Sign(
    "webhooks",
    "Xero's webhooks have gone silent",
    "Bills changed in Xero, but no webhook told of it. Sweeps find such changes all the same, only later.",
    "Run billwatch doctor.",
    NOW,
)


def gallery() -> Iterator[tuple[str, Rendered]]:
    """Each kind of mail by name."""
    yield "warning-one", _mail([decision(Reason.BILL_APPROVED)])
    yield "warning-one-overdue", _mail([_overdue()])
    yield "warning-duplicate", _mail([decision(Reason.POSSIBLE_DUPLICATE)])
    yield "warning-refused-no-page", _mail([decision(Reason.REFUSED)], link=NO_LINK)
    yield "warning-lock", _mail(locked())
    yield "warning-several-causes", _mail([*locked(3), *_changed(3), *_several(Reason.CONTACT_ARCHIVED, 2)])
    yield "warning-digest", _digest()
    yield "reminder", _mail(locked(3), told=frozenset({1, 2, 3}), opened=NOW - 4 * DAY)
    yield "passed-on", _mail(locked(3), kind=MailKind.ESCALATION, opened=NOW - 8 * DAY, also=("accounts@example.org",))
    yield "resolved-one", _resolved(1)
    yield "resolved-many", _resolved(5)
    yield "result-one", _result(Choose.KEEP, [decision(Reason.BILL_APPROVED)])
    yield "result-several", _result(Choose.DATE, locked(4), date=dt.date(2026, 7, 1))
    yield "result-exempt", _result(Choose.EXEMPT, locked(1), reason="Paid by koha at the opening")
    yield "alert", _alert(alert_flag(Reason.CONNECTION_LOST))
    yield "alert-cap", _alert(alert_flag(Reason.CAP_REACHED))
    yield "alert-over", _alert(replace(alert_flag(Reason.CONNECTION_LOST), closed_at=NOW))
    yield "weekly-all-well", _told(MailKind.WEEKLY, dataclasses.replace(WEEK, undecided=0, late=()))
    yield "weekly-waiting", _told(MailKind.WEEKLY, WEEK)
    yield "forecast", _told(MailKind.FORECAST, OUTLOOK)
    yield "watch", _told(MailKind.WATCH, Watched((SIGN,)))
    yield "hostile-names", _mail(_hostile())


def _mail(
    decisions: list[Decision], link: object = LINK, opened: dt.datetime | None = None, **changes: object
) -> Rendered:
    flags = [flag(made, number) for number, made in enumerate(decisions, 1)]
    flags = [replace(each, opened_at=opened) for each in flags] if opened else flags
    owed = replace(mail(*flags), **({"also": OTHERS} | changes))  # type: ignore[arg-type]
    return render(owed, decisions, ORGANISATION, BOOKS, link, NOW)  # type: ignore[arg-type]


def _several(reason: Reason, count: int) -> list[Decision]:
    named = enumerate(NAMES[5 : 5 + count])
    return [
        decision(reason, replace(MILESTONE, key=f"M-{reason.value[:3]}{n}", payee=payee, amount=Decimal(amount)))
        for n, (payee, amount) in named
    ]


def _changed(count: int) -> list[Decision]:
    made = []
    for one in _several(Reason.BILL_APPROVED, count):
        bill = replace(BILL, total=one.case.milestone.amount - 500, number=one.case.milestone.key)
        theirs = replace(one.verdict.theirs, total=bill.total) if one.verdict.theirs else None
        made.append(Decision(replace(one.case, bill=bill), replace(one.verdict, theirs=theirs)))
    return made


def _overdue() -> Decision:
    made = decision(Reason.BILL_APPROVED)
    bill = replace(BILL, due_date=dt.date(2026, 7, 1))
    return Decision(replace(made.case, bill=bill), made.verdict)


def _digest() -> Rendered:
    still, new, over = _several(Reason.REFUSED, 2), locked(3), _several(Reason.BILL_MISSING, 2)
    over = [_settled(one) for one in over]
    flags = [flag(one, number) for number, one in enumerate([*new, *still], 1)]
    closed = [
        Flag(90 + n, "example", one.case.milestone.key, Reason.BILL_MISSING, NOW - DAY, closed_at=NOW)
        for n, one in enumerate(over)
    ]
    owed = replace(mail(*flags), resolved=tuple(closed), told=frozenset({4, 5, 90, 91}), also=OTHERS)
    return render(owed, [*new, *still, *over], ORGANISATION, BOOKS, LINK, NOW)


def _resolved(count: int) -> Rendered:
    over = [_settled(one) for one in locked(count)]
    closed = [replace(flag(one, n), reason=Reason.PERIOD_LOCKED, closed_at=NOW) for n, one in enumerate(over, 1)]
    owed = replace(mail(*closed), flags=(), resolved=tuple(closed), told=frozenset(range(1, count + 1)), also=OTHERS)
    return render(owed, over, ORGANISATION, BOOKS, NO_LINK, NOW)


def _settled(one: Decision) -> Decision:
    bill = replace(BILL, status=Status.SUBMITTED, total=one.case.milestone.amount)
    return Decision(replace(one.case, bill=one.case.bill or bill), SETTLED)


def _result(kind: Choose, decisions: list[Decision], **given: object) -> Rendered:
    flags = [flag(made, number) for number, made in enumerate(decisions, 1)]
    now = [Decision(one.case, EXEMPT) if kind is Choose.EXEMPT else _settled(one) for one in decisions]
    owed = mail(*flags, kind=MailKind.RESULT, choice=choice(kind, **given))
    return render(replace(owed, also=OTHERS), now, ORGANISATION, BOOKS, NO_LINK, NOW)


def _alert(raised: Flag) -> Rendered:
    owed = replace(mail(raised, kind=MailKind.ALERT), recipient="ops@example.org")
    if raised.closed_at:
        owed = replace(owed, flags=(), resolved=(raised,))
    return render(owed, [], ORGANISATION, BOOKS, LINK if raised.reason is Reason.CAP_REACHED else NO_LINK, NOW)


def _told(kind: MailKind, told: Week | Outlook | Watched) -> Rendered:
    owed = Mail(1, "example", "accounts@example.org", kind, None, "<1@example.org>", NOW, ())
    return render_digest(owed, told, ORGANISATION, BOOKS, NOW)


def _hostile() -> list[Decision]:
    names = ("<b>Bold</b> & Co\nBcc: all@example.org", "משרד התרבות (17) NZ$1.00", "A" * 300, "Zoë \u202e Reversed")
    links = Links(milestone="https://grants.example.org/m/1?a=<b>")
    return [
        decision(Reason.REFUSED, replace(MILESTONE, key=f"M-{n}", payee=name, title=name, links=links))
        for n, name in enumerate(names)
    ]


def _case(number: int, milestone: Milestone, status: Status = Status.SUBMITTED) -> Case:
    due = dt.date(2026, 7, 10 + number)
    return Case(milestone, bill=replace(BILL, number=milestone.key, status=status, due_date=due))


EXEMPT = Verdict(Action.SKIP, Reason.EXEMPT, Link())
LATE = tuple(_case(n, one.case.milestone) for n, one in enumerate(locked(3)))
WEEK = Week(
    since=dt.date(2026, 6, 29),
    until=dt.date(2026, 7, 5),
    billed={"NZD": (12, Decimal("86400.00")), "AUD": (1, Decimal("4000.00"))},
    paid={"NZD": (9, Decimal("61250.00"))},
    unapproved={"NZD": (4, Decimal("22100.00"))},
    unpaid={"NZD": (17, Decimal("140500.00"))},
    undecided=3,
    late=LATE,
)
OUTLOOK = Outlook(
    Lockup(dt.date(2026, 7, 14), dt.date(2026, 6, 30)),
    Forecast(dt.date(2026, 6, 30), tuple(locked(14)), tuple(Decision(case, SETTLED) for case in LATE[:2]), ()),
    LATE,
    7,
)
