"""What the dashboard's pages say, worked out before the templates see it."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from receiver.dashboard.drawing import Life, life
from receiver.dashboard.ports import Exempted, Foresight, Listed, Standing, Story
from receiver.dashboard.states import LABELS, State, by_state, state_of
from receiver.dashboard.telling import Told, age, story
from receiver.ports import Done
from receiver.sheet import View, capital, view
from reconciler.forecast import held_up
from reconciler.kept import kept
from reconciler.locks import effective_lock
from reconciler.model import Case, Decision
from reconciler.organisation import Books, Mode
from reconciler.outlook import when_paid
from reconciler.reasons import Action, Reason, words
from reconciler.words import bill_state, currency_of, day, explain, moment, money

STUCK = "have a bill that nobody could approve any more"
ONE = {"have": "has", "are": "is"}
MODES = {Mode.WATCH: "watched only, nothing is written to Xero", Mode.SYNC: "live"}


@dataclass(frozen=True, slots=True)
class Count:
    """A number with what it counts and where they are listed."""

    number: int
    label: str
    url: str
    state: State


@dataclass(frozen=True, slots=True)
class Card:
    """An organisation at a glance. `trouble` are sentences; `facts` are (name, value); `owed` (what, how long)."""

    key: str
    name: str
    trouble: list[str]
    facts: list[tuple[str, str]]
    states: list[Count]
    reasons: list[Count]
    owed: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Line:
    """A milestone in a list."""

    place: str
    url: str
    key: str
    title: str
    payee: str
    amount: str
    date: str
    bill: str
    state: State
    standing: str
    organisation: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """An exemption in a list."""

    place: str
    url: str
    key: str
    payee: str
    by: str
    reason: str
    since: str
    until: str
    ended: str


@dataclass(frozen=True, slots=True)
class Detail:
    """One milestone's page. `sheet` is missing while the milestone is not decided; `kept` is what somebody left as Xero
    has it."""

    line: Line
    sheet: View | None
    open: bool
    paid: str
    told: list[Told]
    life: Life
    exemption: Record | None
    kept: list[tuple[str, str]]


def card(standing: Standing, now: dt.datetime) -> Card:
    """An organisation at a glance."""
    key, books = standing.organisation.key, standing.books
    states = by_state(standing.counts)
    reasons = sorted(standing.counts.items(), key=lambda item: -item[1])
    return Card(
        key=key,
        name=standing.organisation.name,
        trouble=[sentence for sentence in (_trouble(standing), *_mail_trouble(standing)) if sentence],
        facts=_facts(standing, now),
        states=[Count(n, LABELS[s], filtered(organisation=key, state=s.value), s) for s, n in states.items() if n],
        reasons=[
            Count(n, capital(words(r).headline), filtered(organisation=key, reason=r.value), state_of(r))
            for r, n in reasons
            if r
        ],
        owed=_owed(standing, now, books),
    )


def _trouble(standing: Standing) -> str:
    if standing.paused is not None:
        return f"Writing to Xero is paused {standing.paused}".rstrip() + "."
    hold = standing.books.hold
    detail = f" {standing.books.hold_detail}" if hold and standing.books.hold_detail else ""
    return f"{capital(words(hold).headline)}.{detail}" if hold else ""


def _mail_trouble(standing: Standing) -> list[str]:
    zone = standing.books.zone
    told = [f"No mail reaches {one.address} since {moment(one.at, zone)}: {one.said}" for one in standing.refused]
    return [*told, f"The mail server said: {standing.mail_error}"] if standing.mail_error else told


def _facts(standing: Standing, now: dt.datetime) -> list[tuple[str, str]]:
    books = standing.books
    facts = [
        ("Mode", MODES[standing.organisation.mode]),
        ("Locked to", day(books.period_lock) if books.period_lock else "not locked"),
        ("Year-end lock", day(books.year_lock) if books.year_lock else "not locked"),
        ("Last webhook", f"{age(standing.heard_at, now)} ago" if standing.heard_at else "none so far"),
        ("Last full read", f"{age(books.swept_at, now)} ago" if books.swept_at else "not yet"),
    ]
    if standing.calls_left is not None:
        facts.append(("Calls to Xero", f"{standing.calls_left:,} left today"))
    return facts


def _owed(standing: Standing, now: dt.datetime, books: Books) -> list[tuple[str, str]]:
    owed = [(f"Milestones to decide: {standing.undecided:,}", "")] if standing.undecided else []
    for one in standing.owed:
        wait = f"the oldest for {age(one.since, now)}" if one.since else ""
        later = one.next_try and one.next_try > now
        wait += f", next try {moment(one.next_try, books.zone)}" if one.next_try and later else ""
        owed.append((f"{capital(one.what)}: {one.number:,}", wait))
    return owed


def filtered(**values: str) -> str:
    """The address of the list with these filters."""
    return f"/milestones?{urlencode({name: value for name, value in values.items() if value})}"


def line(listed: Listed, books: Mapping[str, Books], names: Mapping[str, str]) -> Line:
    """A milestone in a list."""
    milestone, bills = listed.milestone, (*listed.parts, *([listed.bill] if listed.bill else []))
    held = books.get(milestone.organisation, Books())
    reason = listed.verdict.reason if listed.verdict else None
    return Line(
        place=f"{milestone.organisation}/{milestone.key}",
        url=address(milestone.organisation, milestone.key),
        key=milestone.key,
        title=milestone.title,
        payee=milestone.payee,
        amount=money(milestone.amount, milestone.currency or held.currency),
        date=day(milestone.date),
        bill=" · ".join(f"{b.number or 'without a number'}, {bill_state(b)}" for b in bills),
        state=state_of(reason),
        standing=capital(words(reason).headline) if reason else "Not decided yet",
        organisation=names.get(milestone.organisation, milestone.organisation),
    )


def address(organisation: str, key: str) -> str:
    """The address of a milestone's page."""
    return f"/milestones/{quote(organisation, safe='')}/{quote(key, safe='')}"


def detail(found: Story, now: dt.datetime) -> Detail:
    """One milestone's page."""
    books, listed, organisation = found.books, found.listed, found.organisation
    decision = found.sheet.items[0] if found.sheet else None
    today = now.astimezone(ZoneInfo(books.zone)).date()
    standing = [one for one in found.exemptions if one.ended_at is None]
    return Detail(
        line=line(listed, {organisation.key: books}, {organisation.key: organisation.name}),
        sheet=view(found.sheet) if found.sheet else None,
        open=decision is not None and decision.verdict.action in (Action.FLAG, Action.HOLD),
        paid=when_paid(decision, books) if decision else "",
        told=story(found.moments, books.zone),
        life=life(listed.milestone, listed.bill, effective_lock(organisation, books), today),
        exemption=record(standing[0], books.zone) if standing else None,
        kept=kept(decision, found.moments, books) if decision else [],
    )


def record(one: Exempted, zone: str) -> Record:
    """An exemption in a list."""
    given = one.exemption
    return Record(
        place=f"{one.organisation}/{one.key}",
        url=address(one.organisation, one.key),
        key=one.key,
        payee=one.payee,
        by=given.by,
        reason=given.reason,
        since=moment(given.since, zone),
        until=day(given.until) if given.until else "for good",
        ended=f"{moment(one.ended_at, zone)} by {one.ended_by}" if one.ended_at else "",
    )


def results(dones: Sequence[tuple[Done, Books]]) -> list[Line]:
    """How milestones stand after a choice."""
    lines = []
    for done, books in dones:
        for decision in done.items:
            milestone, reason = decision.case.milestone, decision.verdict.reason
            lines.append(
                Line(
                    place=f"{milestone.organisation}/{milestone.key}",
                    url=address(milestone.organisation, milestone.key),
                    key=milestone.key,
                    title=milestone.title,
                    payee=milestone.payee,
                    amount=money(milestone.amount, currency_of(decision, books)),
                    date=day(milestone.date),
                    bill="",
                    state=state_of(reason),
                    standing=capital(words(reason).headline),
                    organisation="",
                    detail=explain(decision, books),
                )
            )
    return lines


@dataclass(frozen=True, slots=True)
class Group:
    """Part of a forecast: a heading, what it means, its milestones."""

    heading: str
    meaning: str
    lines: list[Line]
    name: str = ""
    more: str = ""


def paged(group: Group, number: int, page: int, address: str) -> Group:
    """The group with so many of its lines from the page on that was asked for, and a link to the next."""
    start = number * page
    more = f"{address}&part={group.name}&page={number + 1}" if start + page < len(group.lines) else ""
    return replace(group, lines=group.lines[start : start + page], more=more)


def groups(seen: Foresight, days: int) -> list[Group]:
    """A forecast in words; parts without milestones are left out."""
    told: list[Group] = []
    if seen.forecast:
        found, lock = seen.forecast, day(seen.forecast.lock)
        refused = f"A bill dated on or before {lock} would be refused."
        later = "They could not be billed once they are; their dates would have to move."
        told = [
            _group("unbilled", "cannot be billed", refused, _cases(found.unbilled), seen),
            _group("stuck", STUCK, "Approve them before locking.", _cases(found.stuck), seen),
            _group("later", "are not due yet", later, _cases(found.later), seen),
        ]
    why = f"Nobody has approved these bills; they fall due within {days} days, or are due already."
    told.append(_group("late", "are unapproved and soon due", why, seen.late, seen))
    return [group for group in told if group.lines]


def _cases(decisions: Sequence[Decision]) -> list[Case]:
    return [decision.case for decision in decisions]


def _group(name: str, what: str, why: str, cases: Sequence[Case], seen: Foresight) -> Group:
    return Group(_many(len(cases), what), why, [_case(case, seen) for case in cases], name)


def _many(number: int, what: str) -> str:
    if number > 1:
        return f"{number} milestones {what}"
    first, _, rest = what.partition(" ")
    return f"1 milestone {ONE.get(first, first)} {rest}"


def _case(case: Case, seen: Foresight) -> Line:
    milestone, bill = case.milestone, case.bill
    return Line(
        place=f"{milestone.organisation}/{milestone.key}",
        url=address(milestone.organisation, milestone.key),
        key=milestone.key,
        title=milestone.title,
        payee=milestone.payee,
        amount=money(*held_up(case, seen.books)),
        date=day(bill.date if bill else milestone.date),
        bill=_bill(case),
        state=State.UNAPPROVED if bill else State.TO_BILL,
        standing="",
        organisation=seen.organisation.name,
    )


def _bill(case: Case) -> str:
    bill = case.bill
    if bill is None:
        return "no bill yet"
    due = f", due {day(bill.due_date)}" if bill.due_date else ""
    return f"{bill.number or 'without a number'}, {bill_state(bill)}{due}"


def reason_choices(counts: Mapping[Reason | None, int]) -> list[tuple[str, str]]:
    """The reasons to filter by: those there are, in the order of their words."""
    return sorted(((r.value, capital(words(r).headline)) for r in counts if r), key=lambda pair: pair[1])
