"""What a mail says of each milestone, ready for the templates; pure."""

import datetime as dt
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from notify import clean
from notify.subjects import ONE, SAME_MONEY, fitted
from reconciler import outlook, reasons, words
from reconciler.compare import covered, sense_of
from reconciler.model import Bill, Decision, Field, Status
from reconciler.organisation import Books, Organisation
from reconciler.reasons import Choose, Reason
from reconciler.records import Flag

UNWANTED = frozenset({Reason.EXEMPT_WITH_BILL, Reason.BILL_NOT_WANTED, Reason.PAID_NOT_WANTED})
PAYEE_LENGTH = 60

# What takes the place of the page where there is none.
COMMANDS = {
    Choose.RESYNC: "billwatch resync {key}",
    Choose.DATE: "billwatch resync {key} --date YYYY-MM-DD",
    Choose.KEEP: "billwatch resync {key} --choose keep",
    Choose.OVERWRITE: "billwatch resync {key} --choose overwrite",
    Choose.BILL_DIFFERENCE: "billwatch resync {key} --choose bill-difference",
    Choose.BILL_AGAIN: "billwatch resync {key} --choose bill-again",
    Choose.BILL_ANYWAY: "billwatch resync {key} --choose bill-anyway",
    Choose.VOIDED: "billwatch resync {key} --choose voided",
    Choose.LINK: "billwatch link {key} BILL",
    Choose.REPLACED_BY: "billwatch link {key} BILL",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the side by side: what, on the milestone, on the bill, and whether the two differ."""

    name: str
    ours: str
    theirs: str = ""
    differs: bool = False


@dataclass(frozen=True, slots=True)
class Anchor:
    """A link with the words that it stands under."""

    label: str
    url: str


@dataclass(frozen=True)
class Item:
    """One milestone of a mail. `raw` is the decision as it came, `decision` the same with every text made harmless."""

    flag: Flag
    raw: Decision
    decision: Decision
    organisation: Organisation
    books: Books

    @property
    def reason(self) -> Reason:
        """Why the flag was raised."""
        return self.flag.reason

    @property
    def key(self) -> str:
        """The milestone's key."""
        return self.decision.case.milestone.key

    @property
    def payee(self) -> str:
        """Who is to be paid, at a length that a line holds."""
        return clean.line(self.raw.case.milestone.payee, PAYEE_LENGTH)

    @property
    def title(self) -> str:
        """What the milestone is called on the platform."""
        return self.decision.case.milestone.title

    @property
    def bill(self) -> Bill | None:
        """The bill as last read."""
        return self.decision.case.bill

    @property
    def currency(self) -> str:
        """The currency in which the milestone is promised."""
        return words.currency_of(self.decision, self.books) or self.organisation.currency

    @cached_property
    def ours(self) -> Decimal:
        """The milestone's amount, as it was when the flag was raised; without what earlier bills cover of it."""
        compared, case = self.decision.verdict.ours, self.decision.case
        if compared:
            return compared.total
        left = case.milestone.amount - covered(case, sense_of(case, self.organisation))
        return left if left > 0 else case.milestone.amount

    @cached_property
    def theirs(self) -> Decimal | None:
        """The bill's total in the milestone's sense of tax; `None` without a bill."""
        if self.bill is None:
            return None
        sense = sense_of(self.decision.case, self.organisation)
        return (self.decision.verdict.theirs or self.bill.terms(sense)).total

    @property
    def differs(self) -> bool:
        """Whether milestone and bill ask for different money; a bill that is void asks for none."""
        live = self.bill is not None and self.bill.status.live
        return live and (self.theirs != self.ours or not self._same_currency)

    @property
    def in_dispute(self) -> bool:
        """Whether only a part of the money is in question: what milestone and bill differ by."""
        return self.differs and self._same_currency and self.reason not in UNWANTED

    @property
    def stake(self) -> Decimal:
        """The money that is in question: the difference of the two, or else the whole amount."""
        return abs(self.ours - self.theirs) if self.in_dispute and self.theirs is not None else self._whole

    @property
    def stake_currency(self) -> str:
        """The currency of `stake`."""
        return self.bill.currency if self.reason in UNWANTED and self.bill else self.currency

    @property
    def amount(self) -> str:
        """What is to be paid, or for a bill that nobody wants what it asks for, in words."""
        return words.money(self._whole, self.stake_currency)

    @property
    def date(self) -> dt.date:
        """The date that the bill has or is to have."""
        link, milestone = self.decision.verdict.link, self.decision.case.milestone
        return link.locked_out or link.chosen_date or milestone.date

    @property
    def due(self) -> dt.date | None:
        """When the money falls due; `None` when that no longer matters."""
        bill, milestone = self.bill, self.decision.case.milestone
        if bill and bill.status.live:
            return None if bill.status is Status.PAID else bill.due_date
        return None if milestone.cancelled else milestone.due_date or self.organisation.due.after(self.date)

    @property
    def happened(self) -> str:
        """What happened, in a sentence or two."""
        return words.explain(self.decision, self.books)

    @property
    def todo(self) -> str:
        """What the reader can do."""
        return words.what_to_do(self.decision, self.books)

    @property
    def otherwise(self) -> str:
        """What follows if nobody acts."""
        return outlook.if_nobody_acts(self.decision, self.books)

    @property
    def question(self) -> str:
        """What the flag asks, in a few words, with the money."""
        form = ONE.get(self.reason, "{ours}, " + reasons.words(self.reason).headline)
        return (form if self.differs else SAME_MONEY.get(self.reason, form)).format(
            ours=words.money(self.ours, self.currency),
            theirs=self._theirs_in_words,
            settled=words.money(self.bill.settled, self.bill.currency) if self.bill else "nothing",
            lock=_day(self.decision.verdict.lock, "a day unknown"),
            proposed=_day(self.decision.verdict.proposed, "another day"),
            bills=len(self.others) or "several",
        )

    def about(self, question: str) -> str:
        """A subject about this milestone."""
        milestone = self.raw.case.milestone
        return fitted(milestone.payee, milestone.key, question)

    @property
    def rows(self) -> list[Row]:
        """Milestone and bill side by side: amount, date, whatever else differs, and how the bill stands."""
        changed = {d.field for d in self.decision.verdict.differences}
        rows = [*self._amount_rows(), self._date_row(changed), *self._other_rows()]
        if self.bill:
            rows.append(Row("State", "cancelled" if self._cancelled else "", words.bill_state(self.bill)))
            return [*rows, *self._deed_rows()]
        return [*rows, Row("Payment due", _day(self.due, "none"))]

    @property
    def note(self) -> str:
        """What a list adds below the milestone: the bill's total where it differs."""
        return f"Xero has {self._theirs_in_words}" if self.differs and self.reason not in UNWANTED else ""

    @property
    def who(self) -> str:
        """What was done to the bill, when and by whom, as far as Xero's history tells."""
        deed = self.decision.case.deed
        return f"{deed.did.capitalize()} {words.who_and_when(deed, self.books)}" if deed else ""

    @property
    def others(self) -> list[Bill]:
        """The bills that the reason speaks of, besides the linked one."""
        case, named = self.decision.case, self.decision.verdict.others
        found = {bill.bill_id: bill for bill in (*case.ours, *case.similar)}
        return [found[bill_id] for bill_id in named if bill_id in found]

    @property
    def candidates(self) -> list[tuple[str, str, str]]:
        """Those bills as a table: number, amount, date and state."""
        return [
            (
                bill.number or "no number",
                words.money(bill.total, bill.currency),
                f"{words.day(bill.date)}, {words.bill_state(bill)}",
            )
            for bill in self.others
        ]

    @property
    def links(self) -> list[Anchor]:
        """Where to look: milestone, application, contract, bills in Xero; only those that there are."""
        links = self.raw.case.milestone.links
        papers = [("Milestone", links.milestone), ("Application", links.application), ("Contract", links.contract)]
        bills = [self._bill_anchor(bill) for bill in (*([self.bill] if self.bill else []), *self.others)]
        anchors = [*(Anchor(label, clean.web_address(url)) for label, url in papers), *bills]
        return [anchor for anchor in anchors if anchor.url]

    @property
    def places(self) -> list[Anchor]:
        """Where to look in a list of several: the milestone and its bill."""
        return [link for link in self.links if link.label not in ("Application", "Contract")]

    @property
    def commands(self) -> list[str]:
        """How to act without a page."""
        key = shlex.quote(clean.plain(self.raw.case.milestone.key))
        offered = reasons.words(self.raw.verdict.reason).choices
        chosen = dict.fromkeys(text.format(key=key) for kind, text in COMMANDS.items() if kind in offered)
        return [f"billwatch explain {key}", *chosen, f'billwatch exempt {key} --reason "…"']

    @property
    def _whole(self) -> Decimal:
        return self.theirs if self.reason in UNWANTED and self.theirs is not None else self.ours

    @property
    def _cancelled(self) -> bool:
        return self.decision.case.milestone.cancelled

    @property
    def _same_currency(self) -> bool:
        return self.bill is None or self.bill.currency == self.currency

    @property
    def _theirs_in_words(self) -> str:
        return words.money(self.theirs, self.bill.currency) if self.bill and self.theirs is not None else "nothing"

    def _amount_rows(self) -> list[Row]:
        ours = words.money(self.ours, self.currency)
        if self.bill is None or self.theirs is None:
            return [Row("Amount", ours)]
        amount = Row("Amount", ours, self._theirs_in_words, self.differs)
        if not self.differs or not self._same_currency:
            return [amount]
        gap = self.ours - self.theirs
        return [amount, Row("Difference", ("+" if gap > 0 else "") + words.money(gap, self.currency))]

    def _date_row(self, changed: set[Field]) -> Row:
        theirs = words.day(self.bill.date) if self.bill else ""
        return Row("Date", words.day(self.date), theirs, Field.DATE in changed)

    def _deed_rows(self) -> list[Row]:
        deed = self.decision.case.deed
        return [Row(deed.did.capitalize(), "", words.who_and_when(deed, self.books))] if deed else []

    def _other_rows(self) -> Iterable[Row]:
        shown = (Field.TOTAL, Field.CURRENCY, Field.DATE)
        pairs = zip(self.decision.verdict.differences, words.sides(self.decision, self.books), strict=True)
        return [Row(name.capitalize(), ours, theirs, True) for d, (name, ours, theirs) in pairs if d.field not in shown]

    def _bill_anchor(self, bill: Bill) -> Anchor:
        label = f"Bill {bill.number}".rstrip() if self.others else "Bill in Xero"
        return Anchor(label, clean.web_address(words.bill_link(self.organisation, self.books, bill.bill_id)))


def warned(flag: Flag, now: Decision) -> Decision:
    """The decision as the flag tells it: by the verdict that raised it, on the facts as they are now."""
    return Decision(now.case, flag.verdict or now.verdict)


def items(pairs: Iterable[tuple[Flag, Decision]], organisation: Organisation, books: Books) -> list[Item]:
    """One item per flag and what is to be said of it, most money first."""
    made = [Item(flag, decision, clean.scrub(decision), organisation, books) for flag, decision in pairs]
    return sorted(made, key=lambda item: (-item.stake, item.key))


def total(found: Iterable[Item]) -> str:
    """The money in question, per currency: of whole milestones, and apart from it what is in dispute."""
    every = list(found)
    whole = sum_in_words((item.stake, item.stake_currency) for item in every if not item.in_dispute)
    apart = sum_in_words((item.stake, item.stake_currency) for item in every if item.in_dispute)
    return ", and ".join([*([whole] if whole else []), *([f"{apart} in dispute"] if apart else [])])


def sum_in_words(amounts: Iterable[tuple[Decimal, str]]) -> str:
    """The sum, per currency."""
    sums: dict[str, Decimal] = {}
    for amount, currency in amounts:
        sums[currency] = sums.get(currency, Decimal(0)) + amount
    return " + ".join(words.money(total, currency) for currency, total in sums.items())


def _day(date: dt.date | None, otherwise: str) -> str:
    return words.day(date) if date else otherwise
