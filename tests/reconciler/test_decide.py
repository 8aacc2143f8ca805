"""The decision table: which reason follows from which facts, and which of two that fit comes first."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from case_builders import (
    LINK,
    NOW,
    TERMS,
    a_bill,
    a_milestone,
    an_organisation,
    billed,
    day,
    exempt,
    judge,
    linked,
    some_books,
    unbilled,
)
from decision_table import ALIKE, DEARER, HALF, LOCKED, NO, TABLE, TWICE, Row
from msgspec.structs import replace

from reconciler.decide import decide
from reconciler.model import EXPENSE_CLAIMS, Case, Link, Status
from reconciler.organisation import Books, Mode
from reconciler.reasons import WORDS, Action, Reason

APPROVED = a_bill(status=Status.AUTHORISED)
CANCELLED = a_milestone(cancelled=True)
PENDING = replace(LINK, pending_attempt=3)
WATCH = an_organisation(mode=Mode.WATCH)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.when)
def test_each_row_of_the_table_has_its_reason(row: Row) -> None:
    verdict = decide(row.case, row.organisation, row.books, NOW)
    assert verdict.reason is row.reason
    assert verdict.action is WORDS[row.reason].action


def test_the_table_reaches_every_reason() -> None:
    assert {row.reason for row in TABLE} == set(Reason)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.when)
def test_only_what_is_written_or_would_be_has_a_write(row: Row) -> None:
    verdict = decide(row.case, row.organisation, row.books, NOW)
    writing = verdict.action is Action.SYNC or verdict.reason in (Reason.WOULD_CREATE, Reason.WOULD_UPDATE)
    assert (verdict.write is not None) is writing


FIRST = {
    "an exemption before a hold": (Reason.EXEMPT, unbilled(exemption=exempt()), {"hold": Reason.PAUSED}),
    "a pause before stale facts": (Reason.PAUSED, unbilled(), {"hold": Reason.PAUSED, "swept_at": None}),
    "stale facts before an open attempt": (Reason.FACTS_STALE, billed(link=PENDING), {"swept_at": None}),
    "an open attempt before a withdrawal": (Reason.OUTCOME_UNKNOWN, billed(CANCELLED, link=PENDING), {}),
    "a hold before a withdrawal": (Reason.PAUSED, billed(CANCELLED), {"hold": Reason.PAUSED}),
    "a withdrawal before a duplicate": (Reason.BILL_NOT_WANTED, unbilled(CANCELLED, ours=TWICE), {}),
    "cancelled before not due": (Reason.WITHDRAWN, unbilled(replace(CANCELLED, stages=frozenset())), {}),
    "not due before nothing to pay": (
        Reason.NOT_DUE,
        unbilled(a_milestone(stages=frozenset(), amount=Decimal(0))),
        {},
    ),
    "a withdrawal before a void": (Reason.WITHDRAWN, billed(CANCELLED, a_bill(status=Status.VOIDED)), {}),
    "a withdrawal before a missing bill": (Reason.WITHDRAWN, Case(CANCELLED, LINK, missing=True), {}),
    "ours before a bill like it": (Reason.AWAITING_APPROVAL, unbilled(ours=(a_bill(),), similar=ALIKE), {}),
    "two of ours before a bill like it": (Reason.DUPLICATE_BILL, unbilled(ours=TWICE, similar=ALIKE), {}),
    "a bill like it before a locked date": (
        Reason.POSSIBLE_DUPLICATE,
        unbilled(similar=ALIKE),
        {"period_lock": TERMS.date},
    ),
    "a linked bill that differs before its approval": (Reason.LINK_DIFFERS, linked(DEARER, APPROVED), {}),
    "a void before an edit": (Reason.BILL_VOIDED, billed(bill=a_bill(total=HALF, status=Status.VOIDED)), {}),
    "an edit before a payment taken back": (
        Reason.CHANGED_IN_XERO,
        billed(bill=a_bill(total=HALF, status=Status.AUTHORISED), link=replace(LINK, settled=HALF)),
        {},
    ),
    "an edit of the payee before a changed date": (
        Reason.CHANGED_IN_XERO,
        billed(a_milestone(date=day("2026-07-05")), a_bill(contact_id="contact-2")),
        {},
    ),
    "a payment taken back before a changed amount": (
        Reason.PAYMENT_REVERSED,
        billed(DEARER, APPROVED, link=replace(LINK, settled=HALF)),
        {},
    ),
    "an edit before a locked draft": (
        Reason.CHANGED_IN_XERO,
        billed(bill=a_bill(total=HALF)),
        {"period_lock": NOW.date()},
    ),
    "Xero Expenses before payment": (
        Reason.BILL_READ_ONLY,
        billed(DEARER, a_bill(number=EXPENSE_CLAIMS, status=Status.PAID)),
        {},
    ),
    "payment before approval": (
        Reason.BILL_PART_PAID,
        billed(DEARER, a_bill(status=Status.AUTHORISED, paid=HALF)),
        {},
    ),
    "payment before credit": (
        Reason.BILL_PART_PAID,
        billed(DEARER, a_bill(status=Status.AUTHORISED, paid=HALF, credited=Decimal("10.00"))),
        {},
    ),
    "approval before a conflict": (
        Reason.BILL_APPROVED,
        billed(DEARER, a_bill(status=Status.AUTHORISED, total=HALF)),
        {},
    ),
    "approval before a lock": (Reason.BILL_APPROVED, billed(DEARER, APPROVED), {"period_lock": TERMS.date}),
    "a conflict before a lock": (
        Reason.EDITED_IN_XERO,
        billed(DEARER, a_bill(total=HALF)),
        {"period_lock": TERMS.date},
    ),
    "a lock before an unusable account": (
        Reason.LOCKED_DRAFT,
        unbilled(a_milestone(account="999")),
        {"period_lock": TERMS.date},
    ),
    "a contact before a currency": (
        Reason.CONTACT_UNKNOWN,
        unbilled(a_milestone(contact_id="contact-9", currency="USD"), contacts=()),
        {},
    ),
    "a currency before an account": (Reason.CURRENCY_DISABLED, unbilled(a_milestone(currency="USD", account="9")), {}),
    "an account before a tax type": (Reason.ACCOUNT_UNUSABLE, unbilled(a_milestone(account="999", tax="X")), {}),
    "what we see before what Xero once refused": (
        Reason.ACCOUNT_UNUSABLE,
        unbilled(a_milestone(account="999"), link=Link(refusal=NO)),
        {},
    ),
    "a refusal before the cap": (Reason.REFUSED, unbilled(link=Link(refusal=NO)), {"room": 0}),
}


@pytest.mark.parametrize("fitting", FIRST.values(), ids=FIRST)
def test_the_first_row_that_fits_wins(fitting: tuple[Reason, Case, dict[str, Any]]) -> None:
    reason, case, facts = fitting
    assert judge(case, books=some_books(**facts)).reason is reason


def test_the_cap_comes_before_the_mode() -> None:
    assert judge(unbilled(), WATCH, some_books(room=0)).reason is Reason.CAP_REACHED


POLICIES: Mapping[str, tuple[Case, Books, tuple[object, Reason], tuple[object, Reason]]] = {
    "xero_edits": (
        billed(bill=a_bill(total=HALF)),
        some_books(),
        ("flag", Reason.CHANGED_IN_XERO),
        ("accept", Reason.AWAITING_APPROVAL),
    ),
    "warn_when_equal": (billed(bill=APPROVED), some_books(), (False, Reason.APPROVED), (True, Reason.BILL_APPROVED)),
    "paid_bill_edits": (
        billed(a_milestone(description="Third stage"), a_bill(status=Status.PAID)),
        some_books(),
        ("flag", Reason.BILL_PAID),
        ("where-xero-allows", Reason.UPDATE),
    ),
    "approved_bills": (
        billed(DEARER, APPROVED),
        some_books(),
        ("flag", Reason.BILL_APPROVED),
        ("update", Reason.UPDATE),
    ),
    "locked_dates": (unbilled(), LOCKED, ("flag", Reason.LOCKED_DRAFT), ("move", Reason.CREATE)),
    "locked_drafts": (unbilled(), LOCKED, ("flag", Reason.LOCKED_DRAFT), ("push", Reason.CREATE)),
    "on_unlock": (
        unbilled(link=Link(locked_out=TERMS.date)),
        some_books(),
        ("ask", Reason.LOCK_LIFTED),
        ("sync", Reason.CREATE),
    ),
    "adviser_may_post": (
        unbilled(),
        replace(LOCKED, adviser=True),
        (False, Reason.LOCKED_DRAFT),
        (True, Reason.CREATE),
    ),
    "fresh_minutes": (unbilled(), some_books(), (4, Reason.FACTS_STALE), (5, Reason.CREATE)),
}


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_decides_as_it_says(name: str) -> None:
    case, books, *values = POLICIES[name]
    for value, reason in values:
        assert judge(case, an_organisation(**{name: value}), books).reason is reason


def test_paid_and_credited_bills_can_be_mailed_about_even_when_equal() -> None:
    warning = an_organisation(warn_when_equal=True)
    assert judge(billed(bill=a_bill(status=Status.PAID)), warning).reason is Reason.BILL_PAID
    assert judge(billed(bill=a_bill(status=Status.AUTHORISED, paid=HALF)), warning).reason is Reason.BILL_PART_PAID
    assert judge(billed(bill=a_bill(status=Status.AUTHORISED, credited=HALF)), warning).reason is Reason.BILL_CREDITED
    assert judge(billed(), warning).reason is Reason.AWAITING_APPROVAL
