"""A choice does what it says: the next decision comes out as chosen, and stays so until something changes again."""

import datetime as dt
from decimal import Decimal

import pytest
from case_builders import (
    BILL_ID,
    NOW,
    a_bill,
    a_choice,
    a_milestone,
    an_organisation,
    billed,
    day,
    judge,
    moment,
    some_books,
    unbilled,
)
from choosing import after, following
from decision_table import ALIKE, DEARER, HALF, LOCKED, NO, TABLE, TWICE, UPDATING, Row
from msgspec.structs import replace

from reconciler.choices import choose, exemption_of, fitting
from reconciler.decide import decide
from reconciler.errors import InputError
from reconciler.model import Case, Decision, Link, Status
from reconciler.reasons import Action, Choose, Reason
from reconciler.words import choice_label

APPROVED = a_bill(status=Status.AUTHORISED)
CANCELLED = a_milestone(cancelled=True)
VOIDED = billed(bill=a_bill(status=Status.VOIDED))
FLAGS = [row for row in TABLE if decide(row.case, row.organisation, row.books, NOW).action is Action.FLAG]
OFFERED = [
    (row, kind)
    for row in TABLE
    for kind in fitting(Decision(row.case, decide(row.case, row.organisation, row.books, NOW)), row.organisation)
    if kind not in (Choose.VOIDED, Choose.REMIND)
]
RELYING_ON_XERO = frozenset({Choose.RESYNC, Choose.GO_AHEAD})


@pytest.mark.parametrize(("row", "kind"), OFFERED, ids=lambda each: getattr(each, "when", each))
def test_what_is_offered_ends_the_warning(row: Row, kind: Choose) -> None:
    """Save a resync, which rests on what was changed in Xero."""
    verdict = decide(row.case, row.organisation, row.books, NOW)
    others = (*verdict.others, "bill-77")
    details = {"reason": "Paid in kind", "bill_id": others[0], "date": verdict.proposed or day("2026-08-01")}
    case = following(
        row.case, Decision(row.case, verdict), kind=kind, organisation=row.organisation, books=row.books, **details
    )
    again = decide(case, row.organisation, row.books, NOW)
    assert kind in RELYING_ON_XERO or again.reason is not verdict.reason


@pytest.mark.parametrize("row", FLAGS, ids=lambda row: row.when)
def test_exempting_is_quiet_whatever_was_flagged(row: Row) -> None:
    case, verdict = after(Choose.EXEMPT, row.case, row.organisation, row.books, reason=" Paid  in kind ")
    assert verdict.reason is Reason.EXEMPT
    assert case.exemption is not None
    assert (case.exemption.reason, case.exemption.by) == ("Paid in kind", "ana@example.org")


@pytest.mark.parametrize("row", FLAGS, ids=lambda row: row.when)
def test_what_does_not_fit_is_refused_with_what_fits(row: Row) -> None:
    decision = Decision(row.case, decide(row.case, row.organisation, row.books, NOW))
    fits = {*fitting(decision, row.organisation), Choose.RESYNC, Choose.EXEMPT}
    for kind in set(Choose) - fits:
        with pytest.raises(InputError) as told:
            choose(decision, a_choice(kind, date=NOW.date(), bill_id="x"), row.organisation, row.books)
        assert all(choice_label(fit) in str(told.value) for fit in fits)


@pytest.mark.parametrize("row", [r for r in TABLE if r not in FLAGS], ids=lambda row: row.when)
def test_where_nothing_is_flagged_nothing_is_kept_or_overwritten(row: Row) -> None:
    decision = Decision(row.case, decide(row.case, row.organisation, row.books, NOW))
    assert not {Choose.KEEP, Choose.OVERWRITE, Choose.BILL_AGAIN, Choose.DATE} & set(
        fitting(decision, row.organisation)
    )


# ---- Another date


@pytest.mark.parametrize("case", [unbilled(), billed(DEARER), billed()], ids=["new", "changed", "equal"])
def test_a_chosen_date_is_written(case: Case) -> None:
    _, verdict = after(Choose.DATE, case, books=LOCKED, date=day("2026-07-02"))
    assert verdict.action is Action.SYNC
    assert (verdict.write.terms.date, verdict.write.terms.due_date) == (day("2026-07-02"), day("2026-07-16"))


def test_a_chosen_date_ends_with_the_platforms_own_change() -> None:
    case, _ = after(Choose.DATE, unbilled(), books=LOCKED, date=day("2026-07-02"))
    later = a_milestone(date=day("2026-07-20"))
    assert judge(replace(case, milestone=later), books=LOCKED).write.terms.date == later.date


def test_a_date_chosen_after_a_lock_was_lifted_is_written() -> None:
    held = unbilled(link=Link(locked_out=a_milestone().date))
    assert after(Choose.DATE, held, date=day("2026-07-31"))[1].write.terms.date == day("2026-07-31")


def test_a_locked_date_cannot_be_chosen() -> None:
    with pytest.raises(InputError, match="locked to 1 July 2026"):
        after(Choose.DATE, unbilled(), books=LOCKED, date=day("2026-07-01"))


def test_a_date_has_to_be_named() -> None:
    with pytest.raises(InputError, match="date"):
        after(Choose.DATE, unbilled(), books=LOCKED)


def test_no_date_can_be_chosen_for_an_approved_bill_in_a_locked_period() -> None:
    with pytest.raises(InputError, match="does not fit"):
        after(Choose.DATE, billed(DEARER, APPROVED), UPDATING, LOCKED, date=day("2026-07-20"))


# ---- Bill again, replaced by, link, bill all the same


@pytest.mark.parametrize(
    "case", [VOIDED, billed(bill=a_bill(status=Status.DELETED)), replace(VOIDED, bill=None, missing=True)]
)
def test_a_milestone_billed_again_gets_a_new_bill_with_a_new_number(case: Case) -> None:
    _, verdict = after(Choose.BILL_AGAIN, case)
    assert (verdict.reason, verdict.write.number, verdict.write.bill_id) == (Reason.CREATE, "GRANT-M1-2", "")


def test_a_milestone_billed_a_third_time_counts_on() -> None:
    twice = replace(VOIDED, link=replace(VOIDED.link, generation=2))
    assert after(Choose.BILL_AGAIN, twice)[1].write.number == "GRANT-M1-3"


def test_billing_again_keeps_the_chosen_date() -> None:
    link = replace(VOIDED.link, chosen_date=day("2026-08-03"), chosen_for=a_milestone().date)
    assert after(Choose.BILL_AGAIN, replace(VOIDED, link=link))[1].write.terms.date == day("2026-08-03")


def test_a_replacement_is_followed_and_compared() -> None:
    case, verdict = after(Choose.REPLACED_BY, VOIDED, bill_id="bill-2")
    assert (verdict.reason, case.link.bill_id, case.link.asked) == (Reason.FACTS_STALE, "bill-2", None)
    assert judge(replace(case, bill=a_bill(bill_id="bill-2"))).reason is Reason.AWAITING_APPROVAL
    assert judge(replace(case, bill=a_bill(bill_id="bill-2", total=HALF))).reason is Reason.LINK_DIFFERS


@pytest.mark.parametrize("kind", [Choose.REPLACED_BY, Choose.BILL_AGAIN])
def test_a_live_bill_is_neither_replaced_nor_made_again(kind: Choose) -> None:
    with pytest.raises(InputError):
        after(kind, billed(bill=a_bill(total=HALF)), bill_id="bill-2")


def test_the_bill_that_counts_has_to_be_named() -> None:
    with pytest.raises(InputError, match="Name the bill"):
        after(Choose.REPLACED_BY, VOIDED)


@pytest.mark.parametrize("case", [unbilled(ours=TWICE), unbilled(similar=(*ALIKE, *TWICE))], ids=["ours", "like it"])
def test_the_chosen_one_of_several_bills_is_linked(case: Case) -> None:
    chosen, verdict = after(Choose.LINK, case, bill_id="bill-2")
    assert (chosen.link.bill_id, verdict.reason) == ("bill-2", Reason.AWAITING_APPROVAL)


def test_billing_all_the_same_makes_a_bill() -> None:
    _, verdict = after(Choose.BILL_ANYWAY, unbilled(similar=ALIKE))
    assert (verdict.reason, verdict.write.number) == (Reason.CREATE, "GRANT-M1")


# ---- Resync


def test_a_resync_bills_what_a_lifted_lock_held_up() -> None:
    held = unbilled(link=Link(locked_out=a_milestone().date))
    assert after(Choose.RESYNC, held)[1].reason is Reason.CREATE


def test_a_resync_passes_no_lock() -> None:
    assert after(Choose.RESYNC, unbilled(), books=LOCKED)[1].reason is Reason.LOCKED_DRAFT


def test_a_resync_tries_again_what_xero_refused() -> None:
    assert after(Choose.RESYNC, unbilled(link=Link(refusal=NO)))[1].reason is Reason.CREATE


def test_a_resync_overwrites_nothing() -> None:
    assert after(Choose.RESYNC, billed(bill=a_bill(total=HALF)))[1].reason is Reason.CHANGED_IN_XERO


def test_a_refused_new_bill_cannot_be_kept() -> None:
    with pytest.raises(InputError):
        after(Choose.KEEP, unbilled(link=Link(refusal=NO)))


# ---- Exemptions


def test_an_exemption_lasts_until_the_day_that_was_named() -> None:
    case, _ = after(Choose.EXEMPT, billed(DEARER, APPROVED), reason="Paid in kind", until=day("2026-07-31"))
    in_august = NOW + dt.timedelta(days=22)
    assert case.exemption.until == day("2026-07-31")
    books = some_books(swept_at=in_august)
    assert decide(case, an_organisation(), books, in_august).reason is Reason.BILL_APPROVED


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
def test_an_exemption_needs_a_reason_of_a_readable_length(reason: str) -> None:
    with pytest.raises(InputError, match="reason"):
        after(Choose.EXEMPT, unbilled(similar=ALIKE), reason=reason)


@pytest.mark.parametrize(
    ("zone", "at", "until", "past"),
    [
        ("Pacific/Auckland", "2026-07-09T20:00:00Z", "2026-07-09", True),
        ("Pacific/Auckland", "2026-07-09T20:00:00Z", "2026-07-10", False),
        ("America/Los_Angeles", "2026-07-10T03:00:00Z", "2026-07-09", False),
        ("UTC", "2026-07-10T03:00:00Z", "2026-07-09", True),
    ],
)
def test_an_exemption_may_end_on_the_organisations_today_but_not_before(
    zone: str, at: str, until: str, past: bool
) -> None:
    choice = a_choice(Choose.EXEMPT, at=moment(at), until=day(until), reason="Paid in kind")
    if past:
        with pytest.raises(InputError, match="past"):
            exemption_of(choice, zone)
    else:
        assert exemption_of(choice, zone).until == day(until)


def test_a_bill_of_equal_worth_keeps_its_choice() -> None:
    """Whether 15000 was read as such or with two decimals makes no difference to what was decided."""
    case, _ = after(Choose.KEEP, billed(CANCELLED))
    assert judge(replace(case, milestone=replace(CANCELLED, amount=Decimal(15000)))).reason is Reason.WITHDRAWN
    assert case.link.bill_id == BILL_ID


def test_exempting_what_nobody_was_warned_of_tells_of_its_bill() -> None:
    _, verdict = after(Choose.EXEMPT, billed(), reason="paid by hand")
    assert verdict.reason is Reason.EXEMPT_WITH_BILL


def test_exempting_in_answer_to_a_warning_is_quiet() -> None:
    _, verdict = after(Choose.EXEMPT, billed(bill=APPROVED, milestone=DEARER), reason="paid by hand")
    assert verdict.reason is Reason.EXEMPT


def test_who_says_that_a_bill_is_voided_is_told_what_xero_says() -> None:
    with pytest.raises(InputError, match=r"still has the bill GRANT-M1 as approved, unpaid\. Void or delete it there"):
        after(Choose.VOIDED, billed(CANCELLED, APPROVED))


def test_a_reminder_leaves_the_memory_alone_and_is_for_a_day_to_come() -> None:
    case, verdict = after(Choose.REMIND, billed(DEARER, APPROVED), until=day("2026-07-11"))
    assert verdict.reason is Reason.BILL_APPROVED
    assert case.link == judge(billed(DEARER, APPROVED)).link
    for until in (None, day("2026-07-10")):
        with pytest.raises(InputError, match="tomorrow, or later"):
            after(Choose.REMIND, billed(DEARER, APPROVED), until=until)
