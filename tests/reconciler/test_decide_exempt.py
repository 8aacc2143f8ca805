"""Exemptions end with the organisation's own calendar day, wherever it is and whatever its clocks do that night."""

import datetime as dt

import pytest
from case_builders import LINK, a_bill, billed, exempt, judge, moment, some_books, unbilled
from msgspec.structs import replace

from reconciler.model import Status
from reconciler.reasons import Reason


def on(until: str, now: dt.datetime, zone: str) -> Reason:
    books = some_books(zone=zone, swept_at=now)
    return judge(unbilled(exemption=exempt(until)), books=books, now=now).reason


@pytest.mark.parametrize(
    ("zone", "until", "last", "first"),
    [
        ("UTC", "2026-07-10", "2026-07-10T23:59:59Z", "2026-07-11T00:00:00Z"),
        ("Pacific/Auckland", "2026-07-10", "2026-07-10T11:59:59Z", "2026-07-10T12:00:00Z"),
        ("America/Los_Angeles", "2026-07-10", "2026-07-11T06:59:59Z", "2026-07-11T07:00:00Z"),
        ("Asia/Kolkata", "2026-07-10", "2026-07-10T18:29:59Z", "2026-07-10T18:30:00Z"),
        ("Pacific/Kiritimati", "2026-07-10", "2026-07-10T09:59:59Z", "2026-07-10T10:00:00Z"),
        # The night in which New Zealand's clocks go forward, and the one in which they go back.
        ("Pacific/Auckland", "2026-09-27", "2026-09-27T10:59:59Z", "2026-09-27T11:00:00Z"),
        ("Pacific/Auckland", "2026-04-05", "2026-04-05T11:59:59Z", "2026-04-05T12:00:00Z"),
        ("Europe/London", "2026-03-29", "2026-03-29T22:59:59Z", "2026-03-29T23:00:00Z"),
        ("Europe/London", "2026-10-25", "2026-10-25T23:59:59Z", "2026-10-26T00:00:00Z"),
        # Midnight itself does not exist in Santiago on this day: it begins at one o'clock.
        ("America/Santiago", "2026-09-05", "2026-09-06T03:59:59Z", "2026-09-06T04:00:00Z"),
        ("Pacific/Auckland", "2028-02-29", "2028-02-29T10:59:59Z", "2028-02-29T11:00:00Z"),
        ("Pacific/Auckland", "2026-12-31", "2026-12-31T10:59:59Z", "2026-12-31T11:00:00Z"),
    ],
)
def test_an_exemption_lapses_at_the_organisations_midnight(zone: str, until: str, last: str, first: str) -> None:
    assert on(until, moment(last), zone) is Reason.EXEMPT
    assert on(until, moment(first), zone) is Reason.CREATE


def test_an_exemption_without_an_end_does_not_lapse() -> None:
    assert on("", moment("2099-12-31T23:59:59Z"), "Pacific/Auckland") is Reason.EXEMPT


def test_a_live_bill_of_an_exempt_milestone_is_reported_until_somebody_keeps_it() -> None:
    assert judge(billed(exemption=exempt())).reason is Reason.EXEMPT_WITH_BILL
    kept = replace(LINK, accepted=((Reason.EXEMPT_WITH_BILL, "bill-1"),))
    assert judge(billed(exemption=exempt(), link=kept)).reason is Reason.EXEMPT


def test_another_live_bill_is_reported_anew() -> None:
    kept = replace(LINK, bill_id="bill-2", accepted=((Reason.EXEMPT_WITH_BILL, "bill-1"),))
    assert judge(billed(bill=a_bill(bill_id="bill-2"), exemption=exempt(), link=kept)).reason is Reason.EXEMPT_WITH_BILL


@pytest.mark.parametrize("status", [Status.PAID, Status.VOIDED, Status.DELETED])
def test_a_bill_that_asks_for_nothing_more_is_not_reported(status: Status) -> None:
    assert judge(billed(bill=a_bill(status=status), exemption=exempt())).reason is Reason.EXEMPT


def test_an_exemption_that_lapsed_changes_nothing_for_a_bill_in_sync() -> None:
    assert judge(billed(exemption=exempt("2026-07-09"))).reason is Reason.AWAITING_APPROVAL
