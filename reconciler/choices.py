"""What a person may choose about a flag, and what each choice does to the memory. Pure.

A choice never writes to Xero: it changes the link so that the next decision comes out as chosen, under
every other rule.
"""

from collections.abc import Callable
from dataclasses import replace
from zoneinfo import ZoneInfo

from reconciler.compare import mark, taken, unwanted_mark, with_adopted
from reconciler.errors import InputError
from reconciler.locks import effective_lock, locked
from reconciler.model import Case, Decision, Exemption, Field, Link, Verdict
from reconciler.organisation import Books, Organisation
from reconciler.reasons import Action, Choose, Reason, words
from reconciler.records import Choice
from reconciler.words import choice_label, day

LOCKS = frozenset({Reason.PERIOD_LOCKED, Reason.YEAR_LOCKED, Reason.LOCKED_DRAFT})
REASON_LENGTH = 500


def fitting(decision: Decision, organisation: Organisation) -> tuple[Choose, ...]:
    """The choices that fit the verdict and lead somewhere, in the order in which they are offered."""
    decision = with_adopted(decision)
    verdict, case = decision.verdict, decision.case
    offered = words(verdict.reason).choices
    return tuple(kind for kind in offered if _leads_somewhere(kind, verdict, case, organisation))


def choose(
    decision: Decision, choice: Choice, organisation: Organisation, books: Books
) -> tuple[Link, Exemption | None]:
    """The link as the choice leaves it, and the exemption that it makes.

    Raises `InputError` when the choice does not fit the verdict, or lacks what it needs.
    """
    decision = with_adopted(decision)
    offered = (*fitting(decision, organisation), Choose.RESYNC, Choose.EXEMPT)
    if choice.kind not in offered:
        labels = ", ".join(f"“{choice_label(kind)}”" for kind in dict.fromkeys(offered))
        raise InputError(f"“{choice_label(choice.kind)}” does not fit here; choose one of {labels}.")
    if choice.kind is Choose.EXEMPT:
        return _left_alone(decision), exemption_of(choice, books.zone)
    link = EFFECTS[choice.kind](decision, choice, organisation, books)
    return replace(link, refusal=None), None


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
    firm = bill is not None and bill.status.live and not bill.status.unapproved
    if kind is Choose.OVERWRITE and firm:
        return not (bill and bill.settled) and organisation.policy.approved_bills == "update"
    if kind is Choose.DATE:
        return not firm
    if kind is Choose.KEEP and verdict.reason is Reason.REFUSED:
        return bill is not None
    return True


def _resync(decision: Decision, _choice: Choice, _organisation: Organisation, _books: Books) -> Link:
    return replace(decision.verdict.link, locked_out=None)


def _date(decision: Decision, choice: Choice, organisation: Organisation, books: Books) -> Link:
    if choice.date is None:
        raise InputError("Choose the date that the bill is to have.")
    lock = effective_lock(organisation, books)
    if lock and locked(choice.date, lock):
        raise InputError(f"{day(choice.date)} is locked too: Xero is locked to {day(lock)}. Choose a later day.")
    milestone = decision.case.milestone
    return replace(decision.verdict.link, chosen_date=choice.date, chosen_for=milestone.date, locked_out=None)


def _keep(decision: Decision, _choice: Choice, _organisation: Organisation, _books: Books) -> Link:
    verdict, case = decision.verdict, decision.case
    link = _acknowledged(decision)
    if verdict.reason is Reason.PAYMENT_REVERSED and case.bill:
        return replace(link, settled=case.bill.settled)
    if verdict.ours is None or verdict.theirs is None:
        return link
    asked = taken(link.asked or verdict.ours, verdict.ours, verdict.fields)
    seen = taken(link.seen or verdict.theirs, verdict.theirs, verdict.fields)
    return replace(link, asked=asked, seen=seen)


def _overwrite(decision: Decision, _choice: Choice, _organisation: Organisation, _books: Books) -> Link:
    verdict, bill = decision.verdict, decision.case.bill
    ours, theirs, link = verdict.ours, verdict.theirs, verdict.link
    if bill is None or ours is None or theirs is None:
        raise InputError("There is no bill to change.")
    asked = taken(link.asked or ours, theirs, verdict.fields)
    seen = taken(link.seen or theirs, theirs, verdict.fields)
    link = replace(link, asked=asked, seen=seen)
    several = Field.LINES in verdict.fields
    return _accept(link, Reason.EDITED_IN_XERO, mark(bill.bill_id, theirs)) if several else link


def _bill_again(decision: Decision, _choice: Choice, _organisation: Organisation, _books: Books) -> Link:
    link = decision.verdict.link
    return Link(
        generation=link.generation + 1,
        chosen_date=link.chosen_date,
        chosen_for=link.chosen_for,
        accepted=link.accepted,
        version=link.version,
    )


def _follow(decision: Decision, choice: Choice, _organisation: Organisation, _books: Books) -> Link:
    if not choice.bill_id:
        raise InputError("Name the bill that counts.")
    link = decision.verdict.link
    return Link(bill_id=choice.bill_id, generation=link.generation, version=link.version)


def _bill_anyway(decision: Decision, _choice: Choice, _organisation: Organisation, _books: Books) -> Link:
    link = decision.verdict.link
    for bill_id in decision.verdict.others:
        link = _accept(link, Reason.POSSIBLE_DUPLICATE, bill_id)
    return link


def _acknowledged(decision: Decision) -> Link:
    """The link that remembers that a person saw these facts and leaves them as they are."""
    verdict, case, link = decision.verdict, decision.case, decision.verdict.link
    milestone, bill = case.milestone, case.bill
    if verdict.reason in (Reason.BILL_NOT_WANTED, Reason.PAID_NOT_WANTED):
        for bill_id in verdict.others:
            kept = unwanted_mark(milestone, bill_id)
            link = _accept(link, Reason.BILL_NOT_WANTED, kept)
    return _accept(link, verdict.reason, bill.bill_id) if bill and not verdict.fields else link


def _left_alone(decision: Decision) -> Link:
    """The link of a milestone that a person exempts.

    Whoever answers a warning knows of the bill, and the grants team hears of it by the result; else it is to be told.
    """
    link, bill = _acknowledged(decision), decision.case.bill
    warned = decision.verdict.action is Action.FLAG
    return _accept(link, Reason.EXEMPT_WITH_BILL, bill.bill_id) if bill and warned else link


def _accept(link: Link, reason: Reason, fingerprint: str) -> Link:
    entry = (reason, fingerprint)
    return link if entry in link.accepted else replace(link, accepted=(*link.accepted, entry))


EFFECTS: dict[Choose, Callable[[Decision, Choice, Organisation, Books], Link]] = {
    Choose.RESYNC: _resync,
    Choose.DATE: _date,
    Choose.KEEP: _keep,
    Choose.OVERWRITE: _overwrite,
    Choose.BILL_AGAIN: _bill_again,
    Choose.REPLACED_BY: _follow,
    Choose.LINK: _follow,
    Choose.BILL_ANYWAY: _bill_anyway,
    Choose.GO_AHEAD: _resync,
}
