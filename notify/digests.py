"""The views of what comes round by itself: what a week brought, and what the usual lock would hold up; pure."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from notify import clean
from notify.items import Anchor, Row, sum_in_words
from notify.subjects import LONGEST
from notify.views import LISTED, View
from reconciler import words
from reconciler.forecast import Forecast, held_up
from reconciler.hours import Lockup
from reconciler.model import Case

Sums = Mapping[str, tuple[int, Decimal]]
"""By currency: how many, and how much."""


@dataclass(frozen=True, slots=True)
class Week:
    """What seven days brought, and what waits at their end; `late` are drafts that fall due unapproved."""

    since: dt.date
    until: dt.date
    billed: Sums = field(default_factory=dict)
    paid: Sums = field(default_factory=dict)
    unapproved: Sums = field(default_factory=dict)
    unpaid: Sums = field(default_factory=dict)
    undecided: int = 0
    late: tuple[Case, ...] = ()


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the usual lock would hold up, and which drafts fall due within `days` although nobody has approved them."""

    lockup: Lockup | None
    forecast: Forecast | None
    late: tuple[Case, ...]
    days: int

    @property
    def empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not self.late and not (self.forecast and self.forecast.number)


@dataclass(frozen=True, slots=True)
class Line:
    """One milestone of a digest."""

    payee: str
    key: str
    date: dt.date
    amount: str
    places: list[Anchor]
    note: str = ""
    who: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """Milestones that share one fate: what heads them, the sum of their money, and what their dates are."""

    heading: str
    lines: list[Line]
    total: str
    dated: str

    @property
    def listed(self) -> list[Line]:
        """Those that the mail names."""
        return self.lines[:LISTED]

    @property
    def unlisted(self) -> list[Line]:
        """Those that it does not."""
        return self.lines[LISTED:]


@dataclass(frozen=True)
class Weekly(View):
    """What was billed and paid in a week, and what waits."""

    week: Week

    @property
    def heading(self) -> str:
        """All well, or what waits for a person."""
        waiting = [f"{self.week.undecided} to decide"] if self.week.undecided else []
        late = [f"{len(self.week.late)} to approve soon"] if self.week.late else []
        return f"This week: {', '.join([*waiting, *late])}" if waiting or late else "All is well"

    @property
    def subject(self) -> str:
        """The heading, and what the week brought."""
        brought = f"{_number(self.week.billed)} billed, {_number(self.week.paid)} paid"
        return clean.clip(f"{self.heading}; {brought} since {self.brief(self.week.since)}", LONGEST)

    @property
    def span(self) -> str:
        """Which days it is about."""
        return f"{words.day(self.week.since)} to {words.day(self.week.until)}"

    @property
    def rows(self) -> list[Row]:
        """What, how many, how much."""
        named = [
            ("Billed", self.week.billed),
            ("Paid", self.week.paid),
            ("Awaiting approval", self.week.unapproved),
            ("Approved, to be paid", self.week.unpaid),
        ]
        rows = [Row(name, str(_number(sums)), _money(sums)) for name, sums in named]
        return [*rows, Row("Waiting for a decision", str(self.week.undecided), "")]

    @property
    def sections(self) -> list[Section]:
        """Drafts to be approved soon."""
        heading = f"{_bills(len(self.week.late))} nobody has approved, due soon or overdue"
        return [_section(heading, self.week.late, self, due=True)] if self.week.late else []


@dataclass(frozen=True)
class Ahead(View):
    """What the usual lock would hold up, and drafts that fall due unapproved."""

    outlook: Outlook

    @property
    def heading(self) -> str:
        """The lock and what it would do, or the drafts."""
        number = self.outlook.forecast.number if self.outlook.forecast else 0
        if self.outlook.lockup and number:
            what = "1 milestone" if number == 1 else f"{number} milestones"
            how = "billed or approved" if self.outlook.forecast and self.outlook.forecast.stuck else "billed"
            return f"If you lock to {words.day(self.outlook.lockup.to)}, {what} cannot be {how}"
        return f"{_bills(len(self.outlook.late))} due soon or overdue, and not approved"

    @property
    def subject(self) -> str:
        """The heading."""
        return clean.clip(self.heading, LONGEST)

    @property
    def lead(self) -> str:
        """When the lock is to be expected, and what to do before."""
        if not self.outlook.lockup or not (self.outlook.forecast and self.outlook.forecast.number):
            return "Approve them in Xero, and they are paid in time."
        on = words.day(self.outlook.lockup.on)
        return (
            f"The books are usually locked on {on}. Nothing has been locked or changed yet. Have these billed and "
            "approved before, lock to an earlier day, or let them move to the first open day afterwards."
        )

    @property
    def sections(self) -> list[Section]:
        """What could not be billed, what could not be approved, what is to come, and what falls due unapproved."""
        seen = self.outlook.forecast
        named: list[tuple[str, Sequence[Case]]] = []
        if seen:
            named = [
                ("Could not be billed", [d.case for d in seen.unbilled]),
                ("Billed, but could not be approved any more", [d.case for d in seen.stuck]),
                ("Not due yet, and could not be billed once they are", [d.case for d in seen.later]),
            ]
        made = [_section(f"{heading}: {len(cases)}", cases, self) for heading, cases in named if cases]
        late = f"Due within {self.outlook.days} days or overdue, and nobody has approved them: {len(self.outlook.late)}"
        return [*made, *([_section(late, self.outlook.late, self, due=True)] if self.outlook.late else [])]


def _section(heading: str, cases: Sequence[Case], view: View, *, due: bool = False) -> Section:
    sized = ((held_up(case, view.books)[0], _line(case, view, due)) for case in cases)
    lines = sorted(sized, key=lambda one: -one[0])
    sums = sum_in_words(held_up(case, view.books) for case in cases)
    return Section(heading, [line for _, line in lines], sums, "Due" if due else "Date")


def _line(case: Case, view: View, due: bool) -> Line:
    milestone, bill = case.milestone, case.bill
    date = (bill.due_date if due and bill else None) or (bill.date if bill else milestone.date)
    named = [("Milestone", milestone.links.milestone)]
    named += [("Bill in Xero", words.bill_link(view.organisation, view.books, bill.bill_id))] if bill else []
    anchors = [Anchor(label, clean.web_address(url)) for label, url in named]
    return Line(
        clean.line(milestone.payee, 60),
        clean.line(milestone.key),
        date,
        words.money(*held_up(case, view.books)),
        [anchor for anchor in anchors if anchor.url],
    )


def _number(sums: Sums) -> int:
    return sum(number for number, _ in sums.values())


def _money(sums: Sums) -> str:
    return sum_in_words((amount, currency) for currency, (_, amount) in sums.items())


def _bills(number: int) -> str:
    return "1 bill" if number == 1 else f"{number} bills"
