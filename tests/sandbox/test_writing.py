"""Creating, changing and settling bills through the API (S15 to S33)."""

from decimal import Decimal
from typing import Any

import pytest

from billwatch.sandbox import Org, Sandbox

from .conftest import Api, a_bill, errors, exact

NIL = "00000000-0000-0000-0000-000000000000"
NOT_MODIFIABLE = "Invoice not of valid status for modification"
LINE_ID = "To update fields on a paid invoice line item, you must supply a LineItemID"
DATE_FIXED = "Date cannot be changed on an invoice that has payment or credit notes allocated to it."


def line(**changes: Any) -> dict[str, Any]:
    return {"Description": "Grant", "Quantity": 1, "UnitAmount": 100, "AccountCode": "480", **changes}


def test_s15_put_creates_even_when_the_number_is_known(api: Api, org: Org) -> None:
    org.add_bill(number="G-1", status="DRAFT")
    api.write("/Invoices", a_bill(InvoiceNumber="G-1"), method="PUT")
    assert len(org.bills()) == 2


def test_s15_post_with_a_known_number_edits_that_bill(api: Api, org: Org) -> None:
    bill = org.add_bill(number="G-1", status="DRAFT")
    element = api.write("/Invoices", a_bill(InvoiceNumber="G-1"))[0]
    assert element["InvoiceID"] == bill.bill_id
    assert len(org.bills()) == 1


def test_s15_post_updates_by_id_in_the_body_and_in_the_path(api: Api, org: Org) -> None:
    bill = org.add_bill(number="G-1", status="DRAFT")
    api.write("/Invoices", {"InvoiceID": bill.bill_id, "Reference": "one"})
    assert org.bill("G-1").reference == "one"
    api.write(f"/Invoices/{bill.bill_id}", {"Reference": "two"})
    assert org.bill("G-1").reference == "two"
    assert api.post("/Invoices", {"InvoiceID": NIL, "Reference": "x"}).status_code == 404


def test_s16_with_summarize_false_each_element_tells_its_outcome_and_good_ones_are_saved(api: Api, org: Org) -> None:
    good, bad = api.write("/Invoices", a_bill(InvoiceNumber="good"), a_bill(LineItems=[]))
    assert (good["StatusAttributeString"], good["HasErrors"]) == ("OK", False)
    assert (bad["StatusAttributeString"], bad["HasErrors"]) == ("ERROR", True)
    assert errors(bad) == ["One or more line items must be specified"]
    assert [bill.number for bill in org.bills()] == ["good"]


@pytest.mark.parametrize("params", [{}, {"summarizeErrors": "true"}])
@pytest.mark.parametrize("saved", [True, False])
def test_s17_one_refused_element_makes_the_answer_a_400(
    xero: Sandbox, api: Api, org: Org, params: dict[str, str], saved: bool
) -> None:
    xero.switch(save_good_of_bad_batch=saved)
    answer = api.post("/Invoices", {"Invoices": [a_bill(), a_bill(Status="PAID")]}, **params)
    assert answer.status_code == 400
    body = answer.json()
    assert (body["ErrorNumber"], body["Type"]) == (10, "ValidationException")
    assert body["Message"] == "A validation exception occurred"
    assert [errors(element) for element in body["Elements"]] == [["Invoice not of valid status for creation"]]
    assert len(org.bills()) == int(saved)


def test_s17_leaving_summarize_out_can_mean_false(xero: Sandbox, api: Api) -> None:
    xero.switch(summarize_by_default=False)
    assert api.post("/Invoices", {"Invoices": [a_bill(Status="PAID")]}).status_code == 200


def test_s18_a_refused_element_echoes_the_wish_and_the_stored_bill_stays(api: Api, org: Org) -> None:
    bill = org.add_bill(number="G-1", status="VOIDED")
    element = api.write(f"/Invoices/{bill.bill_id}", {"Reference": "wished", "Status": "DRAFT"})[0]
    assert (element["Reference"], element["Status"], errors(element)) == ("wished", "DRAFT", [NOT_MODIFIABLE])
    assert org.bill("G-1") == bill


def test_s18_a_failed_create_has_the_all_zero_id_and_makes_no_contact(api: Api, org: Org) -> None:
    assert api.write("/Invoices", a_bill(Status="PAID"))[0]["InvoiceID"] == NIL
    assert org.contacts() == []


@pytest.mark.parametrize(
    ("before", "target", "refused"),
    [
        ("DRAFT", "SUBMITTED", []),
        ("DRAFT", "AUTHORISED", []),
        ("DRAFT", "DELETED", []),
        ("DRAFT", "VOIDED", [NOT_MODIFIABLE]),
        ("DRAFT", "PAID", [NOT_MODIFIABLE]),
        ("SUBMITTED", "AUTHORISED", []),
        ("SUBMITTED", "DELETED", []),
        ("SUBMITTED", "DRAFT", [NOT_MODIFIABLE]),
        ("AUTHORISED", "VOIDED", []),
        ("AUTHORISED", "DRAFT", [NOT_MODIFIABLE]),
        ("AUTHORISED", "SUBMITTED", [NOT_MODIFIABLE]),
        ("AUTHORISED", "DELETED", [NOT_MODIFIABLE]),
        ("VOIDED", "AUTHORISED", [NOT_MODIFIABLE]),
        ("DELETED", "DRAFT", [NOT_MODIFIABLE]),
    ],
)
def test_s23_transitions_follow_the_table(api: Api, org: Org, before: str, target: str, refused: list[str]) -> None:
    bill = org.add_bill(status=before)
    element = api.write(f"/Invoices/{bill.bill_id}", {"Status": target})[0]
    assert errors(element) == refused
    assert org.bill(bill.bill_id).status == (before if refused else target)


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"Status": "PAID"}, ["Invoice not of valid status for creation"]),
        ({"Status": "VOIDED"}, ["Invoice not of valid status for creation"]),
        ({"LineItems": []}, ["One or more line items must be specified"]),
        ({"DueDate": None}, []),
        ({"DueDate": None, "Status": "SUBMITTED"}, ["The document DueDate field must be specified"]),
        ({"DueDate": None, "Status": "AUTHORISED"}, ["The document DueDate field must be specified"]),
        ({"Contact": None}, ["A Contact must be specified for this type of transaction"]),
        ({"CurrencyCode": "EUR"}, ["Organisation is not subscribed to currency EUR"]),
        ({"CurrencyCode": "AUD"}, []),
        ({"LineItems": [line(AccountCode=None)]}, []),
        ({"LineItems": [line(AccountCode=None)], "Status": "SUBMITTED"}, []),
        ({"LineItems": [line(AccountCode=None)], "Status": "AUTHORISED"}, ["Account code or ID must be specified"]),
        ({"LineItems": [line(AccountCode="999")]}, ["Account code '999' is not a valid code for this document."]),
        ({"LineItems": [line(AccountCode="090")]}, ["Account code '090' is not a valid code for this document."]),
        (
            {"LineItems": [line(AccountCode="477")]},
            [
                "Account code '477' has been archived, or has been deleted."
                " Each line item must reference a valid account."
            ],
        ),
        ({"LineItems": [line(TaxType="BOGUS")]}, ["The TaxType code 'BOGUS' cannot be used with account code '480'."]),
        (
            {"LineItems": [line(TaxType="OUTPUT2")]},
            ["The TaxType code 'OUTPUT2' cannot be used with account code '480'."],
        ),
        (
            {"LineItems": [line(Quantity=-1)]},
            ["The quantity value '-1.0000' is invalid. Quantity must not be less than zero."],
        ),
        (
            {"LineItems": [line(UnitAmount=666.93, LineAmount=666.88)]},
            ["The line total 666.88 does not match the expected line total 666.93"],
        ),
        ({"LineItems": [line(DiscountRate=5)]}, ["Discounts may not be applied to ACCPAY invoices."]),
        ({"Url": "https://grants.example/m/1"}, []),
        ({"Url": "https://xero.example/m/1"}, ["The Url must be absolute and must not contain 'xero'"]),
    ],
)
def test_s23_a_create_is_refused_for_what_is_missing_or_unusable(
    api: Api, org: Org, changes: dict[str, Any], refused: list[str]
) -> None:
    org.archive_account("477")
    assert errors(api.write("/Invoices", a_bill(**changes))[0]) == refused


def test_unknown_or_archived_tracking_is_refused_and_known_tracking_is_kept(api: Api, org: Org) -> None:
    north = {"Name": "Region", "Option": "North"}
    element = api.write("/Invoices", a_bill(LineItems=[line(Tracking=[north])]))[0]
    assert element["LineItems"][0]["Tracking"][0]["Option"] == "North"
    assert errors(api.write("/Invoices", a_bill(LineItems=[line(Tracking=[{**north, "Option": "Up"}])]))[0])
    org.archive_tracking("Region", "North")
    assert errors(api.write("/Invoices", a_bill(LineItems=[line(Tracking=[north])]))[0])


@pytest.mark.parametrize(
    ("sense", "tax_type", "amounts", "sums"),
    [
        ("Exclusive", "INPUT2", ["40.00"], ("40.00", "6.00", "46.00")),
        ("Inclusive", "INPUT2", ["46.00"], ("40.00", "6.00", "46.00")),
        ("NoTax", "INPUT2", ["40.00"], ("40.00", "0.00", "40.00")),
        ("Exclusive", "INPUT2", ["0.10", "0.10", "0.10"], ("0.30", "0.06", "0.36")),  # 0.015 each goes up to 0.02
        ("Inclusive", "INPUT2", ["10.00", "0.01"], ("8.71", "1.30", "10.01")),
        ("Exclusive", None, ["10.00"], ("10.00", "1.50", "11.50")),  # the account's own tax
    ],
)
def test_tax_is_rounded_per_line_and_summed(
    api: Api, sense: str, tax_type: str | None, amounts: list[str], sums: tuple[str, str, str]
) -> None:
    lines = [line(AccountCode="429", TaxType=tax_type, UnitAmount=float(amount)) for amount in amounts]
    element = api.write("/Invoices", a_bill(LineAmountTypes=sense, LineItems=lines))[0]
    assert (element["SubTotal"], element["TotalTax"], element["Total"]) == tuple(Decimal(one) for one in sums)


def test_a_contact_given_by_name_is_matched_without_regard_to_case_or_made_once(api: Api, org: Org) -> None:
    api.write("/Invoices", a_bill(Contact={"Name": "Kea Trust"}), a_bill(Contact={"Name": "KEA TRUST"}))
    api.write("/Invoices", a_bill(Contact={"Name": "kea trust"}))
    assert [contact.name for contact in org.contacts()] == ["Kea Trust"]


@pytest.mark.parametrize("status", ["DRAFT", "SUBMITTED"])
def test_s24_the_lines_of_an_open_bill_are_replaced(api: Api, org: Org, status: str) -> None:
    bill = org.add_bill(status=status, lines=3)
    kept, recreated, _ = bill.lines
    sent = [line(LineItemID=kept.line_id, UnitAmount=7), line(Description=recreated.description)]
    api.write(f"/Invoices/{bill.bill_id}", {"LineItems": sent})
    after = org.bill(bill.bill_id).lines
    assert len(after) == 2
    assert (after[0].line_id, after[0].line_amount) == (kept.line_id, Decimal("7.00"))
    assert after[1].line_id not in {one.line_id for one in bill.lines}


@pytest.mark.parametrize(("sent", "refused"), [({"Status": "AUTHORISED"}, []), ({}, [NOT_MODIFIABLE])])
def test_s25_an_approved_bill_is_edited_only_when_its_status_is_sent_along(
    api: Api, org: Org, sent: dict[str, str], refused: list[str]
) -> None:
    bill = org.add_bill(status="AUTHORISED")
    element = api.write(f"/Invoices/{bill.bill_id}", {**sent, "LineItems": [line(UnitAmount=70)]})[0]
    assert errors(element) == refused
    assert org.bill(bill.bill_id).total == (100 if refused else 70)


@pytest.mark.parametrize("paid", ["40", "100"])
def test_s26_amount_edits_of_a_settled_bill_are_dropped_without_a_word(api: Api, org: Org, paid: str) -> None:
    bill = org.add_bill(paid=paid)
    ours = {"LineItemID": bill.lines[0].line_id, "UnitAmount": 999, "Description": "new words", "AccountCode": "429"}
    wish = {"LineItems": [ours], "DueDate": "2027-02-01", "Reference": "R", "Contact": {"Name": "Tui"}}
    element = api.write(f"/Invoices/{bill.bill_id}", wish)[0]
    assert (element["HasErrors"], errors(element)) == (False, [])
    after = org.bill(bill.bill_id)
    assert (after.total, after.lines[0].unit_amount) == (Decimal("100.00"), Decimal("100.00"))
    assert (after.lines[0].description, after.lines[0].account_code) == ("new words", "429")
    assert (after.reference, str(after.due), after.contact_id) == ("R", "2027-02-01", org.contact("Tui").contact_id)


@pytest.mark.parametrize(
    ("wish", "refused"),
    [
        ({"LineItems": [line()]}, [LINE_ID]),
        ({"LineItems": []}, [LINE_ID]),
        ({"Date": "2026-01-01"}, [DATE_FIXED]),
        (
            {"Status": "VOIDED"},
            [
                "The status VOIDED cannot be applied to the invoice because it has payments or credit notes"
                " allocated to it."
            ],
        ),
        ({"CurrencyRate": 3, "Reference": "ok"}, []),
    ],
)
def test_s27_what_is_barred_once_settled(api: Api, org: Org, wish: dict[str, Any], refused: list[str]) -> None:
    bill = org.add_bill(paid=40)
    assert errors(api.write(f"/Invoices/{bill.bill_id}", wish)[0]) == refused
    assert org.bill(bill.bill_id).rate == bill.rate


def test_s28_the_rule_of_before_march_2026_can_be_switched_on(xero: Sandbox, api: Api, org: Org) -> None:
    bill = org.add_bill(status="PAID")
    xero.switch(old_settled_rule=True)
    assert errors(api.write(f"/Invoices/{bill.bill_id}", {"Reference": "x"})[0]) == [
        NOT_MODIFIABLE,
        "This document cannot be edited as it has a payment or credit note allocated to it.",
    ]


def payment(bill_id: str, amount: float, **more: Any) -> dict[str, Any]:
    return {"Payments": [{"Invoice": {"InvoiceID": bill_id}, "Account": {"Code": "090"}, "Amount": amount, **more}]}


def test_s29_payments_lower_the_amount_due_until_the_bill_is_paid(api: Api, org: Org) -> None:
    bill = org.add_bill()
    first = exact(api.put("/Payments", payment(bill.bill_id, 40, Date="2026-10-20")))["Payments"][0]
    assert (first["Status"], first["PaymentType"]) == ("AUTHORISED", "ACCPAYPAYMENT")
    assert first["Invoice"]["AmountDue"] == Decimal("60.00")
    api.put("/Payments", payment(bill.bill_id, 60, Date="2026-10-21"))
    shown = api.get(f"/Invoices/{bill.bill_id}").json()["Invoices"][0]
    assert (shown["Status"], shown["AmountDue"], len(shown["Payments"])) == ("PAID", 0, 2)
    assert shown["FullyPaidOnDate"] == "/Date(1792540800000+0000)/"


@pytest.mark.parametrize(
    ("status", "amount", "refused"),
    [
        ("AUTHORISED", 100.01, ["Payment amount exceeds the amount outstanding on this document"]),
        ("DRAFT", 10, ["Payments can only be made against Authorised documents"]),
        (
            "PAID",
            10,
            [
                "Payments can only be made against Authorised documents",
                "Payment amount exceeds the amount outstanding on this document",
            ],
        ),
    ],
)
def test_s29_too_much_or_not_approved_is_refused(
    api: Api, org: Org, status: str, amount: float, refused: list[str]
) -> None:
    bill = org.add_bill(status=status)
    answer = api.put("/Payments", payment(bill.bill_id, amount))
    assert answer.status_code == 400
    element = answer.json()["Elements"][0]
    assert element["HasValidationErrors"] is True
    assert errors(element) == refused


@pytest.mark.parametrize("form", [{"Status": "DELETED"}, {"Payments": [{"Status": "DELETED"}]}])
def test_s30_a_deleted_payment_makes_the_bill_approved_again_and_voidable(
    api: Api, org: Org, form: dict[str, Any]
) -> None:
    bill = org.add_bill(status="PAID")
    answer = api.post(f"/Payments/{bill.payments[0].payment_id}", form)
    assert answer.json()["Payments"][0]["Status"] == "DELETED"
    assert org.bill(bill.bill_id).status == "AUTHORISED"
    assert errors(api.write(f"/Invoices/{bill.bill_id}", {"Status": "VOIDED"})[0]) == []


@pytest.mark.parametrize("wish", [{"Reference": "x"}, {"Status": "VOIDED"}, {"Status": "AUTHORISED"}])
def test_s31_bills_of_xero_expenses_cannot_be_written(api: Api, org: Org, wish: dict[str, Any]) -> None:
    bill = org.add_bill(number="Expense Claims")
    assert errors(api.write(f"/Invoices/{bill.bill_id}", wish)[0]) == [
        "Sorry this was created by Xero Expenses and can't be modified via the API"
    ]
    assert org.pay(bill.bill_id)  # a person may


def test_s31_an_archived_contact_gets_no_new_bill_but_its_old_ones_are_edited(api: Api, org: Org) -> None:
    bill = org.add_bill(contact="Kea Trust", status="DRAFT")
    org.archive_contact("Kea Trust")
    assert errors(api.write("/Invoices", a_bill())[0])[0].startswith("The contact with the specified contact details")
    assert errors(api.write(f"/Invoices/{bill.bill_id}", {"Reference": "x"})[0]) == []


def test_s32_history_is_written_and_read_and_has_a_longest_note(api: Api, org: Org) -> None:
    bill = org.add_bill()
    path = f"/Invoices/{bill.bill_id}/History"
    assert api.put(path, {"HistoryRecords": [{"Details": "x" * 2500}]}).status_code == 200
    assert api.put(path, {"HistoryRecords": [{"Details": "x" * 2501}]}).status_code == 400
    notes = api.get(path).json()["HistoryRecords"]
    assert [note["Changes"] for note in notes] == ["Note", "Created"]
    assert notes[0]["User"] == "System Generated"
    assert api.put("/Invoices/nowhere/History", {"HistoryRecords": [{"Details": "x"}]}).status_code == 400


def test_s32_history_names_the_person_at_the_screen_and_nobody_for_an_app(api: Api, org: Org) -> None:
    bill = org.add_bill(status="SUBMITTED").bill_id
    api.write(f"/Invoices/{bill}", {"Reference": "x"})
    org.settings(person="Bo Example")
    org.approve(bill)
    org.pay(bill)
    org.unpay(bill)
    notes = api.get(f"/Invoices/{bill}/History").json()["HistoryRecords"]
    assert [(note["Changes"], note["User"]) for note in reversed(notes)][1:] == [
        ("Edited", "System Generated"),
        ("Approved", "Bo Example"),
        ("Paid", "Bo Example"),
        ("Payment Deleted", "Bo Example"),
    ]


def test_s33_other_contact_fields_sent_along_change_the_contact(api: Api, org: Org) -> None:
    kea = org.add_contact("Kea Trust")
    wish = {"ContactID": kea.contact_id, "Name": "Kea Charitable Trust", "EmailAddress": "office@kea.example"}
    api.write("/Invoices", a_bill(Contact=wish))
    after = org.contact(kea.contact_id)
    assert (after.name, after.email) == ("Kea Charitable Trust", "office@kea.example")


def test_messages_about_lines_can_be_put_on_the_lines_alone(xero: Sandbox, api: Api) -> None:
    xero.switch(errors_on_lines=True)
    element = api.write("/Invoices", a_bill(LineItems=[line(), line(AccountCode="999")]))[0]
    assert (element["HasErrors"], errors(element)) == (True, [])
    assert errors(element["LineItems"][0]) == []
    assert errors(element["LineItems"][1]) == ["Account code '999' is not a valid code for this document."]


@pytest.mark.parametrize("body", [b"{", b"[1]", b'{"Invoices":[{"Date":"soon"}]}', b'{"Invoices":{}}'])
def test_a_body_that_cannot_be_read_gives_400_without_elements(api: Api, body: bytes) -> None:
    answer = api.call("POST", "/Invoices", body)
    assert answer.status_code == 400
    assert "Elements" not in answer.json()


def test_contacts_are_created_updated_by_name_and_unique_among_active_ones(api: Api, org: Org) -> None:
    api.put("/Contacts", {"Contacts": [{"Name": "Kea Trust"}]})
    assert api.put("/Contacts", {"Contacts": [{"Name": "kea trust"}]}).status_code == 400
    api.post("/Contacts", {"Contacts": [{"Name": "Kea Trust", "EmailAddress": "kea@example.org"}]})
    kea = org.contact("Kea Trust")
    assert (len(org.contacts()), kea.email) == (1, "kea@example.org")
    api.post(f"/Contacts/{kea.contact_id}", {"ContactStatus": "ARCHIVED"})
    assert org.contact(kea.contact_id).status == "ARCHIVED"


def test_a_sales_invoice_has_a_number_that_must_be_unique(api: Api, org: Org) -> None:
    sale = a_bill(Type="ACCREC", LineItems=[line(AccountCode="200")])
    assert api.write("/Invoices", sale, method="PUT")[0]["InvoiceNumber"] == "INV-0001"
    twin = api.write("/Invoices", {**sale, "InvoiceNumber": "INV-0001"}, method="PUT")[0]
    assert errors(twin) == ["Invoice # must be unique."]
