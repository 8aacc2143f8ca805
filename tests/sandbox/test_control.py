"""What a person and a test can do: the handle, the control API, the page, the command."""

import threading
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import pytest

from billwatch.sandbox import Org, Refused, Sandbox

from .conftest import START, Api


@pytest.fixture
def control(xero: Sandbox) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{xero.url}/control") as client:
        yield client


def act(control: httpx.Client, org: Org, action: str, **arguments: Any) -> httpx.Response:
    return control.post(f"/organisations/{org.tenant_id}/{action}", json=arguments)


def test_an_organisation_is_made_and_listed_over_http(xero: Sandbox, control: httpx.Client) -> None:
    made = control.post("/organisations", json={"name": "Harbour", "country": "GB", "currencies": ["EUR"]}).json()
    books = xero.org(made["tenant_id"]).books
    assert (books.currency, books.currencies, books.zone) == ("GBP", {"GBP", "EUR"}, "Europe/London")
    assert [one["tenant_id"] for one in httpx.get(f"{xero.url}/control").json()["organisations"]] == [made["tenant_id"]]


def test_a_bill_is_made_approved_paid_and_read_over_http(control: httpx.Client, org: Org) -> None:
    made = act(control, org, "add_bill", number="G-1", total="115.00", status="DRAFT", contact="Kea").json()
    assert (made["total"], made["status"]) == (115.00, "DRAFT")
    assert act(control, org, "approve", bill="G-1").json()["status"] == "AUTHORISED"
    assert act(control, org, "pay", bill="G-1", amount="15.00", on="2026-11-01").json()["day"] == "2026-11-01"
    assert act(control, org, "bill", name="G-1").json()["amount_due"] == 100.00


def test_a_refusal_is_400_with_the_words_of_xero(control: httpx.Client, org: Org) -> None:
    org.add_bill(number="G-1", status="PAID")
    answer = act(control, org, "void", bill="G-1")
    assert answer.status_code == 400
    assert "has payments or credit notes allocated" in answer.json()["messages"][0]


@pytest.mark.parametrize(
    ("action", "arguments", "status"),
    [
        ("approve", {"bill": "nowhere"}, 404),
        ("approve", {"colour": "red"}, 400),
        ("books", {}, 404),
        ("edit", {"bill": "G-1", "colour": "red"}, 400),
        ("lock", {"period": "soon"}, 400),
    ],
)
def test_a_wrong_request_is_named(
    control: httpx.Client, org: Org, action: str, arguments: dict[str, str], status: int
) -> None:
    org.add_bill(number="G-1", status="DRAFT")
    assert act(control, org, action, **arguments).status_code == status


def test_the_clock_the_switches_and_the_faults_are_set_over_http(control: httpx.Client, api: Api) -> None:
    before = control.get("/clock").json()["now"]
    assert before < control.post("/clock", json={"advance_seconds": 60}).json()["now"]
    assert control.post("/switches", json={"zulu_events": True}).status_code == 200
    assert control.post("/switches", json={"zulu_events": "yes"}).status_code == 400
    assert control.post("/limits", json={"minute": 1}).status_code == 200
    assert control.post("/faults", json={"status": 503, "path": "/Invoices", "delay": 0.01}).status_code == 200
    assert control.post("/faults", json={"status": 418}).status_code == 400
    assert api.get("/Invoices").status_code == 503
    assert control.get("/calls").json()[0]["calls"] == 1
    control.request("DELETE", "/calls")
    assert control.get("/calls").json() == []


def test_webhooks_are_configured_over_http(control: httpx.Client, xero: Sandbox) -> None:
    shown = control.post(
        "/webhooks", json={"url": "http://127.0.0.1:9/", "key": "k", "batch": 5, "hold": True, "speed": 2.5}
    ).json()
    assert (shown["url"], shown["batch"], shown["hold"]) == ("http://127.0.0.1:9/", 5, True)
    assert control.post("/webhooks/enable").json() == {"status": "Response not 200"}
    assert control.post("/webhooks/flush").json() == {"requests": 0}
    assert len(control.get("/webhooks/deliveries").json()) == 4


@pytest.mark.parametrize(
    ("changes", "total"),
    [
        ({"total": "80.00"}, "80.00"),
        ({"unit_amount": "12.50", "quantity": 5}, "62.50"),
        ({"add_line": {"description": "more", "unit_amount": "5.00", "account": "429"}}, "105.00"),
        ({"date": "2026-10-01", "due": "2026-12-01", "description": "other"}, "100.00"),
        ({"contact": "Tui Trust", "currency": "AUD", "account": "429"}, "100.00"),
    ],
)
def test_a_person_edits_an_open_or_approved_bill(org: Org, changes: dict[str, Any], total: str) -> None:
    for status in ("DRAFT", "SUBMITTED", "AUTHORISED"):
        bill = org.add_bill(status=status)
        after = org.edit(bill.bill_id, **changes)
        assert (after.total, after.status) == (Decimal(total), status)


def test_a_total_is_spread_over_the_lines_to_the_cent(org: Org) -> None:
    bill = org.add_bill(total="100.00", lines=3, status="DRAFT")
    after = org.edit(bill.bill_id, total="50.01")
    assert (after.total, len(after.lines)) == (Decimal("50.01"), 3)


def test_a_line_can_be_removed_but_not_the_amount_of_a_paid_bill_changed(org: Org) -> None:
    bill = org.add_bill(total="100.00", lines=2, status="DRAFT")
    assert org.edit(bill.bill_id, remove_line=0).total == Decimal("50.00")
    paid = org.add_bill(status="PAID")
    with pytest.raises(Refused, match="cannot be edited"):
        org.edit(paid.bill_id, total="1.00")
    assert org.edit(paid.bill_id, due="2027-01-01").due == date(2027, 1, 1)


@pytest.mark.parametrize("kind", ["CreditNotes", "Prepayments", "Overpayments"])
def test_a_credit_settles_a_bill_until_it_is_taken_off(api: Api, org: Org, kind: str) -> None:
    bill = org.add_bill()
    assert org.credit(bill.bill_id, 100, kind=kind).status == "PAID"
    shown = api.get(f"/Invoices/{bill.bill_id}").json()["Invoices"][0]
    assert (shown["AmountCredited"], len(shown[kind])) == (100, 1)
    assert org.uncredit(bill.bill_id).status == "AUTHORISED"


def test_a_merged_contact_is_archived_points_to_the_other_and_its_bills_move(api: Api, org: Org) -> None:
    bill = org.add_bill(contact="Kea")
    tui = org.add_contact("Tui")
    gone = org.merge_contact("Kea", "Tui")
    assert org.bill(bill.bill_id).contact_id == tui.contact_id
    shown = api.get(f"/Contacts/{gone.contact_id}").json()["Contacts"][0]
    assert (shown["ContactStatus"], shown["MergedToContactID"]) == ("ARCHIVED", tui.contact_id)


def test_a_reset_forgets_all_but_the_app(xero: Sandbox, org: Org) -> None:
    app = xero.client_id
    xero.reset()
    assert xero.desk.orgs() == []
    assert xero.desk.world.app.client_id == app


def test_the_page_shows_bills_and_passes_on_what_a_person_does(xero: Sandbox, http: httpx.Client, org: Org) -> None:
    bill = org.add_bill(number="G-1", status="DRAFT", contact="Kea <b>Trust</b>").bill_id
    assert "Kea &lt;b&gt;Trust&lt;/b&gt;" in http.get("/").text

    def press(path: str, **form: str) -> str:
        answer = http.post(f"/page/{org.tenant_id}/{path}", data=form)
        assert answer.status_code == 303
        return http.get(answer.headers["location"]).text

    press("bill", bill=bill, action="Set amount", amount="70")
    press("bill", bill=bill, action="Approve")
    press("bill", bill=bill, action="Pay")
    assert (org.bill("G-1").total, org.bill("G-1").status) == (Decimal("70.00"), "PAID")
    press("bill", bill=bill, action="Undo payment")
    press("locks", period="2026-12-31", year="")
    assert "lock date" in press("bill", bill=bill, action="Void")
    press("contact", contact=org.contacts()[0].contact_id, action="Archive")
    assert org.contacts()[0].status == "ARCHIVED"
    press("add", number="H-1", contact="Tui", total="5", status="SUBMITTED", date="2026-11-01")
    assert org.bill("H-1").status == "SUBMITTED"
    assert "could not be read" in press("add", number="", contact="Tui", total="five", status="DRAFT")


def test_a_deep_link_leads_to_the_bill_on_the_page(xero: Sandbox, http: httpx.Client, org: Org) -> None:
    bill = org.add_bill(number="K-1", contact="Tui", total="12.00")
    page = f"/AccountsPayable/Edit.aspx?InvoiceID={bill.bill_id}"
    answer = http.get(f"/organisationlogin/default.aspx?shortcode={org.short_code}&redirecturl={page}")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/?org={org.tenant_id}&bill={bill.bill_id}#{bill.bill_id}"
    assert f'<tr id="{bill.bill_id}">' in http.get(answer.headers["location"]).text
    elsewhere = http.get(f"/organisationlogin/default.aspx?shortcode=!none&redirecturl={page}")
    assert "There+is+no+such+organisation" in elsewhere.headers["location"]


def test_the_page_runs_the_check_of_the_receiver_and_says_how_it_went(xero: Sandbox, http: httpx.Client) -> None:
    xero.organisation()
    xero.webhooks.configure("http://127.0.0.1:9/", "k")
    assert "Check the receiver" in http.get("/").text
    answer = http.post("/page/check", data={"org": ""})
    assert "did not pass the check: Response not 200" in http.get(answer.headers["location"]).text


def test_the_page_of_an_empty_sandbox_says_so(xero: Sandbox, http: httpx.Client) -> None:
    assert "no organisation yet" in http.get("/").text


def test_many_threads_may_write_at_once(xero: Sandbox, api: Api, org: Org) -> None:
    threads = [threading.Thread(target=org.add_bill, kwargs={"contact": "Kea"}) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(org.bills()) == 8
    assert len({bill.updated for bill in org.bills()}) == 8
    assert xero.now() == START
