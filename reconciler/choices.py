"""What a person may choose about a flag, and what each choice does to the memory. Pure.

A choice never writes to Xero: it changes the link so that the next decision comes out as chosen, under
every other rule.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from reconciler.compare import PARTS_KEPT, covered, mark, parts_mark, sense_of, taken, unwanted_mark, with_adopted
from reconciler.errors import InputError
from reconciler.locks import effective_lock, locked
from reconciler.model import (
    ZERO,
    Bill,
    Case,
    Decision,
    Exemption,
    Field,
    Link,
    Part,
    Verdict,
    first_open,
    part_of,
)
from reconciler.organisation import Books, Organisation
from reconciler.reasons import Action, Choose, Reason, words
from reconciler.records import Choice
from reconciler.words import bill_state, choice_label, day

LOCKS = frozenset({Reason.PERIOD_LOCKED, Reason.YEAR_LOCKED, Reason.LOCKED_DRAFT})
REASON_LENGTH = 500


def fitting(decision: Decision, organisation: Organisation) -> tuple[Choose, ...]:
    """The choices that fit the verdict and lead somewhere, in the order in which they are offered."""
    decision = with_adopted(decision)
    verdict, case = decision.verdict, decision.case
    offered = words(verdict.reason).choices
    return tuple(kind for kind in offered if _leads_somewhere(kind, verdict, case, organisation))


@dataclass(frozen=True, slots=True)
class Asked:
    """A choice about a decision, with what its effect depends on; `named` is the bill that the person named."""

    decision: Decision
    choice: Choice
    organisation: Organisation
    books: Books
    named: Bill | None = None

    @property
    def link(self) -> Link:
        """The memory as the decision left it."""
        return self.decision.verdict.link

    @property
    def about(self) -> tuple[Part, ...]:
        """The earlier bills that the verdict speaks of."""
        return tuple(part for part in self.link.parts if part.bill_id in self.decision.verdict.others)


def choose(
    decision: Decision, choice: Choice, organisation: Organisation, books: Books, named: Bill | None = None
) -> tuple[Link, Exemption | None]:
    """The link as the choice leaves it, and the exemption that it makes; `named` is the bill of `choice.bill_id`.

    Raises `InputError` when the choice does not fit the verdict, or lacks what it needs.
    """
    decision = with_adopted(decision)
    offered = (*fitting(decision, organisation), Choose.RESYNC, Choose.EXEMPT)
    if choice.kind not in offered:
        labels = ", ".join(f"“{choice_label(kind)}”" for kind in dict.fromkeys(offered))
        stands = f"“{decision.case.milestone.key}” ({words(decision.verdict.reason).headline})"
        raise InputError(f"“{choice_label(choice.kind)}” does not fit {stands}; choose one of {labels}.")
    if choice.kind is Choose.EXEMPT:
        return _left_alone(decision), exemption_of(choice, books.zone)
    return EFFECTS[choice.kind](Asked(decision, choice, organisation, books, named)), None


def exemption_of(choice: Choice, zone: str = "UTC") -> Exemption:
    """The exemption that a choice makes; a reason is required, so that the next person understands it.

    `zone` is the organisation's: its end is a day there, and may be the day on which it is made.
    """
    reason = " ".join(choice.reason.split())
    if not reason or len(reason) > REASON_LENGTH:
        raise InputError(f"An exemption needs a reason of 1 to {REASON_LENGTH} characters.")
    if choice.until and choice.until < choice.at.astimezone(ZoneInfo(zone)).date():
        raise InputError(f"The exemption's end, {day(choice.until)}, is past; name a day from today on, or none.")
    return Exemption(choice.by, reason, choice.at, choice.until)


def _leads_somewhere(kind: Choose, verdict: Verdict, case: Case, organisation: Organisation) -> bool:
    bill = case.bill
    firm = bill is not None and bill.status.firm
    earlier = bool(verdict.others) and verdict.others[0] in {part.bill_id for part in verdict.link.parts}
    if kind is Choose.OVERWRITE and (firm or earlier):
        return not (earlier or (bill and bill.settled)) and organisation.policy.approved_bills == "update"
    if kind is Choose.BILL_DIFFERENCE:
        return less_than_milestone(verdict) and not earlier
    if kind is Choose.DATE:
        return not firm
    if kind is Choose.KEEP and verdict.reason is Reason.REFUSED:
        return bill is not None
    return True


def less_than_milestone(verdict: Verdict) -> bool:
    """Whether the bill comes to less than it should, in the same currency and for the same payee."""
    ours, theirs = verdict.ours, verdict.theirs
    if ours is None or theirs is None or verdict.fields & {Field.CURRENCY, Field.CONTACT}:
        return False
    return ours.total > theirs.total


def _resync(asked: Asked) -> Link:
    return replace(asked.link, locked_out=None, refusal=None)


def check_date(date: dt.date | None, organisation: Organisation, books: Books) -> dt.date:
    """The date for a bill; raises `InputError`, which names the first open day, when it is locked."""
    lock = effective_lock(organisation, books)
    if date is None:
        raise InputError("Choose the date that the bill is to have.")
    if lock and locked(date, lock):
        raise InputError(
            f"{day(date)} is locked too: Xero is locked to {day(lock)}. The first open day is {day(first_open(lock))}."
        )
    return date


def _date(asked: Asked) -> Link:
    date = check_date(asked.choice.date, asked.organisation, asked.books)
    chosen_for = asked.decision.case.milestone.date
    return replace(asked.link, chosen_date=date, chosen_for=chosen_for, locked_out=None, refusal=None)


def _keep(asked: Asked) -> Link:
    verdict, case = asked.decision.verdict, asked.decision.case
    link = replace(_acknowledged(asked.decision), refusal=None)
    if asked.about:
        return _keep_earlier(asked, link)
    if verdict.reason is Reason.PAYMENT_REVERSED and case.bill:
        return replace(link, settled=case.bill.settled)
    if verdict.ours is None or verdict.theirs is None:
        return link
    return replace(
        link,
        asked=taken(link.asked or verdict.ours, verdict.ours, verdict.fields),
        seen=taken(link.seen or verdict.theirs, verdict.theirs, verdict.fields),
    )


def _keep_earlier(asked: Asked, link: Link) -> Link:
    """Earlier bills count as they are now; what they cover more, or less, is not asked of the last bill."""
    verdict, case = asked.decision.verdict, asked.decision.case
    if verdict.reason not in (Reason.CHANGED_IN_XERO, Reason.PAYMENT_REVERSED):
        return _accept(link, PARTS_KEPT, parts_mark(case))
    about, now = {part.bill_id for part in asked.about}, {bill.bill_id: part_of(bill) for bill in case.parts}
    parts = tuple(now[part.bill_id] if part.bill_id in about else part for part in link.parts)
    sense = sense_of(case, asked.organisation)
    less = sum((part.amount(sense) for part in parts), ZERO) - covered(case, sense)
    told = replace(link.asked, total=link.asked.total - less) if link.asked else None
    return replace(link, parts=parts, asked=told)


def _overwrite(asked: Asked) -> Link:
    verdict, bill = asked.decision.verdict, asked.decision.case.bill
    ours, theirs, link = verdict.ours, verdict.theirs, replace(asked.link, refusal=None)
    if bill is None or ours is None or theirs is None:
        raise InputError("There is no bill to change.")
    asked_for = taken(link.asked or ours, theirs, verdict.fields)
    seen = taken(link.seen or theirs, theirs, verdict.fields)
    link = replace(link, asked=asked_for, seen=seen)
    several = Field.LINES in verdict.fields
    return _accept(link, Reason.EDITED_IN_XERO, mark(bill.bill_id, theirs)) if several else link


def _another(link: Link, parts: Sequence[Part]) -> Link:
    """The link of a milestone for which another bill is to be made, beside these."""
    return Link(
        generation=link.generation + 1,
        chosen_date=link.chosen_date,
        chosen_for=link.chosen_for,
        accepted=link.accepted,
        parts=tuple(parts),
        version=link.version,
    )


def _bill_again(asked: Asked) -> Link:
    if not asked.about:
        return _another(asked.link, asked.link.parts)
    return _another(asked.link, [part for part in _as_parts(asked) if part not in asked.about])


def _bill_difference(asked: Asked) -> Link:
    return _another(asked.link, _as_parts(asked))


def _as_parts(asked: Asked) -> list[Part]:
    """All bills of the milestone as earlier ones."""
    bill = asked.decision.case.bill
    return [*asked.link.parts, *([part_of(bill)] if bill and bill.status.live else [])]


def _follow(asked: Asked) -> Link:
    if not asked.choice.bill_id:
        raise InputError("Name the bill that counts.")
    link, named, about = asked.link, asked.named, asked.about
    if about and named:
        return replace(link, parts=tuple(part_of(named) if part in about else part for part in link.parts))
    return Link(bill_id=asked.choice.bill_id, generation=link.generation, parts=link.parts, version=link.version)


def _bill_anyway(asked: Asked) -> Link:
    link = replace(asked.link, refusal=None)
    for bill_id in asked.decision.verdict.others:
        link = _accept(link, Reason.POSSIBLE_DUPLICATE, bill_id)
    return link


def _voided(asked: Asked) -> Link:
    """Whoever says that a bill is voided is believed once Xero says so too; and then there is nothing to choose."""
    live = [bill for bill in (*asked.decision.case.live, *asked.decision.case.ours) if bill.status.live]
    held = [bill for bill in live if bill.bill_id in asked.decision.verdict.others]
    told = " and ".join(f"the bill {bill.number or bill.bill_id} as {bill_state(bill)}" for bill in held)
    raise InputError(f"Xero, asked just now, still has {told or 'the bill'}. Void or delete it there first.")


def _remind(asked: Asked) -> Link:
    """Nothing but the reminder changes; that is the ledger's."""
    today = asked.choice.at.astimezone(ZoneInfo(asked.books.zone)).date()
    if asked.choice.until is None or asked.choice.until <= today:
        raise InputError("Name the day on which to be reminded: tomorrow, or later.")
    return asked.link


def _acknowledged(decision: Decision) -> Link:
    """The link that remembers that a person saw these facts and leaves them as they are."""
    verdict, case, link = decision.verdict, decision.case, decision.verdict.link
    if verdict.reason in (Reason.BILL_NOT_WANTED, Reason.PAID_NOT_WANTED):
        for bill_id in verdict.others:
            link = _accept(link, Reason.BILL_NOT_WANTED, unwanted_mark(case.milestone, bill_id))
    for bill in case.live if not verdict.fields else ():
        link = _accept(link, verdict.reason, bill.bill_id)
    return link


def _left_alone(decision: Decision) -> Link:
    """The link of a milestone that a person exempts.

    Whoever answers a warning knows of the bill, and the grants team hears of it by the result; else it is to be told.
    """
    link = _acknowledged(decision)
    for bill in decision.case.live if decision.verdict.action is Action.FLAG else ():
        link = _accept(link, Reason.EXEMPT_WITH_BILL, bill.bill_id)
    return link


def _accept(link: Link, reason: Reason, fingerprint: str) -> Link:
    entry = (reason, fingerprint)
    return link if entry in link.accepted else replace(link, accepted=(*link.accepted, entry))


EFFECTS: dict[Choose, Callable[[Asked], Link]] = {
    Choose.RESYNC: _resync,
    Choose.DATE: _date,
    Choose.KEEP: _keep,
    Choose.OVERWRITE: _overwrite,
    Choose.BILL_DIFFERENCE: _bill_difference,
    Choose.BILL_AGAIN: _bill_again,
    Choose.REPLACED_BY: _follow,
    Choose.LINK: _follow,
    Choose.BILL_ANYWAY: _bill_anyway,
    Choose.VOIDED: _voided,
    Choose.GO_AHEAD: _resync,
    Choose.REMIND: _remind,
}
