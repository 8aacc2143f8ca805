"""What a lock date would do: said by the decision itself, on books locked as supposed."""

import datetime as dt
from decimal import Decimal
from typing import Any

import case_builders as build

from reconciler.forecast import Forecast, forecast, held_up, late_drafts
from reconciler.model import Case, Status
from reconciler.reasons import Reason

JULY = build.day("2026-07-31")
MAY = build.day("2026-05-31")


def seen(*cases: Case, lock: dt.date = JULY, books: dict[str, Any] | None = None, **organisation: Any) -> Forecast:
    facts = build.some_books(**(books or {}))
    return forecast(cases, build.an_organisation(**organisation), facts, lock, build.NOW)


def test_a_milestone_that_waits_for_its_bill_could_not_be_billed() -> None:
    found = seen(build.unbilled())
    assert [d.verdict.reason for d in found.unbilled] == [Reason.LOCKED_DRAFT]
    assert (found.number, found.stuck, found.later) == (1, (), ())


def test_a_draft_could_not_be_approved_any_more() -> None:
    found = seen(build.billed())
    assert [d.case.milestone.key for d in found.stuck] == ["M1"]
    assert found.number == 1


def test_a_milestone_that_is_not_due_yet_could_not_be_billed_later() -> None:
    found = seen(build.unbilled(build.a_milestone(stages=frozenset())))
    assert [d.case.milestone.stages for d in found.later] == [frozenset()]
    assert found.unbilled == ()


def test_an_earlier_lock_holds_nothing_up() -> None:
    assert seen(build.unbilled(), build.billed(), lock=MAY).number == 0


def test_what_is_approved_paid_cancelled_or_exempt_is_not_held_up() -> None:
    approved, paid = build.a_bill(status=Status.AUTHORISED), build.a_bill(status=Status.PAID)
    cancelled = build.a_milestone(cancelled=True, stages=frozenset())
    cases = [build.billed(bill=approved), build.billed(bill=paid), build.unbilled(cancelled)]
    assert seen(*cases, build.unbilled(exemption=build.exempt())).number == 0


def test_what_a_lock_holds_up_already_is_not_told_again() -> None:
    assert seen(build.unbilled(), books={"period_lock": build.day("2026-07-01")}).number == 0


def test_a_policy_that_moves_dates_leaves_nothing_to_hold_up() -> None:
    assert seen(build.unbilled(), locked_dates="move", status=Status.AUTHORISED).number == 0


def test_a_hold_of_today_does_not_hide_what_a_lock_would_do() -> None:
    assert seen(build.unbilled(), books={"hold": Reason.XERO_UNAVAILABLE, "swept_at": None}).number == 1


def test_an_organisation_that_is_only_watched_is_told_as_if_it_were_live() -> None:
    watched = build.an_organisation(mode="watch")
    assert forecast([build.unbilled()], watched, build.some_books(), JULY, build.NOW).number == 1


def test_drafts_that_fall_due_soon_are_told_the_soonest_first() -> None:
    soon = build.billed(build.a_milestone(key="M2"), build.a_bill(due_date=build.day("2026-07-12")))
    late = build.billed(build.a_milestone(key="M3"), build.a_bill(due_date=build.day("2026-07-01")))
    found = late_drafts([soon, build.billed(), late], build.day("2026-07-10"), 3)
    assert [case.milestone.key for case in found] == ["M3", "M2"]


def test_bills_that_are_approved_or_have_no_due_date_are_not_late() -> None:
    approved = build.billed(bill=build.a_bill(status=Status.AUTHORISED))
    undated = build.billed(bill=build.a_bill(due_date=None))
    assert late_drafts([approved, undated, build.unbilled()], build.day("2027-01-01"), 7) == ()


def test_what_waits_is_what_an_unapproved_bill_asks_for() -> None:
    draft = build.billed(bill=build.a_bill(total=Decimal("250.00")))
    assert held_up(draft, build.some_books()) == (Decimal("250.00"), "NZD")


def test_without_such_a_bill_it_is_the_amount_of_the_milestone() -> None:
    case = build.unbilled()
    assert held_up(case, build.some_books()) == (case.milestone.amount, "NZD")
