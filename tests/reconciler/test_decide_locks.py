"""Lock dates: inclusive, never passed over, moved only where the policy says so; and what they held up."""

import pytest
from case_builders import (
    LINK,
    PERMISSIVE,
    TERMS,
    a_bill,
    a_milestone,
    an_organisation,
    billed,
    day,
    judge,
    permissive,
    some_books,
    unbilled,
)
from msgspec.structs import replace

from reconciler.locks import effective_lock, locked
from reconciler.model import Bill, Field, Link, Milestone, Status
from reconciler.organisation import Books
from reconciler.reasons import Reason

APPROVING = an_organisation(status=Status.AUTHORISED)
UPDATING = an_organisation(approved_bills="update")
MOVING = an_organisation(status=Status.AUTHORISED, approved_bills="update", locked_dates="move")
APPROVED = a_bill(status=Status.AUTHORISED)
LATER = a_milestone(date=day("2026-07-05"))
BACK = a_milestone(date=day("2026-05-20"))
DEARER = a_milestone(amount=TERMS.total + 1)


def period(text: str, **changes: object) -> Books:
    return some_books(period_lock=day(text), **changes)


def year(text: str, **changes: object) -> Books:
    return some_books(year_lock=day(text), **changes)


@pytest.mark.parametrize(
    ("lock", "reason"),
    [("2026-06-30", Reason.CREATE), ("2026-07-01", Reason.PERIOD_LOCKED), ("2026-07-02", Reason.PERIOD_LOCKED)],
)
def test_a_lock_binds_on_its_own_day_and_not_on_the_day_after(lock: str, reason: Reason) -> None:
    assert judge(unbilled(), APPROVING, period(lock)).reason is reason


def test_without_locks_nothing_is_locked() -> None:
    assert effective_lock(APPROVING, some_books()) is None
    assert not locked(day("1990-01-01"), None)


@pytest.mark.parametrize(
    ("period_lock", "year_lock", "effective"),
    [("2026-06-30", "2026-03-31", "2026-06-30"), ("2026-03-31", "2026-06-30", "2026-06-30")],
)
def test_the_later_of_two_locks_binds(period_lock: str, year_lock: str, effective: str) -> None:
    books = period(period_lock, year_lock=day(year_lock))
    assert effective_lock(APPROVING, books) == day(effective)


def test_the_lock_that_is_harder_to_move_is_named_with_its_own_date() -> None:
    books = period("2026-07-31", year_lock=day("2026-07-01"))
    verdict = judge(unbilled(), APPROVING, books)
    assert (verdict.reason, verdict.lock, verdict.proposed) == (
        Reason.YEAR_LOCKED,
        day("2026-07-01"),
        day("2026-08-01"),
    )
    assert judge(unbilled(LATER), APPROVING, books).reason is Reason.PERIOD_LOCKED


def test_the_first_open_day_is_proposed() -> None:
    verdict = judge(unbilled(), books=period("2026-12-31"))
    assert (verdict.lock, verdict.proposed) == (day("2026-12-31"), day("2027-01-01"))


@pytest.mark.parametrize(
    ("setting", "connection", "passes"),
    [(True, True, True), (True, False, False), (False, True, False), (False, False, False)],
)
def test_only_an_adviser_whom_the_settings_let_passes_the_period_lock(
    setting: bool, connection: bool, passes: bool
) -> None:
    organisation = replace(APPROVING, policy=replace(APPROVING.policy, adviser_may_post=setting))
    reason = judge(unbilled(), organisation, period("2026-07-31", adviser=connection)).reason
    assert reason is (Reason.CREATE if passes else Reason.PERIOD_LOCKED)


def test_no_adviser_passes_the_year_lock() -> None:
    assert (
        judge(unbilled(), permissive(status=Status.AUTHORISED), year("2026-07-31", adviser=True)).reason
        is Reason.YEAR_LOCKED
    )


# ---- Bills that are there


def test_an_approved_bill_in_a_locked_period_is_never_touched_nor_moved() -> None:
    for milestone in (DEARER, LATER):
        verdict = judge(billed(milestone, APPROVED), MOVING, period("2026-07-01"))
        assert (verdict.reason, verdict.write) == (Reason.PERIOD_LOCKED, None)


def test_an_approved_bill_is_not_dated_back_into_a_locked_period() -> None:
    verdict = judge(billed(BACK, APPROVED), UPDATING, period("2026-06-30"))
    assert (verdict.reason, verdict.link.locked_out) == (Reason.PERIOD_LOCKED, BACK.date)


def test_an_approved_bill_takes_other_changes_after_the_lock() -> None:
    assert judge(billed(DEARER, APPROVED), UPDATING, period("2026-06-30")).reason is Reason.UPDATE


def test_a_draft_can_be_dated_out_of_a_locked_period() -> None:
    verdict = judge(billed(LATER), books=period("2026-07-01"))
    assert (verdict.reason, verdict.write.terms.date) == (Reason.UPDATE, LATER.date)


@pytest.mark.parametrize("status", [Status.DRAFT, Status.SUBMITTED])
def test_an_equal_draft_is_flagged_once_its_date_is_locked_and_quiet_once_it_is_not(status: Status) -> None:
    flagged = judge(billed(bill=a_bill(status=status)), books=period("2026-07-01"))
    assert (flagged.reason, flagged.lock) == (Reason.LOCKED_DRAFT, day("2026-07-01"))
    after = judge(billed(bill=a_bill(status=status), link=flagged.link))
    assert (after.reason in (Reason.IN_SYNC, Reason.AWAITING_APPROVAL), after.link.locked_out) == (True, None)


def test_locked_drafts_can_be_left_alone() -> None:
    pushing = an_organisation(locked_drafts="push")
    assert judge(billed(), pushing, period("2026-07-01")).reason is Reason.AWAITING_APPROVAL
    assert judge(billed(DEARER), pushing, period("2026-07-01")).write.terms.date == TERMS.date


def test_pushing_drafts_pushes_no_approved_bill() -> None:
    pushing = an_organisation(locked_drafts="push", status=Status.AUTHORISED)
    assert judge(unbilled(), pushing, period("2026-07-01")).reason is Reason.PERIOD_LOCKED


# ---- Moving


def test_a_locked_date_is_moved_to_the_first_open_day_with_its_due_date() -> None:
    write = judge(unbilled(), MOVING, period("2026-07-31")).write
    assert (write.moved, write.terms.date, write.terms.due_date) == (True, day("2026-08-01"), day("2026-08-15"))


def test_a_due_date_of_the_milestones_own_is_not_moved() -> None:
    own = a_milestone(due_date=day("2026-09-30"))
    assert judge(unbilled(own), MOVING, period("2026-07-31")).write.terms.due_date == day("2026-09-30")


def test_a_date_that_is_not_locked_is_not_moved() -> None:
    write = judge(unbilled(), MOVING, period("2026-06-30")).write
    assert (write.moved, write.terms.date) == (False, TERMS.date)


def test_no_date_is_moved_over_a_year_lock() -> None:
    assert judge(unbilled(), MOVING, year("2026-07-01")).reason is Reason.YEAR_LOCKED
    both = period("2026-07-31", year_lock=day("2026-07-01"))
    assert judge(unbilled(), MOVING, both).reason is Reason.YEAR_LOCKED
    assert judge(unbilled(LATER), MOVING, both).write.terms.date == day("2026-08-01")


def test_a_draft_whose_other_fields_change_is_moved_along() -> None:
    write = judge(billed(DEARER), MOVING, period("2026-07-31")).write
    assert write.fields == {Field.TOTAL, Field.DATE, Field.DUE_DATE}
    assert write.terms.date == day("2026-08-01")


def test_pushing_comes_before_moving() -> None:
    write = judge(unbilled(), an_organisation(locked_dates="move", locked_drafts="push"), period("2026-07-31")).write
    assert (write.moved, write.terms.date) == (False, TERMS.date)


# ---- After a lock was lifted


def test_what_a_lock_held_up_is_asked_about_once_it_is_lifted() -> None:
    held = judge(unbilled(), APPROVING, period("2026-07-01"))
    lifted = judge(unbilled(link=held.link), APPROVING)
    assert lifted.reason is Reason.LOCK_LIFTED
    assert judge(unbilled(link=lifted.link), APPROVING).reason is Reason.LOCK_LIFTED


def test_what_no_lock_held_up_is_billed_unasked() -> None:
    assert judge(unbilled(), APPROVING, period("2026-06-30")).reason is Reason.CREATE


def test_a_lock_that_comes_back_holds_it_up_again() -> None:
    held = judge(unbilled(), APPROVING, period("2026-07-01"))
    lifted = judge(unbilled(link=held.link), APPROVING)
    assert judge(unbilled(link=lifted.link), APPROVING, year("2026-07-01")).reason is Reason.YEAR_LOCKED


def test_an_approved_bill_that_was_held_up_is_asked_about_even_when_it_gets_a_new_date() -> None:
    held = judge(billed(LATER, APPROVED), UPDATING, period("2026-07-01"))
    assert (held.reason, held.link.locked_out) == (Reason.PERIOD_LOCKED, TERMS.date)
    assert judge(billed(LATER, APPROVED, link=held.link), UPDATING).reason is Reason.LOCK_LIFTED


@pytest.mark.parametrize("bill", [None, a_bill()], ids=["new", "a draft"])
def test_a_new_date_of_the_platform_leads_out_of_the_lock_unasked(bill: Bill | None) -> None:
    lock = period("2026-07-01")
    before = unbilled() if bill is None else billed(bill=bill)
    held = judge(before, books=lock)
    assert held.reason is Reason.LOCKED_DRAFT
    after = judge(replace(before, milestone=LATER, link=held.link), books=lock)
    assert after.reason in (Reason.CREATE, Reason.UPDATE)
    assert after.write.terms.date == LATER.date


# ---- Chosen dates


def chosen(milestone: Milestone, date: str, base: Link = LINK) -> Link:
    return replace(base, chosen_date=day(date), chosen_for=milestone.date)


def test_a_chosen_date_replaces_the_platforms() -> None:
    write = judge(unbilled(link=chosen(a_milestone(), "2026-08-03", Link()))).write
    assert (write.terms.date, write.terms.due_date) == (day("2026-08-03"), day("2026-08-17"))


def test_a_chosen_date_is_kept_while_other_things_change() -> None:
    link = chosen(DEARER, "2026-08-03", replace(LINK, asked=replace(TERMS, date=day("2026-08-03"))))
    theirs = a_bill(date=day("2026-08-03"), due_date=day("2026-08-17"))
    assert judge(billed(DEARER, theirs, link=link)).write.fields == {Field.TOTAL}


def test_a_chosen_date_ends_when_the_platform_changes_its_own() -> None:
    link = chosen(a_milestone(), "2026-08-03", Link())
    assert judge(unbilled(LATER, link=link)).write.terms.date == LATER.date


def test_a_chosen_date_that_became_locked_is_held_up_too() -> None:
    verdict = judge(unbilled(link=chosen(a_milestone(), "2026-08-03", Link())), APPROVING, period("2026-08-03"))
    assert (verdict.reason, verdict.link.locked_out) == (Reason.PERIOD_LOCKED, day("2026-08-03"))


def test_the_permissive_policies_are_not_the_defaults() -> None:
    usual = an_organisation().policy
    assert all(getattr(usual, name) != value for name, value in PERMISSIVE.items())


def test_where_drafts_are_pushed_approved_bills_are_moved_all_the_same() -> None:
    write = judge(unbilled(), permissive(status=Status.AUTHORISED), period("2026-07-31")).write
    assert (write.moved, write.terms.date) == (True, day("2026-08-01"))


@pytest.mark.parametrize(("theirs", "reason"), [("2026-06-20", Reason.LOCKED_DRAFT), ("2026-07-20", Reason.UPDATE)])
def test_a_date_that_the_accountant_set_is_the_one_that_counts(theirs: str, reason: Reason) -> None:
    edited = a_bill(date=day(theirs))
    assert judge(billed(DEARER, edited), books=period("2026-06-30")).reason is reason
    assert judge(billed(DEARER, a_bill(date=day("2026-07-20"))), books=period("2026-07-01")).reason is Reason.UPDATE
