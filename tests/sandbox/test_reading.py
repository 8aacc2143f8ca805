"""Shapes, filters and pages of what the sandbox tells (S1 to S14, S34, S41)."""

import re
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest

from billwatch.sandbox import Org, Sandbox

from .conftest import START, Api, a_bill, exact


def numbers(answer: Any) -> list[str]:
    return [bill["InvoiceNumber"] for bill in answer.json()["Invoices"]]


def test_s1_every_answer_has_the_envelope(api: Api) -> None:
    for path in ("/Organisation", "/Invoices", "/Contacts", "/Accounts", "/TaxRates", "/Currencies"):
        envelope = api.get(path).json()
        assert envelope["Status"] == "OK"
        assert envelope["ProviderName"]
        assert re.fullmatch(r"/Date\(\d+\)/", envelope["DateTimeUTC"])


def test_s2_calendar_days_are_midnight_utc_with_a_twin_and_instants_carry_milliseconds(api: Api, org: Org) -> None:
    bill = org.add_bill(date="2018-10-20", due="2018-12-30", status="PAID")
    shown = api.get(f"/Invoices/{bill.bill_id}").json()["Invoices"][0]
    assert (shown["Date"], shown["DateString"]) == ("/Date(1539993600000+0000)/", "2018-10-20T00:00:00")
    assert shown["DueDateString"] == "2018-12-30T00:00:00"
    assert shown["FullyPaidOnDate"] == "/Date(1539993600000+0000)/"
    assert re.fullmatch(r"/Date\(\d{13}\+0000\)/", shown["UpdatedDateUTC"])
    assert re.fullmatch(r"[\d-]{10}T[\d:]{8}Z", shown["UpdatedDateUTCString"])


@pytest.mark.parametrize(("escaped", "form"), [(True, rb'"\/Date('), (False, b'"/Date(')])
def test_s3_slashes_of_dates_can_be_escaped_or_not(xero: Sandbox, api: Api, escaped: bool, form: bytes) -> None:
    xero.switch(escape_slashes=escaped)
    assert form in api.get("/Organisation").content


def test_s4_a_missing_date_becomes_today_in_the_zone_of_the_organisation(xero: Sandbox, api: Api) -> None:
    element = api.write("/Invoices", a_bill(Date=None))[0]
    assert element["DateString"] == "2026-11-03T00:00:00"  # it is still the 2nd in UTC


@pytest.mark.parametrize("form", ["2026-10-15", "2026-10-15T00:00:00", "/Date(1792022400000+0000)/"])
def test_s4_dates_are_read_in_every_form_that_clients_send(api: Api, form: str) -> None:
    assert api.write("/Invoices", a_bill(Date=form))[0]["DateString"] == "2026-10-15T00:00:00"


def test_s5_two_bills_may_share_a_number(api: Api) -> None:
    first, second = api.write("/Invoices", a_bill(InvoiceNumber="G-1"), a_bill(InvoiceNumber="G-1"), method="PUT")
    assert first["InvoiceID"] != second["InvoiceID"]
    assert numbers(api.get("/Invoices", InvoiceNumbers="G-1")) == ["G-1", "G-1"]


def test_s6_the_list_names_the_contact_and_the_single_bill_describes_it(api: Api, org: Org) -> None:
    bill = org.add_bill(contact="Kea Trust")
    org.archive_contact("Kea Trust")
    listed = api.get("/Invoices", page=1).json()["Invoices"][0]["Contact"]
    assert listed["Name"] == "Kea Trust"
    assert "ContactStatus" not in listed
    single = api.get(f"/Invoices/{bill.bill_id}").json()["Invoices"][0]["Contact"]
    assert (single["ContactStatus"], single["IsSupplier"]) == ("ARCHIVED", True)


@pytest.mark.parametrize("form", ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.000+00:00", "%a, %d %b %Y %H:%M:%S GMT"])
def test_s7_if_modified_since_filters_on_the_time_of_change(xero: Sandbox, api: Api, org: Org, form: str) -> None:
    org.add_bill(number="old")
    since = xero.advance(minutes=5)
    org.add_bill(number="new")
    headers = {"If-Modified-Since": since.strftime(form)}
    assert numbers(api.call("GET", "/Invoices", headers=headers)) == ["new"]


def test_s8_pages_count_from_1_and_their_counts_are_right(api: Api, org: Org) -> None:
    for number in range(7):
        org.add_bill(number=f"B{number}")
    answer = api.get("/Invoices", page=3, pageSize=3)
    assert answer.json()["pagination"] == {"page": 3, "pageSize": 3, "pageCount": 3, "itemCount": 7}
    assert numbers(answer) == ["B6"]
    assert numbers(api.get("/Invoices", page=4, pageSize=3)) == []


def test_s8_the_page_size_without_a_page_has_no_effect_unless_switched(xero: Sandbox, api: Api, org: Org) -> None:
    for number in range(3):
        org.add_bill(number=f"B{number}")
    assert len(numbers(api.get("/Invoices", pageSize=2))) == 3
    xero.switch(page_size_needs_page=False)
    assert len(numbers(api.get("/Invoices", pageSize=2))) == 2


@pytest.mark.parametrize("params", [{"page": 0}, {"page": "x"}, {"page": 1, "pageSize": 1001}, {"pageSize": 0}])
def test_s8_a_page_out_of_range_is_refused(api: Api, params: dict[str, Any]) -> None:
    assert api.get("/Invoices", **params).status_code == 400


def test_s9_the_comma_lists_filter(api: Api, org: Org) -> None:
    paid = org.add_bill(number="P", status="PAID", contact="Kea")
    draft = org.add_bill(number="D", status="DRAFT", contact="Tui")
    assert numbers(api.get("/Invoices", IDs=f"{draft.bill_id},{paid.bill_id}")) == ["D", "P"]
    assert numbers(api.get("/Invoices", Statuses="PAID,VOIDED")) == ["P"]
    assert numbers(api.get("/Invoices", ContactIDs=org.contact("Tui").contact_id)) == ["D"]
    assert numbers(api.get("/Invoices", InvoiceNumbers="P,unknown")) == ["P"]
    assert numbers(api.get("/Invoices", IDs="00000000-0000-0000-0000-000000000001")) == []
    assert numbers(api.get("/Invoices", searchTerm="p")) == ["P"]


def test_s9_several_bills_have_lines_only_when_paged(api: Api, org: Org) -> None:
    org.add_bill()
    org.add_bill()
    assert [bill["LineItems"] for bill in api.get("/Invoices").json()["Invoices"]] == [[], []]
    assert all(bill["LineItems"] for bill in api.get("/Invoices", page=1).json()["Invoices"])


def test_s10_the_summary_is_paged_and_leaves_out_lines_and_payments(api: Api, org: Org) -> None:
    org.add_bill(status="PAID")
    answer = api.get("/Invoices", summaryOnly="true").json()
    assert answer["pagination"]["itemCount"] == 1
    assert answer["Invoices"][0]["LineItems"] == []
    assert "Payments" not in answer["Invoices"][0]
    assert answer["Invoices"][0]["AmountPaid"] == 100


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ('Type=="ACCPAY"', ["A", "B"]),
        ('Type=="ACCREC"', ["S"]),
        ('Status=="PAID" OR Status=="DRAFT"', ["A", "B"]),
        ('Type=="ACCPAY" AND Date>=DateTime(2026,01,01)', ["B"]),
        ("Date<DateTime(2026, 1, 1) AND AmountDue==0", ["A"]),
        ("AmountDue>99.99", ["B", "S"]),
        ("UpdatedDateUTC>=DateTime(2026,11,02,11,30,00)", ["A", "B", "S"]),
        ("UpdatedDateUTC>=DateTime(2026,11,02,11,30,01)", []),
        ('(Status=="PAID" OR Status=="DRAFT") && Contact.Name=="Tui"', ["B"]),
        ('Contact.ContactID==Guid("{tui}")', ["B"]),
        ('InvoiceNumber!=null AND Contact.Name.StartsWith("T")', ["B"]),
    ],
)
def test_s11_where_knows_the_usual_questions(api: Api, org: Org, where: str, found: list[str]) -> None:
    org.add_bill(number="A", date="2025-12-31", status="PAID", contact="Kea")
    org.add_bill(number="B", date="2026-01-01", status="DRAFT", contact="Tui")
    org.add_bill(number="S", date="2026-01-01", type="ACCREC", contact="Kea")
    where = where.replace("{tui}", org.contact("Tui").contact_id.upper())
    assert numbers(api.get("/Invoices", where=where)) == found


@pytest.mark.parametrize("where", ["Type=", "Nonsense==1", 'Type=="ACCPAY" AND', "Date>=DateTime(2026,13,1)", "(", "§"])
def test_s11_a_bad_where_gives_400_without_elements(api: Api, where: str) -> None:
    answer = api.get("/Invoices", where=where)
    assert answer.status_code == 400
    assert {"Type", "Message"} <= set(answer.json())
    assert "Elements" not in answer.json()


def test_order_sorts_both_ways(api: Api, org: Org) -> None:
    for number, day in (("A", "2026-03-01"), ("B", "2026-01-01"), ("C", "2026-02-01")):
        org.add_bill(number=number, date=day)
    assert numbers(api.get("/Invoices", order="Date ASC")) == ["B", "C", "A"]
    assert numbers(api.get("/Invoices", order="Date DESC")) == ["A", "C", "B"]
    assert api.get("/Invoices", order="Colour").status_code == 400


def test_s12_voided_and_deleted_bills_are_listed(api: Api, org: Org) -> None:
    org.add_bill(status="VOIDED")
    org.add_bill(status="DELETED")
    found = api.get("/Invoices", where='Type=="ACCPAY"').json()["Invoices"]
    assert [bill["Status"] for bill in found] == ["VOIDED", "DELETED"]


@pytest.mark.parametrize("silent", [True, False])
def test_s13_a_due_date_on_a_part_paid_bill_may_leave_the_time_of_change_alone(
    xero: Sandbox, org: Org, silent: bool
) -> None:
    before = org.add_bill(paid=40)
    xero.switch(silent_due_date=silent)
    after = org.edit(before.bill_id, due="2027-01-31")
    assert after.due == date(2027, 1, 31)
    assert (after.updated == before.updated) is silent


@pytest.mark.parametrize("path", ["/Invoices/{id}", "/Contacts/{id}", "/Payments/{id}", "/Invoices/{id}/History"])
def test_s14_an_unknown_id_is_404_as_text(api: Api, path: str) -> None:
    answer = api.get(path.replace("{id}", "0b5bb4a5-0000-4000-8000-000000000000"))
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.text == "The resource you're looking for cannot be found"


def test_the_time_of_change_rises_with_every_save_though_the_clock_stands_still(org: Org) -> None:
    stamps = [org.add_bill().updated for _ in range(5)]
    assert all(later and earlier and later > earlier for earlier, later in pairwise(stamps))
    assert START - timedelta(days=1) < (stamps[0] or START)


def test_s34_lock_dates_are_absent_until_set_and_can_move_both_ways(api: Api, org: Org) -> None:
    def locks() -> list[str | None]:
        shown = api.get("/Organisation").json()["Organisations"][0]
        return [shown.get("PeriodLockDate"), shown.get("EndOfYearLockDate")]

    assert locks() == [None, None]
    org.lock(period="2018-12-31", year="2018-03-31")
    assert locks() == ["/Date(1546214400000+0000)/", "/Date(1522454400000+0000)/"]
    org.lock(period="2017-12-31")
    assert locks() == ["/Date(1514678400000+0000)/", None]


@pytest.mark.parametrize(
    ("zone", "name"),
    [
        ("Pacific/Auckland", "NEWZEALANDSTANDARDTIME"),
        ("Europe/London", "GMTSTANDARDTIME"),
        ("Etc/UTC", "UTC"),
        ("Etc/GMT-12", "UTC+12"),
        ("America/Mexico_City", "CENTRALSTANDARDTIME(MEXICO)"),
    ],
)
def test_s41_time_zones_have_windows_names_in_capitals(xero: Sandbox, zone: str, name: str) -> None:
    assert xero.organisation(zone=zone).books.zone_name == name


def test_numbers_leave_with_all_their_digits(api: Api) -> None:
    line = {"Description": "x", "Quantity": 2, "UnitAmount": 20, "AccountCode": "400"}
    answer = api.put("/Invoices", {"Invoices": [a_bill(LineItems=[line])]}).content
    for part in (b'"Quantity":2.0000', b'"UnitAmount":20.00,', b'"Total":46.00', b'"CurrencyRate":1.000000'):
        assert part in answer


def test_ten_thousand_bills_are_listed_by_the_thousand(xero: Sandbox, api: Api, org: Org) -> None:
    with xero.desk.world.lock:
        template = org.add_bill(status="DRAFT")
        for number in range(999):
            org.add_bill(number=f"B{number}", contact=template.contact_id)
    answer = exact(api.get("/Invoices", page=1, pageSize=1000))
    assert len(answer["Invoices"]) == 1000


def test_settings_are_listed_for_the_country(api: Api) -> None:
    accounts = {one["Code"]: one for one in api.get("/Accounts").json()["Accounts"]}
    assert accounts["090"]["Type"] == "BANK"
    assert accounts["429"]["TaxType"] == "INPUT2"
    assert {one["Code"] for one in api.get("/Currencies").json()["Currencies"]} == {"NZD", "AUD"}
    rates = {one["TaxType"]: one["EffectiveRate"] for one in api.get("/TaxRates").json()["TaxRates"]}
    assert (rates["INPUT2"], rates["NONE"]) == (15, 0)
    assert api.get("/TrackingCategories").json()["TrackingCategories"][0]["Name"] == "Region"
    assert [one["Code"] for one in api.get("/Accounts", where='Type=="BANK"').json()["Accounts"]] == ["090"]


def test_contacts_are_found_by_name_term_and_id_and_archived_ones_on_request(api: Api, org: Org) -> None:
    kea, tui = org.add_contact("Kea Trust"), org.add_contact("Tui Trust", archived=True)

    def names(**params: Any) -> list[str]:
        return [one["Name"] for one in api.get("/Contacts", **params).json()["Contacts"]]

    assert names() == ["Kea Trust"]
    assert names(includeArchived="true") == ["Kea Trust", "Tui Trust"]
    assert names(where='Name=="Kea Trust"') == ["Kea Trust"]
    assert names(searchTerm="kea", page=1, pageSize=10) == ["Kea Trust"]
    assert names(IDs=tui.contact_id) == ["Tui Trust"]
    assert api.get(f"/Contacts/{kea.contact_id}").json()["Contacts"][0]["ContactStatus"] == "ACTIVE"
