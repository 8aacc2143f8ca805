"""What a bill's history says of what a flag is about."""

import datetime as dt

import pytest
from case_builders import NOW, some_books

from reconciler.deeds import DEEDS, deed
from reconciler.model import Deed
from reconciler.reasons import WORDS, Action, Reason
from reconciler.words import who_and_when
from reconciler.xero_port import Record

EARLIER = NOW - dt.timedelta(days=1)


@pytest.mark.parametrize(
    ("reason", "changes", "did"),
    [
        (Reason.BILL_APPROVED, "Approved", "approved"),
        (Reason.BILL_APPROVED, "Bill authorised", "approved"),
        (Reason.BILL_PAID, "Paid", "paid"),
        (Reason.BILL_PART_PAID, "Payment made", "paid"),
        (Reason.BILL_CREDITED, "Credit Applied", "credited"),
        (Reason.BILL_VOIDED, "VOIDED", "voided"),
        (Reason.BILL_DELETED, "Deleted", "deleted"),
        (Reason.CHANGED_IN_XERO, "Edited", "edited"),
        (Reason.EDITED_IN_XERO, "Updated", "edited"),
        (Reason.PAYMENT_REVERSED, "Payment Deleted", "payment removed"),
    ],
)
def test_the_record_that_a_reason_is_about_is_found(reason: Reason, changes: str, did: str) -> None:
    records = [Record("Created", EARLIER, "Bo"), Record(changes, NOW, "Ana Example"), Record("Note", NOW, "Cy")]
    assert deed(reason, records) == Deed(did, NOW, "Ana Example")


def test_of_several_the_newest_counts_in_whatever_order_they_come() -> None:
    records = [Record("Edited", NOW, "Ana Example"), Record("Edited", EARLIER, "Bo")]
    assert deed(Reason.CHANGED_IN_XERO, records) == deed(Reason.CHANGED_IN_XERO, records[::-1])
    assert deed(Reason.CHANGED_IN_XERO, records).by == "Ana Example"


def test_a_payment_removed_counts_for_more_than_a_payment() -> None:
    records = [Record("Payment Deleted", EARLIER, "Bo"), Record("Payment Received", NOW, "Ana Example")]
    assert deed(Reason.PAYMENT_REVERSED, records).by == "Bo"


@pytest.mark.parametrize("user", ["System Generated", "system generated", ""])
def test_without_a_person_only_the_time_is_told(user: str) -> None:
    found = deed(Reason.BILL_PAID, [Record("Paid", NOW, user)])
    assert who_and_when(found, some_books()) == "10 July 2026, 12:30"


def test_with_a_person_both_are_told() -> None:
    assert who_and_when(Deed("paid", NOW, "Ana Example"), some_books()) == "10 July 2026, 12:30, by Ana Example"


@pytest.mark.parametrize("records", [[], [Record("Created", NOW, "Bo")]])
def test_a_history_that_does_not_tell_is_no_deed(records: list[Record]) -> None:
    assert deed(Reason.BILL_VOIDED, records) is None


def test_only_warnings_ask_for_a_deed() -> None:
    assert {WORDS[reason].action for reason in DEEDS} == {Action.FLAG}
