"""The decision: whether a milestone is synced, skipped, flagged or held, and why. Pure: same facts, same verdict.

`ROWS` is the whole table, in order. A row answers with a verdict, or with the view on which the next row goes on;
only the last one writes. What Xero would refuse, and in which words, is told at each row.
"""

import datetime as dt
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from reconciler.compare import LINE, MATERIAL, MONEY, PARTS_KEPT, View, compared, look, mark, parts_mark, unwanted_mark
from reconciler.locks import effective_lock, lock_reason, locked
from reconciler.model import Bill, Case, Field, Part, Status, Verdict, Write, differing, first_open
from reconciler.organisation import Books, Mode, Organisation
from reconciler.plan import plan
from reconciler.reasons import Reason, words
from reconciler.refusals import lock_date, named
from reconciler.usable import problem

SKIPS = {
    Status.PAID: Reason.PAID,
    Status.AUTHORISED: Reason.APPROVED,
    Status.SUBMITTED: Reason.AWAITING_APPROVAL,
    Status.DRAFT: Reason.IN_SYNC,
}
BEHIND = (Status.SUBMITTED, Status.DRAFT, Status.AUTHORISED, Status.PAID)
SETTLED_EDITS = frozenset({Field.CONTACT, Field.DUE_DATE, Field.DESCRIPTION, Field.ACCOUNT, Field.TRACKING})


def decide(case: Case, organisation: Organisation, books: Books, now: dt.datetime) -> Verdict:
    """The verdict on a case: the first row of `ROWS` that has one."""
    view = look(case, organisation, books, now)
    for row in ROWS:
        answer = row(view)
        if type(answer) is Verdict:  # `isinstance` takes longer to see that a view is none than the row takes
            return answer
        view = answer
    raise AssertionError("the last row always answers")


def exempt(view: View) -> View | Verdict:
    """1. An exemption that has not lapsed; a bill that still asks for money is reported, until somebody keeps it."""
    exemption = view.case.exemption
    if exemption is None or not exemption.holds(view.today):
        return view
    asking = [bill for bill in view.case.live if bill.status is not Status.PAID]
    left = [bill for bill in asking if not view.accepted(Reason.EXEMPT_WITH_BILL, bill.bill_id)]
    return _verdict(view, Reason.EXEMPT_WITH_BILL if left else Reason.EXEMPT)


def hold(view: View) -> View | Verdict:
    """2. What we cannot know, or may not act on now."""
    books, link = view.books, view.link
    if books.hold:
        return _verdict(view, books.hold, message=books.hold_detail)
    fresh = dt.timedelta(minutes=view.organisation.policy.fresh_minutes)
    unread = bool(link.bill_id) and view.bill is None and not view.case.missing
    if link.parts:
        known = {*view.case.lost, *(bill.bill_id for bill in view.case.parts)}
        unread |= any(part.bill_id not in known for part in link.parts)
    if books.swept_at is None or view.now - books.swept_at > fresh or unread:
        return _verdict(view, Reason.FACTS_STALE)
    return _verdict(view, Reason.OUTCOME_UNKNOWN) if link.pending_attempt is not None else view


def unwanted(view: View) -> View | Verdict:
    """3. Nothing is to be billed: quiet without a live bill, never undone by ourselves with one."""
    reason = _no_bill_due(view)
    if reason is None:
        return view
    return _not_wanted(view, view.case.live or view.case.ours) or _verdict(view, reason)


def parts(view: View) -> View | Verdict:
    """3. The earlier bills of a milestone that was billed in parts: they count as they were, and are asked about when
    they are not so any more."""
    for part in view.link.parts:
        answer = _earlier(view, part)
        if type(answer) is Verdict:
            return answer
        view = answer
    if all(part.currency == view.ours.currency for part in view.link.parts):
        return view
    if view.accepted(PARTS_KEPT, parts_mark(view.case)):
        return _verdict(view, _standing(view.case.live))
    return _verdict(view, Reason.CURRENCY_CHANGED, others=_ids(view.case.parts))


def covered(view: View) -> View | Verdict:
    """3. Billed in parts, and the earlier bills cover the whole amount by now: no other bill is wanted.

    Where they come to more, it is not for us to take back what was approved or paid.
    """
    milestone, theirs, earlier = view.case.milestone, view.theirs, view.case.parts
    if not view.link.parts or view.ours.total > 0:
        return view
    flag = _not_wanted(view, (view.bill,) if view.bill and view.live else view.case.ours)
    if flag or not view.ours.total or view.accepted(PARTS_KEPT, parts_mark(view.case)):
        return flag or _verdict(view, _standing(view.case.live))
    ours = replace(view.ours, total=milestone.amount)
    theirs = replace(ours, total=milestone.amount - view.ours.total)
    over = _verdict(view, _changed_after(earlier[-1]), fields=frozenset({Field.TOTAL}), others=_ids(earlier))
    return replace(over, ours=ours, theirs=theirs)


def unlinked(view: View) -> View | Verdict:
    """4. No bill linked: adopt the one that carries our number or link; ask where it is not plain which one it is.

    One that was voided or deleted is adopted too: somebody ended it, so it is not made again without asking.
    """
    if view.link.bill_id:
        return view
    ours, similar = view.case.ours, view.case.similar
    if len(ours) > 1:
        return _verdict(view, Reason.DUPLICATE_BILL, others=_ids(ours))
    if ours:
        return _linked(view, ours[0])
    new = [bill for bill in similar if not view.accepted(Reason.POSSIBLE_DUPLICATE, bill.bill_id)]
    if new:
        return _verdict(view, Reason.POSSIBLE_DUPLICATE, others=_ids(similar))
    return _linked(view, view.case.ended[-1]) if view.case.ended else view


def base_unknown(view: View) -> View | Verdict:
    """5. Linked, but never compared: take equal ones as ours, ask about the others."""
    if not view.link.bill_id or view.link.asked is not None or not view.live or view.theirs is None:
        return view
    apart = [f for f in MATERIAL if getattr(view.ours, f) != getattr(view.theirs, f)]
    if apart:
        return _verdict(view, Reason.LINK_DIFFERS, fields=frozenset(apart))
    return compared(replace(view, link=replace(view.link, asked=view.ours, seen=view.theirs)))


def missing(view: View) -> View | Verdict:
    """6. A direct read said that the bill does not exist; a failed read never does."""
    return _verdict(view, Reason.BILL_MISSING) if view.case.missing else view


def undone(view: View) -> View | Verdict:
    """7. Voided or deleted: final in Xero ("Invoice not of valid status for modification")."""
    if view.bill is None or view.live:
        return view
    return _verdict(view, _ended(view.bill))


def changed_in_xero(view: View) -> View | Verdict:
    """8. Somebody changed money, currency or payee in Xero alone, or took a payment back."""
    bill = view.bill
    if bill is None:
        return view
    changed = (view.edited & MONEY) - view.pending
    if changed and view.organisation.policy.xero_edits == "flag":
        return _verdict(view, Reason.CHANGED_IN_XERO, fields=changed)
    if bill.settled < view.link.settled:
        return _verdict(view, Reason.PAYMENT_REVERSED)
    return view if bill.settled == view.link.settled else replace(view, link=replace(view.link, settled=bill.settled))


def nothing_pending(view: View) -> View | Verdict:
    """9. Milestone and bill agree: quiet, save a draft that has come to lie in a locked period."""
    bill, policy = view.bill, view.organisation.policy
    if bill is None or view.pending:
        return view
    if bill.status.unapproved and policy.locked_drafts == "flag":
        lock = effective_lock(view.organisation, view.books)
        if locked(bill.date, lock):
            return _locked(view, Reason.LOCKED_DRAFT, bill.date, lock)
    if view.link.locked_out or view.link.refusal:
        view = replace(view, link=replace(view.link, locked_out=None, refusal=None))
    if policy.warn_when_equal and view.firm:
        reason = _changed_after(bill)
        if not view.accepted(reason, bill.bill_id):
            return _verdict(view, reason)
    return _verdict(view, _standing(view.case.live))


def read_only(view: View) -> View | Verdict:
    """10. Made by Xero Expenses ("Sorry this was created by Xero Expenses and can't be modified via the API")."""
    return _verdict(view, Reason.BILL_READ_ONLY, fields=view.pending) if view.bill and view.bill.read_only else view


def settled(view: View) -> View | Verdict:
    """11. Money is applied to it: Xero drops amounts silently and refuses dates, even where it takes other edits."""
    bill = view.bill
    if bill is None or not (bill.settled or bill.status is Status.PAID):
        return view
    allowed = view.organisation.policy.paid_bill_edits == "where-xero-allows" and view.pending <= SETTLED_EDITS
    return view if allowed else _verdict(view, _settled_reason(bill), fields=view.pending)


def approved(view: View) -> View | Verdict:
    """12. Approved: Xero would take the change, but somebody has answered for the bill as it is."""
    bill = view.bill
    if bill is None or bill.status is not Status.AUTHORISED or bill.settled:
        return view
    if view.organisation.policy.approved_bills == "update":
        return view
    return _verdict(view, Reason.BILL_APPROVED, fields=view.pending)


def conflict(view: View) -> View | Verdict:
    """13. Changed on both sides, or in a way that writing the line would undo."""
    theirs = view.theirs
    if theirs is None or view.bill is None:
        return view
    clash = view.pending & view.edited
    if view.pending & LINE:
        clash |= view.edited & {Field.CONTACT, Field.CURRENCY, Field.SENSE, Field.TAX}
        clash |= {Field.LINES} if theirs.lines != 1 else frozenset()
    overwritten = Field.LINES in view.pending and view.accepted(Reason.EDITED_IN_XERO, mark(view.bill.bill_id, theirs))
    if not clash or overwritten:
        return view
    return _verdict(view, Reason.EDITED_IN_XERO, fields=view.pending | clash)


def lock_dates(view: View) -> View | Verdict:
    """14. Locked periods ("The document date cannot be before the period lock date, currently set at …")."""
    bill, policy = view.bill, view.organisation.policy
    lock = effective_lock(view.organisation, view.books)
    firm = view.firm
    if bill and firm and locked(bill.date, lock):
        return _locked(view, lock_reason(bill.date, view.books), bill.date, lock)
    date = view.ours.date if bill is None or Field.DATE in view.pending else bill.date
    if locked(date, lock):
        will_bind = firm or (bill is None and view.organisation.status is Status.AUTHORISED)
        if not will_bind and policy.locked_drafts == "push":
            return view
        if policy.locked_dates == "move" and not locked(date, view.books.year_lock):
            return view
        return _locked(view, lock_reason(date, view.books) if will_bind else Reason.LOCKED_DRAFT, date, lock)
    held_up = {date, bill.date} if bill and firm else {date}
    if view.link.locked_out in held_up and policy.on_unlock == "ask":
        return _verdict(view, Reason.LOCK_LIFTED)
    return view


def usable(view: View) -> View | Verdict:
    """15. What a new bill, or a changed line, payee or currency, would name must be usable in Xero."""
    found = problem(view, plan(view))
    if found is None:
        return view
    reason, what = found
    # What we see for ourselves needs no refusal to be remembered, which would outlast its cause.
    seen = replace(view, link=replace(view.link, refusal=None))
    return _verdict(seen, reason, message=what, fields=view.pending)


def refused(view: View) -> View | Verdict:
    """What Xero refused is not tried again until either side, or a lock date, has changed or a person asks for it."""
    refusal = view.link.refusal
    if refusal is None:
        return view
    url = view.case.milestone.links.milestone
    now = (view.ours, view.theirs, effective_lock(view.organisation, view.books), url)
    if now != (refusal.ours, refusal.theirs, refusal.lock, refusal.url):
        return replace(view, link=replace(view.link, refusal=None))
    ours = {Reason.ACCOUNT_UNUSABLE: view.ours.account, Reason.TAX_INVALID: view.ours.tax}
    code = named([refusal.message], refusal.reason) or ours.get(refusal.reason)
    verdict = _verdict(view, refusal.reason, message=code or refusal.message, fields=view.pending)
    lock = lock_date([refusal.message])
    return replace(verdict, lock=lock, proposed=first_open(lock)) if lock else verdict


def write(view: View) -> Verdict:
    """16 to 18. The caps, the mode, and at last the write."""
    planned, books = plan(view), view.books
    update = bool(planned.bill_id)
    over = books.room is not None and books.room < 1
    over_money = books.room_money is not None and books.room_money < planned.terms.total
    if not update and (over or over_money):
        return _verdict(view, Reason.CAP_REACHED)
    if view.organisation.mode is Mode.WATCH:
        reason = Reason.WOULD_UPDATE if update else Reason.WOULD_CREATE
    else:
        reason = Reason.UPDATE if update else Reason.CREATE
    return _verdict(view, reason, fields=planned.fields, write=planned)


ROWS: tuple[Callable[[View], View | Verdict], ...] = (
    exempt,
    hold,
    unwanted,
    parts,
    covered,
    unlinked,
    base_unknown,
    missing,
    undone,
    changed_in_xero,
    nothing_pending,
    read_only,
    settled,
    approved,
    conflict,
    lock_dates,
    usable,
    refused,
    write,
)


def _no_bill_due(view: View) -> Reason | None:
    milestone = view.case.milestone
    if milestone.cancelled:
        return Reason.WITHDRAWN
    if not milestone.stages & view.organisation.sync_points:
        return Reason.NOT_DUE
    return None if milestone.amount else Reason.NOTHING_TO_PAY


def _linked(view: View, bill: Bill) -> View:
    """The view as if the bill had been linked before; its base is unknown."""
    case = replace(view.case, bill=bill)
    fresh = look(case, view.organisation, view.books, view.now)
    return replace(fresh, link=replace(view.link, bill_id=bill.bill_id, asked=None, seen=None, settled=bill.settled))


def _not_wanted(view: View, live: Sequence[Bill]) -> Verdict | None:
    """The warning that nobody asks for these bills any more; `None` when there are none, or all of them are kept."""
    milestone = view.case.milestone
    left = [b for b in live if not view.accepted(Reason.BILL_NOT_WANTED, unwanted_mark(milestone, b.bill_id))]
    flag = Reason.PAID_NOT_WANTED if any(b.settled for b in left) else Reason.BILL_NOT_WANTED
    return _verdict(view, flag, others=_ids(left)) if left else None


def _earlier(view: View, part: Part) -> View | Verdict:
    """What rows 6 to 8 say of an earlier bill."""
    bill = next((bill for bill in view.case.parts if bill.bill_id == part.bill_id), None)
    about = (part.bill_id,)
    if bill is None:
        return _verdict(view, Reason.BILL_MISSING, others=about)
    if not bill.status.live:
        return _verdict(view, _ended(bill), others=about)
    theirs = bill.terms(view.ours.sense)
    payee = theirs.contact if theirs.contact == view.ours.contact else part.contact
    ours = replace(theirs, total=part.amount(view.ours.sense), currency=part.currency, contact=payee)
    changed = differing(ours, theirs)
    if changed and view.organisation.policy.xero_edits == "flag":
        return replace(_verdict(view, Reason.CHANGED_IN_XERO, fields=changed, others=about), ours=ours, theirs=theirs)
    if bill.settled < part.settled:
        return _verdict(view, Reason.PAYMENT_REVERSED, others=about)
    grown = tuple(replace(p, settled=bill.settled) if p is part else p for p in view.link.parts)
    return view if bill.settled == part.settled else replace(view, link=replace(view.link, parts=grown))


def _ended(bill: Bill) -> Reason:
    return Reason.BILL_VOIDED if bill.status is Status.VOIDED else Reason.BILL_DELETED


def _standing(bills: Sequence[Bill]) -> Reason:
    """How far the milestone is whose live bills these are: no farther than the bill that is behind the others."""
    behind = bills[0].status if len(bills) == 1 else min([bill.status for bill in bills], key=BEHIND.index)
    return Reason.PART_PAID if behind is Status.AUTHORISED and any(b.settled for b in bills) else SKIPS[behind]


def _settled_reason(bill: Bill) -> Reason:
    if bill.credited and not bill.paid:
        return Reason.BILL_CREDITED
    return Reason.BILL_PAID if bill.status is Status.PAID else Reason.BILL_PART_PAID


def _changed_after(bill: Bill) -> Reason:
    return _settled_reason(bill) if bill.settled or bill.status is Status.PAID else Reason.BILL_APPROVED


def _ids(bills: Sequence[Bill]) -> tuple[str, ...]:
    return tuple(bill.bill_id for bill in bills)


def _locked(view: View, reason: Reason, date: dt.date, lock: dt.date | None) -> Verdict:
    link = replace(view.link, locked_out=date)
    named = view.books.year_lock if reason is Reason.YEAR_LOCKED else lock
    proposed = first_open(lock) if lock else None
    return replace(_verdict(view, reason, fields=view.pending), link=link, lock=named, proposed=proposed)


def _verdict(
    view: View,
    reason: Reason,
    *,
    fields: frozenset[Field] = frozenset(),
    others: tuple[str, ...] = (),
    message: str = "",
    write: Write | None = None,
) -> Verdict:
    ours, theirs = (view.ours, view.theirs) if fields else (None, None)
    action = words(reason).action
    return Verdict(action, reason, view.link, write, fields, ours, theirs, others=others, message=message)
