"""Xero's own Python SDK, which nobody here wrote, does its work against the sandbox over real HTTP."""

import datetime as dt
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from xero_python.accounting import AccountingApi
from xero_python.accounting.models import (
    Account,
    Contact,
    Contacts,
    HistoryRecord,
    HistoryRecords,
    Invoice,
    Invoices,
    LineItem,
    LineItemTracking,
    Payment,
    PaymentDelete,
    Payments,
)
from xero_python.api_client import ApiClient
from xero_python.api_client.configuration import Configuration
from xero_python.api_client.oauth2 import OAuth2Token, TokenApi
from xero_python.exceptions import (
    AccountingBadRequestException,
    HTTPStatusException,
    NotFoundException,
    OAuth2InvalidGrantError,
    RateLimitException,
)
from xero_python.identity import IdentityApi

from billwatch.sandbox import Org, Sandbox

TODAY = dt.date(2026, 11, 2)
NIL = "00000000-0000-0000-0000-000000000000"
NOT_MODIFIABLE = "Invoice not of valid status for modification"
SCOPES = "offline_access accounting.invoices accounting.payments accounting.settings accounting.contacts"


@dataclass
class Sdk:
    """The SDK as its users set it up, with the token that its callbacks would keep."""

    client: ApiClient
    accounting: AccountingApi
    identity: IdentityApi
    token: dict[str, Any]
    tenant: str

    def create(self, *bills: Invoice, **more: Any) -> list[Any]:
        return list(self.accounting.create_invoices(self.tenant, Invoices(invoices=list(bills)), **more).invoices)

    def update(self, bill_id: str, **changes: Any) -> Any:
        sent = Invoices(invoices=[Invoice(**changes)])
        return self.accounting.update_invoice(self.tenant, bill_id, sent).invoices[0]

    def get(self, bill_id: str) -> Any:
        return self.accounting.get_invoice(self.tenant, bill_id).invoices[0]


@pytest.fixture
def sdk(xero: Sandbox, org: Org, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sdk]:
    # The SDK takes the address of the identity server from its class and from nowhere else.
    monkeypatch.setattr(TokenApi, "refresh_token_url", f"{xero.url}/connect/token")
    kept = _with_end(xero.tokens(SCOPES))
    client = ApiClient(Configuration(oauth2_token=OAuth2Token(xero.client_id, xero.client_secret)))
    client.oauth2_token_getter(lambda: kept)
    client.oauth2_token_saver(lambda token: _replace(kept, token))
    accounting = AccountingApi(client, f"{xero.url}/api.xro/2.0")
    yield Sdk(client, accounting, IdentityApi(client, xero.url), kept, org.tenant_id)
    client.rest_client.pool_manager.clear()


def _with_end(token: dict[str, Any], seconds: float = 1_800) -> dict[str, Any]:
    return {**token, "scope": token["scope"].split(), "expires_at": time.time() + seconds}


def _replace(kept: dict[str, Any], token: dict[str, Any]) -> None:
    kept.clear()
    kept.update(token)


def line(amount: str = "100.00", **more: Any) -> LineItem:
    given = {"description": "Grant", "quantity": 1.0, "unit_amount": Decimal(amount), "account_code": "480", **more}
    return LineItem(**given)


def a_bill(number: str = "G-1", **changes: Any) -> Invoice:
    given = {
        "type": "ACCPAY",
        "contact": Contact(name="Kea Trust"),
        "date": TODAY,
        "due_date": TODAY + dt.timedelta(days=20),
        "invoice_number": number,
        "line_items": [line()],
        "status": "SUBMITTED",
        **changes,
    }
    return Invoice(**given)


def said(caught: pytest.ExceptionInfo[AccountingBadRequestException]) -> list[str]:
    return [e["Message"] for one in caught.value.error_data["Elements"] for e in one["ValidationErrors"]]


def test_the_sdk_creates_a_bill_and_reads_it_back_to_the_cent_and_day(sdk: Sdk, org: Org) -> None:
    north = LineItemTracking(name="Region", option="North")
    wish = a_bill(line_items=[line("1234.56", tracking=[north])], url="https://grants.example.org/m/1")
    (made,) = sdk.create(wish, summarize_errors=False, unitdp=4)
    assert (made.has_errors, made.status_attribute_string) == (False, "OK")
    read = sdk.get(made.invoice_id)
    assert (read.total, read.amount_due, read.amount_paid) == (Decimal("1234.56"), Decimal("1234.56"), Decimal("0.00"))
    assert (read.date, read.due_date) == (TODAY, dt.date(2026, 11, 22))
    assert (read.status, read.type, read.currency_code.value) == ("SUBMITTED", "ACCPAY", "NZD")
    assert (read.url, read.line_items[0].tracking[0].option) == ("https://grants.example.org/m/1", "North")
    assert (read.contact.name, read.contact.contact_status) == ("Kea Trust", "ACTIVE")
    assert read.updated_date_utc == org.bill("G-1").updated


def test_the_sdk_pages_through_a_list_and_meets_every_bill_once(sdk: Sdk, org: Org) -> None:
    made = {org.add_bill(number=f"B{n}", contact="Kea Trust", status="DRAFT").bill_id for n in range(7)}
    pages = [
        sdk.accounting.get_invoices(sdk.tenant, where='Type=="ACCPAY"', page=page, page_size=3) for page in (1, 2, 3, 4)
    ]
    assert [len(page.invoices) for page in pages] == [3, 3, 1, 0]
    assert {bill.invoice_id for page in pages for bill in page.invoices} == made
    assert [(p.pagination.page, p.pagination.page_count, p.pagination.item_count) for p in pages[:2]] == [
        (1, 3, 7),
        (2, 3, 7),
    ]
    assert all(bill.line_items for bill in pages[0].invoices)


def test_the_sdk_lists_by_id_status_and_time_of_change(sdk: Sdk, xero: Sandbox, org: Org) -> None:
    old, paid = org.add_bill(number="old"), org.add_bill(number="paid", status="PAID")
    xero.advance(minutes=5)
    since = xero.now()
    org.submit(org.add_bill(number="new", status="DRAFT").bill_id)

    def numbers(**asked: Any) -> list[str]:
        return [bill.invoice_number for bill in sdk.accounting.get_invoices(sdk.tenant, **asked).invoices]

    assert sorted(numbers(i_ds=[old.bill_id, paid.bill_id])) == ["old", "paid"]
    assert numbers(statuses=["PAID", "VOIDED"]) == ["paid"]
    assert numbers(if_modified_since=since) == ["new"]
    assert numbers(summary_only=True, order="UpdatedDateUTC ASC") == ["old", "paid", "new"]


def test_the_sdk_updates_the_bill_that_it_names_and_no_other(sdk: Sdk, org: Org) -> None:
    first, second = sdk.create(a_bill("G-1"), a_bill("G-2"))
    kept = first.line_items[0].line_item_id
    changed = sdk.update(first.invoice_id, line_items=[line("70.00", line_item_id=kept)], reference="twice")
    assert (changed.total, changed.reference) == (Decimal("70.00"), "twice")
    assert changed.line_items[0].line_item_id == kept
    assert org.bill(second.invoice_id).total == Decimal("100.00")


def test_the_sdk_approves_and_voids_a_bill(sdk: Sdk, org: Org) -> None:
    (made,) = sdk.create(a_bill())
    assert sdk.update(made.invoice_id, status="AUTHORISED").status == "AUTHORISED"
    assert sdk.update(made.invoice_id, status="VOIDED").status == "VOIDED"
    assert org.bill("G-1").status == "VOIDED"


def test_the_sdk_upserts_a_bill_by_its_number(sdk: Sdk, org: Org) -> None:
    (made,) = sdk.create(a_bill())
    again = a_bill(line_items=[line("55.00")])
    (same,) = sdk.accounting.update_or_create_invoices(sdk.tenant, Invoices(invoices=[again])).invoices
    assert (same.invoice_id, org.bill("G-1").total) == (made.invoice_id, Decimal("55.00"))


def test_the_sdk_reads_the_organisation_its_lock_dates_and_its_rights(sdk: Sdk, org: Org) -> None:
    org.lock(period="2018-12-31")
    (found,) = sdk.accounting.get_organisations(sdk.tenant).organisations
    assert (found.name, found.short_code, found.base_currency.value) == ("Example Trust", org.short_code, "NZD")
    assert (found.period_lock_date, found.end_of_year_lock_date) == (dt.date(2018, 12, 31), None)
    assert (found.timezone.value, found.country_code.value) == ("NEWZEALANDSTANDARDTIME", "NZ")
    rights = {one.name: one.status for one in sdk.accounting.get_organisation_actions(sdk.tenant).actions}
    assert (rights["CreateDraftBill"], rights["ApproveTransactionsBeforePeriodLockDate"]) == ("ALLOWED", "NOT-ALLOWED")


def test_the_sdk_reads_every_list_that_a_bill_draws_on(sdk: Sdk) -> None:
    accounts = {one.code: one for one in sdk.accounting.get_accounts(sdk.tenant).accounts}
    assert (accounts["090"].type.value, accounts["480"].status) == ("BANK", "ACTIVE")
    taxes = {one.tax_type: one.effective_rate for one in sdk.accounting.get_tax_rates(sdk.tenant).tax_rates}
    assert taxes["INPUT2"] == Decimal(15)
    assert {one.code.value for one in sdk.accounting.get_currencies(sdk.tenant).currencies} == {"AUD", "NZD"}
    (region,) = sdk.accounting.get_tracking_categories(sdk.tenant).tracking_categories
    assert (region.name, region.options[0].name, region.options[0].status) == ("Region", "North", "ACTIVE")


def test_the_sdk_makes_and_reads_contacts_archived_ones_on_request(sdk: Sdk, org: Org) -> None:
    wish = Contacts(contacts=[Contact(name="Tui Trust", email_address="tui@example.org")])
    (made,) = sdk.accounting.create_contacts(sdk.tenant, wish).contacts
    assert (made.name, made.email_address, made.contact_status) == ("Tui Trust", "tui@example.org", "ACTIVE")
    org.archive_contact("Tui Trust")
    assert sdk.accounting.get_contacts(sdk.tenant).contacts == []
    (gone,) = sdk.accounting.get_contacts(sdk.tenant, include_archived=True).contacts
    assert (gone.contact_id, gone.contact_status) == (made.contact_id, "ARCHIVED")


def test_the_sdk_pays_a_bill_and_takes_the_payment_back(sdk: Sdk, org: Org) -> None:
    (made,) = sdk.create(a_bill(status="AUTHORISED"))
    wish = Payment(invoice=Invoice(invoice_id=made.invoice_id), account=Account(code="090"), date=TODAY)
    wish.amount = Decimal("100.00")
    (paid,) = sdk.accounting.create_payments(sdk.tenant, Payments(payments=[wish])).payments
    assert (paid.status, paid.payment_type, paid.invoice.amount_due) == ("AUTHORISED", "ACCPAYPAYMENT", Decimal(0))
    read = sdk.get(made.invoice_id)
    assert (read.status, read.fully_paid_on_date, read.amount_paid) == ("PAID", TODAY, Decimal("100.00"))
    sdk.accounting.delete_payment(sdk.tenant, paid.payment_id, PaymentDelete(status="DELETED"))
    assert (sdk.get(made.invoice_id).status, org.bill("G-1").paid) == ("AUTHORISED", 0)


def test_the_sdk_writes_and_reads_history(sdk: Sdk) -> None:
    (made,) = sdk.create(a_bill())
    note = HistoryRecords(history_records=[HistoryRecord(details="billwatch: made for M-1")])
    sdk.accounting.create_invoice_history(sdk.tenant, made.invoice_id, note)
    records = sdk.accounting.get_invoice_history(sdk.tenant, made.invoice_id).history_records
    assert (records[0].changes, records[0].details) == ("Note", "billwatch: made for M-1")
    assert records[0].date_utc.tzinfo is not None


def test_a_refusal_reaches_the_user_of_the_sdk_in_the_words_of_xero(sdk: Sdk, org: Org) -> None:
    bill = org.add_bill(number="G-1", status="VOIDED")
    with pytest.raises(AccountingBadRequestException) as caught:
        sdk.update(bill.bill_id, status="DRAFT")
    assert caught.value.reason == NOT_MODIFIABLE
    assert caught.value.error_data["Message"] == "A validation exception occurred"


def test_several_messages_of_one_refusal_all_reach_the_sdk(sdk: Sdk, org: Org) -> None:
    org.lock(period="2026-11-30", year="2026-12-31")
    with pytest.raises(AccountingBadRequestException) as caught:
        sdk.create(a_bill(status="AUTHORISED"), summarize_errors=True)
    assert said(caught) == [
        "The document date cannot be before the period lock date, currently set at 30-Nov-2026",
        "The document date cannot be before the end of year lock date, currently set at 31-Dec-2026",
    ]
    assert org.bills() == []


def test_without_a_summary_the_sdk_gets_200_and_each_elements_own_outcome(sdk: Sdk, org: Org) -> None:
    good, bad = sdk.create(a_bill("good"), a_bill("bad", status="PAID"), summarize_errors=False)
    assert (good.has_errors, good.status_attribute_string) == (False, "OK")
    assert (bad.has_errors, bad.status_attribute_string, bad.invoice_id) == (True, "ERROR", NIL)
    assert [error.message for error in bad.validation_errors] == ["Invoice not of valid status for creation"]
    assert [bill.number for bill in org.bills()] == ["good"]


def test_the_sdk_repeats_a_create_under_one_key_without_a_second_bill(sdk: Sdk, org: Org) -> None:
    ids = [sdk.create(a_bill(), idempotency_key="k-1")[0].invoice_id for _ in range(2)]
    assert ids[0] == ids[1]
    assert len(org.bills()) == 1


def test_the_sdk_sees_its_token_expire(sdk: Sdk, xero: Sandbox) -> None:
    xero.advance(minutes=31)
    with pytest.raises(HTTPStatusException) as caught:
        sdk.accounting.get_organisations(sdk.tenant)
    assert caught.value.status == 401
    assert b"TokenExpired: token expired at " in caught.value.body


def test_the_sdk_refreshes_a_token_that_it_knows_to_be_old_and_goes_on(sdk: Sdk, org: Org) -> None:
    before = dict(sdk.token)
    sdk.token["expires_at"] = time.time() - 1
    (found,) = sdk.accounting.get_organisations(sdk.tenant).organisations
    assert found.organisation_id == org.books.organisation_id
    assert sdk.token["access_token"] != before["access_token"]
    assert sdk.token["refresh_token"] != before["refresh_token"]


def test_the_sdk_is_told_when_a_refresh_token_has_lapsed(sdk: Sdk, xero: Sandbox) -> None:
    xero.advance(days=61)
    sdk.token["expires_at"] = time.time() - 1
    with pytest.raises((OAuth2InvalidGrantError, HTTPStatusException)) as caught:
        sdk.accounting.get_organisations(sdk.tenant)
    assert caught.value.status == 400
    assert b"invalid_grant" in caught.value.body


def test_the_sdk_lists_and_removes_connections_and_is_then_shut_out(sdk: Sdk, org: Org) -> None:
    (connection,) = sdk.identity.get_connections()
    assert (connection.id, connection.tenant_id) == (org.connection_id, org.tenant_id)
    assert (connection.tenant_name, connection.tenant_type) == ("Example Trust", "ORGANISATION")
    sdk.identity.delete_connection(connection.id)
    with pytest.raises(HTTPStatusException) as caught:
        sdk.accounting.get_organisations(sdk.tenant)
    assert caught.value.status == 403


@pytest.mark.parametrize(
    ("ask", "error"),
    [
        (lambda sdk: sdk.get("0b5bb4a5-0000-4000-8000-000000000000"), NotFoundException),
        (lambda sdk: sdk.accounting.get_invoices(sdk.tenant, where="Nonsense==1"), AccountingBadRequestException),
    ],
    ids=["an unknown bill", "a question that cannot be read"],
)
def test_what_cannot_be_answered_has_its_own_error_in_the_sdk(
    sdk: Sdk, ask: Callable[[Sdk], object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        ask(sdk)


def test_the_sdk_is_told_which_limit_it_has_reached(sdk: Sdk, xero: Sandbox) -> None:
    sdk.client.rest_client.pool_manager.connection_pool_kw["retries"] = False  # it would sit out Retry-After
    xero.limits(on=True, minute=1)
    sdk.accounting.get_organisations(sdk.tenant)
    with pytest.raises(RateLimitException) as caught:
        sdk.accounting.get_organisations(sdk.tenant)
    assert caught.value.rate_limit == "minute"
    assert 0 < int(caught.value.headers["Retry-After"]) <= 60
