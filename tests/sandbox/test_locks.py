"""Lock dates, the adviser's connection and the right to approve (S34 to S40)."""

from typing import Any

import pytest

from billwatch.sandbox import Org, Refused, Sandbox

from .conftest import Api, a_bill, errors

LOCK = "2026-09-30"
PERIOD = "The document date cannot be before the period lock date, currently set at 30-Sep-2026"
YEAR = "The document date cannot be before the end of year lock date, currently set at 30-Sep-2026"
NOT_PERMITTED = "The User specified does not have the correct permissions to perform this action"


@pytest.mark.parametrize(("day", "refused"), [("2026-09-29", [PERIOD]), (LOCK, [PERIOD]), ("2026-10-01", [])])
def test_s35_the_lock_is_inclusive(api: Api, org: Org, day: str, refused: list[str]) -> None:
    org.lock(period=LOCK)
    assert errors(api.write("/Invoices", a_bill(Date=day, Status="AUTHORISED"))[0]) == refused


@pytest.mark.parametrize("status", ["DRAFT", "SUBMITTED"])
def test_s36_drafts_and_submitted_bills_are_saved_inside_the_lock(api: Api, org: Org, status: str) -> None:
    org.lock(period=LOCK, year=LOCK)
    element = api.write("/Invoices", a_bill(Date="2026-09-01", Status=status))[0]
    assert errors(element) == []
    changed = {"Reference": "x", "Date": "2026-08-01", "Status": status}
    assert errors(api.write(f"/Invoices/{element['InvoiceID']}", changed)[0]) == []


@pytest.mark.parametrize(
    ("locks", "refused"),
    [({"period": LOCK}, [PERIOD]), ({"year": LOCK}, [YEAR]), ({"period": LOCK, "year": LOCK}, [PERIOD, YEAR])],
)
def test_s36_approving_inside_the_lock_names_every_lock_the_period_first(
    api: Api, org: Org, locks: dict[str, str], refused: list[str]
) -> None:
    bill = org.add_bill(status="DRAFT", date="2026-09-30")
    org.lock(**locks)
    assert errors(api.write(f"/Invoices/{bill.bill_id}", {"Status": "AUTHORISED"})[0]) == refused


def test_s36_an_approved_bill_cannot_be_moved_into_the_lock(api: Api, org: Org) -> None:
    bill = org.add_bill(date="2026-10-15")
    org.lock(period=LOCK)
    wish = {"Status": "AUTHORISED", "Date": "2026-09-30"}
    assert errors(api.write(f"/Invoices/{bill.bill_id}", wish)[0]) == [PERIOD]


@pytest.mark.parametrize("paid", [0, 40, 100])
@pytest.mark.parametrize("wish", [{"Reference": "x", "Status": "AUTHORISED"}, {"Status": "VOIDED"}])
def test_s37_approved_and_paid_bills_inside_the_lock_are_not_edited_or_voided(
    xero: Sandbox, api: Api, org: Org, paid: int, wish: dict[str, Any]
) -> None:
    bill = org.add_bill(date="2026-09-30", paid=paid)
    org.lock(period=LOCK)
    assert "lock date" in errors(api.write(f"/Invoices/{bill.bill_id}", wish)[0])[0]
    xero.switch(lock_edit_text="Behind the lock date of {date}!")
    assert errors(api.write(f"/Invoices/{bill.bill_id}", wish)[0]) == ["Behind the lock date of 30-Sep-2026!"]


def test_s38_an_adviser_passes_the_period_lock_but_not_the_year_lock(api: Api, org: Org) -> None:
    org.settings(adviser=True)
    org.lock(period=LOCK)
    assert errors(api.write("/Invoices", a_bill(Date="2026-09-30", Status="AUTHORISED"))[0]) == []
    org.lock(year=LOCK)
    assert errors(api.write("/Invoices", a_bill(Date="2026-09-30", Status="AUTHORISED"))[0]) == [YEAR]


@pytest.mark.parametrize(("adviser", "status"), [(True, "ALLOWED"), (False, "NOT-ALLOWED")])
def test_s38_the_actions_tell_whether_the_period_lock_binds(api: Api, org: Org, adviser: bool, status: str) -> None:
    org.settings(adviser=adviser)
    actions = {one["Name"]: one["Status"] for one in api.get("/Organisation/Actions").json()["Actions"]}
    assert actions["ApproveTransactionsBeforePeriodLockDate"] == status
    assert actions["CreateDraftBill"] == "ALLOWED"


def test_s39_a_user_who_may_not_approve_saves_drafts_only(api: Api, org: Org) -> None:
    org.settings(may_approve=False)
    actions = {one["Name"]: one["Status"] for one in api.get("/Organisation/Actions").json()["Actions"]}
    assert actions["CreateApprovedBill"] == "NOT-ALLOWED"
    assert errors(api.write("/Invoices", a_bill(Status="SUBMITTED"))[0]) == []
    assert errors(api.write("/Invoices", a_bill(Status="AUTHORISED"))[0]) == [NOT_PERMITTED]


@pytest.mark.parametrize(("passes", "refused"), [(True, []), (False, [PERIOD])])
def test_s40_deleting_a_draft_inside_the_lock_passes_unless_switched(
    xero: Sandbox, api: Api, org: Org, passes: bool, refused: list[str]
) -> None:
    xero.switch(delete_drafts_in_lock=passes)
    bill = org.add_bill(status="DRAFT", date="2026-09-30")
    org.lock(period=LOCK)
    assert errors(api.write(f"/Invoices/{bill.bill_id}", {"Status": "DELETED"})[0]) == refused


def test_s40_a_payment_dated_inside_the_lock_is_refused(api: Api, org: Org) -> None:
    bill = org.add_bill(date="2026-10-15")
    org.lock(period=LOCK)
    sent = {"Invoice": {"InvoiceID": bill.bill_id}, "Account": {"Code": "090"}, "Amount": 1, "Date": LOCK}
    answer = api.put("/Payments", {"Payments": [sent]})
    assert answer.status_code == 400
    assert "lock date" in errors(answer.json()["Elements"][0])[0]


@pytest.mark.parametrize("deed", ["approve", "void", "pay", "edit"])
def test_a_person_is_bound_by_the_locks_as_well(org: Org, deed: str) -> None:
    status = "DRAFT" if deed == "approve" else "AUTHORISED"
    bill = org.add_bill(status=status, date="2026-09-30").bill_id
    org.lock(period=LOCK)
    more = {"pay": {"on": LOCK}, "edit": {"reference": "x"}}.get(deed, {})
    with pytest.raises(Refused, match="lock date"):
        getattr(org, deed)(bill, **more)
