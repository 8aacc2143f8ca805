"""The client does against a small Xero what the cycle expects of it."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from billwatch.sandbox import Org, Sandbox
from reconciler.errors import BadRequest, OutcomeUnknown
from reconciler.model import Bill, Field, Sense, Status, Write
from reconciler.organisation import Books
from reconciler.reasons import Reason
from reconciler.refusals import classify, lock_date
from reconciler.xero.client import Client
from reconciler.xero_port import Outcome, Xero

from .conftest import START, Clock, attempt, terms, write

UNKNOWN = "00000000-0000-4000-8000-00000000dead"
SECOND = dt.timedelta(seconds=1)


def create(xero: Client, *writes: Write, key: str = "") -> list[Outcome]:
    made = attempt(xero.create_request(writes), *writes, key=key or f"{writes[0].number}-{id(xero)}")
    return xero.send(made)


def update(xero: Client, bill: Bill, *fields: Field, key: str = "", **changes: Any) -> Outcome:
    pending = Write(terms(**changes), bill.status, bill.number, bill_id=bill.bill_id, fields=frozenset(fields))
    made = attempt(xero.update_request([(pending, bill)]), pending, key=key or f"{bill.bill_id}-{id(xero)}")
    return xero.send(made)[0]


def read(xero: Client, bill_id: str) -> Bill:
    [bill] = xero.bills([bill_id])
    return bill


def test_it_is_what_the_cycle_asks_for(xero: Client) -> None:
    asked: Xero = xero
    assert asked is xero


def test_the_organisation_is_read_with_its_locks_and_rights(xero: Client, org: Org) -> None:
    org.lock(period="2026-09-30", year="2026-03-31")
    org.settings(adviser=True, may_approve=False)
    books = xero.read_rights(xero.read_organisation(Books()))
    assert (books.name, books.short_code, books.currency) == ("Example Trust", org.short_code, "NZD")
    assert (books.zone, books.read_at, books.rights_at) == ("Pacific/Auckland", START, START)
    assert (books.period_lock, books.year_lock) == (dt.date(2026, 9, 30), dt.date(2026, 3, 31))
    assert (books.adviser, books.may_approve) == (True, False)


def test_a_lifted_lock_is_gone_at_the_next_reading(xero: Client, org: Org) -> None:
    org.lock(period="2026-09-30")
    books = xero.read_organisation(Books())
    org.lock()
    assert xero.read_organisation(books).period_lock is None


def test_the_lists_hold_what_a_bill_may_use(xero: Client, org: Org) -> None:
    org.archive_account("400")
    org.archive_tracking("Region", "North")
    books = xero.read_lists(xero.read_organisation(Books()))
    assert books.accounts is not None
    assert "429" in books.accounts
    assert not {"400", "090", "800"} & books.accounts
    assert books.taxes is not None
    assert {"INPUT2", "NONE"} <= books.taxes
    assert books.currencies == {"NZD", "EUR"}
    assert books.tracking is not None
    assert ("Region", "South") in books.tracking
    assert ("Region", "North") not in books.tracking
    assert books.listed_at == START


def test_bills_are_read_with_their_lines_forty_at_a_call(xero: Client, sandbox: Sandbox, org: Org) -> None:
    made = [org.add_bill(number=f"B-{n}") for n in range(41)]
    before = sandbox.calls("/Invoices", tenant_id=org.tenant_id)
    found = xero.bills([bill.bill_id for bill in made] + [UNKNOWN, made[0].bill_id])
    assert {bill.number for bill in found} == {f"B-{n}" for n in range(41)}
    assert len(found) == 41
    assert all(len(bill.lines) == 1 for bill in found)
    assert sandbox.calls("/Invoices", tenant_id=org.tenant_id) - before == 2


def test_no_bills_cost_no_call(xero: Client, sandbox: Sandbox, org: Org) -> None:
    assert xero.bills([]) == []
    assert sandbox.calls(tenant_id=org.tenant_id) == 0


def test_a_bill_is_stamped_with_our_time_before_it_was_asked_for(
    xero: Client, org: Org, shared_clock: Clock, sandbox: Sandbox
) -> None:
    made = org.add_bill()
    sandbox.fault(503)
    assert read(xero, made.bill_id).read_at == shared_clock.now
    assert read(xero, made.bill_id).organisation == "trust"


def test_a_settled_bill_shows_what_was_applied_to_it(xero: Client, org: Org) -> None:
    made = org.add_bill(total=100, date="2026-10-01")
    org.credit(made.bill_id, 30)
    org.pay(made.bill_id, 70, on="2026-10-20")
    bill = read(xero, made.bill_id)
    assert (bill.status, bill.paid, bill.credited, bill.due) == (Status.PAID, 70, 30, 0)
    assert bill.paid_on is not None


def test_a_direct_read_that_leaves_credits_out_still_shows_them(xero: Client, org: Org, sandbox: Sandbox) -> None:
    made = org.add_bill(total=100)
    org.credit(made.bill_id, 30)
    sandbox.switch(sparse_single=True)
    bill = xero.bill(made.bill_id)
    assert bill is not None
    assert (bill.credited, bill.paid, bill.settled) == (30, 0, 30)


def test_a_direct_read_says_that_a_bill_does_not_exist(xero: Client, org: Org) -> None:
    assert xero.bill(UNKNOWN) is None
    made = org.add_bill(number="X")
    found = xero.bill(made.bill_id)
    assert found is not None
    assert found.number == "X"


def test_a_sales_invoice_is_no_bill(xero: Client, org: Org) -> None:
    sale = org.add_bill(type="ACCREC", number="S-1")
    assert xero.bills([sale.bill_id]) == []
    assert xero.bill(sale.bill_id) is None
    assert list(xero.changed_bills(None)) == []


def test_changes_come_oldest_first_and_voided_and_deleted_ones_too(xero: Client, org: Org, shared_clock: Clock) -> None:
    first, second = org.add_bill(number="1", status="DRAFT"), org.add_bill(number="2")
    shared_clock.advance(10)
    org.add_bill(number="3")
    shared_clock.advance(10)
    org.void(second.bill_id)
    org.delete(first.bill_id)
    [page] = xero.changed_bills(None)
    assert page[0].number == "3"
    assert {bill.number: bill.status for bill in page} == {
        "1": Status.DELETED, "2": Status.VOIDED, "3": Status.AUTHORISED,
    }  # fmt: skip
    [page] = xero.changed_bills(START + 15 * SECOND)
    assert {bill.number for bill in page} == {"1", "2"}


def test_what_changed_in_the_very_second_is_not_passed_over(xero: Client, org: Org, shared_clock: Clock) -> None:
    shared_clock.advance(0.4)
    made = org.add_bill()
    [page] = xero.changed_bills(shared_clock.now + dt.timedelta(seconds=0.5))
    assert [bill.bill_id for bill in page] == [made.bill_id]


def test_thousands_of_changes_come_page_by_page(xero: Client, org: Org, sandbox: Sandbox, shared_clock: Clock) -> None:
    for number in range(1_100):
        org.add_bill(number=str(number))
        shared_clock.advance(2)
    before = sandbox.calls("/Invoices", tenant_id=org.tenant_id)
    pages = list(xero.changed_bills(None))
    assert len({bill.bill_id for page in pages for bill in page}) == 1_100
    assert sandbox.calls("/Invoices", tenant_id=org.tenant_id) - before == 2


def test_a_bill_edited_between_two_pages_hides_no_other(xero: Client, org: Org, shared_clock: Clock) -> None:
    made = [_made(org, shared_clock, number) for number in range(1_010)]
    pages = xero.changed_bills(None)
    seen = {bill.number for bill in next(pages)}
    for bill in made[:9]:
        org.edit(bill, due="2027-01-01")
    for page in pages:
        seen |= {bill.number for bill in page}
    assert seen == {str(number) for number in range(1_010)}


def _made(org: Org, clock: Clock, number: int) -> str:
    clock.advance(2)
    return org.add_bill(number=str(number)).bill_id


def test_nothing_changed_is_no_page_at_all(xero: Client, org: Org, shared_clock: Clock) -> None:
    org.add_bill()
    shared_clock.advance(60)
    assert list(xero.changed_bills(shared_clock.now)) == []
    assert list(xero.changed_contacts(shared_clock.now)) == []


def test_contacts_come_with_those_archived_and_merged(xero: Client, org: Org) -> None:
    kea, tui = org.add_contact("Kea Trust"), org.add_contact("Tui Trust")
    org.merge_contact("Kea Trust", "Tui Trust")
    org.add_contact("Gone", archived=True)
    [page] = xero.changed_contacts(None)
    found = {contact.name: contact for contact in page}
    assert (found["Kea Trust"].archived, found["Kea Trust"].merged_to) == (True, tui.contact_id)
    assert found["Gone"].archived
    assert not found["Tui Trust"].archived
    assert found["Kea Trust"].contact_id == kea.contact_id


@pytest.mark.parametrize("sense", list(Sense))
def test_a_new_bill_says_what_was_written(xero: Client, sense: Sense) -> None:
    tax = None if sense is Sense.NO_TAX else "INPUT2"
    made = write(sense=sense, tax=tax, tracking=(("Region", "North"),), url="https://grants.example/m/1")
    [outcome] = create(xero, made)
    bill = read(xero, outcome.bill_id)
    told = bill.terms(sense)
    assert replace(told, contact="", tax=None) == replace(made.terms, contact="", tax=None)
    assert (bill.contact_name, bill.number, bill.status) == ("Kea Trust", "G-1", Status.SUBMITTED)
    assert bill.url == "https://grants.example/m/1"


def test_of_a_batch_each_element_has_its_own_fate(xero: Client, org: Org) -> None:
    org.add_contact("Gone", archived=True)
    gone = org.contact("Gone").contact_id
    org.lock(period="2026-10-31")
    outcomes = create(
        xero,
        write("G-1"),
        write("G-2", contact=gone),
        write("G-3", Status.AUTHORISED, date=dt.date(2026, 10, 31)),
        write("G-4", date=dt.date(2026, 10, 31)),
    )
    assert [outcome.refused for outcome in outcomes] == [False, True, True, False]
    assert [bool(outcome.bill_id) for outcome in outcomes] == [True, False, False, True]
    assert classify(outcomes[1].messages) is Reason.CONTACT_ARCHIVED
    assert classify(outcomes[2].messages) is Reason.PERIOD_LOCKED
    assert lock_date(outcomes[2].messages) == dt.date(2026, 10, 31)


@pytest.mark.parametrize("on_lines", [False, True])
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"account": "999"}, Reason.ACCOUNT_UNUSABLE),
        ({"account": "400"}, Reason.ACCOUNT_UNUSABLE),
        ({"tax": "OUTPUT2"}, Reason.TAX_INVALID),
        ({"currency": "GBP"}, Reason.CURRENCY_DISABLED),
        ({"tracking": (("Region", "Far"),)}, Reason.TRACKING_UNUSABLE),
        ({"due_date": None}, Reason.REFUSED),
    ],
)
def test_a_refusal_leads_to_its_reason_wherever_xero_puts_it(
    xero: Client, org: Org, sandbox: Sandbox, on_lines: bool, changes: dict[str, Any], reason: Reason
) -> None:
    org.archive_account("400")
    sandbox.switch(errors_on_lines=on_lines)
    [outcome] = create(xero, write(status=Status.AUTHORISED, **changes))
    assert outcome.refused
    assert outcome.bill_id == ""
    assert classify(outcome.messages) is reason


def test_a_connection_that_may_not_approve_is_told_so(xero: Client, org: Org) -> None:
    org.settings(may_approve=False)
    [outcome] = create(xero, write(status=Status.AUTHORISED))
    assert classify(outcome.messages) is Reason.NOT_PERMITTED


def test_the_same_bytes_under_the_same_key_make_one_bill(xero: Client, org: Org, sandbox: Sandbox) -> None:
    made = attempt(xero.create_request([write()]), write(), key="once-1")
    sandbox.fault(method="PUT", cut="after")
    with pytest.raises(OutcomeUnknown) as caught:
        xero.send(made)
    assert not caught.value.cached
    [outcome] = xero.send(made)
    assert [bill.bill_id for bill in org.bills()] == [outcome.bill_id]


def test_a_500_and_a_reused_key_spend_the_key(xero: Client, org: Org, sandbox: Sandbox) -> None:
    made = attempt(xero.create_request([write()]), write(), key="once-2")
    sandbox.fault(500, method="PUT")
    for changed in (made, made, replace(made, body=made.body + b" ")):
        with pytest.raises(OutcomeUnknown) as caught:
            xero.send(changed)
        assert caught.value.cached
    assert org.bills() == []


def test_an_update_of_a_bill_that_does_not_exist_was_not_done(xero: Client, org: Org) -> None:
    bill = read(xero, org.add_bill().bill_id)
    with pytest.raises(BadRequest):
        update(xero, replace(bill, bill_id=UNKNOWN), Field.DUE_DATE)


def pending(bill: Bill, fields: Sequence[Field], **changes: Any) -> Any:
    """The bill's terms with only these fields replaced by ours."""
    ours = terms(**changes)
    return replace(bill.terms(ours.sense), **{field.value: getattr(ours, field.value) for field in fields})


@pytest.mark.parametrize("status", ["DRAFT", "SUBMITTED", "AUTHORISED"])
@pytest.mark.parametrize(
    "fields",
    [
        (Field.DATE, Field.DUE_DATE),
        (Field.DESCRIPTION,),
        (Field.ACCOUNT,),
        (Field.TRACKING,),
        (Field.TOTAL, Field.SENSE, Field.TAX),
        (Field.CONTACT,),
    ],
)
def test_an_update_changes_what_is_pending_and_nothing_else(
    xero: Client, org: Org, status: str, fields: tuple[Field, ...]
) -> None:
    org.add_contact("Tui Trust")
    made = org.add_bill(
        status=status, total="99.99", amount_types="Exclusive", tax_type="INPUT2", account="400", number="H-1"
    )
    before = read(xero, made.bill_id)
    changes = {"contact": org.contact("Tui Trust").contact_id, "account": "480", "tax": "NONE"}
    if Field.ACCOUNT in fields:
        changes["account"] = "429"
    assert not update(xero, before, *fields, tracking=(("Region", "East"),), **changes).refused
    after = read(xero, made.bill_id)
    expected = pending(before, fields, tracking=(("Region", "East"),), **changes)
    assert after.terms(Sense.INCLUSIVE) == expected
    assert (after.status, after.number, after.lines[0].line_id) == (before.status, "H-1", before.lines[0].line_id)


def test_four_decimals_and_a_tax_set_by_hand_survive_an_edit_of_the_words(xero: Client, org: Org) -> None:
    made = create(xero, write(sense=Sense.EXCLUSIVE, account="400"))[0]
    org.edit(made.bill_id, unit_amount="33.3333", quantity=3)
    bill = read(xero, made.bill_id)
    line = replace(bill.lines[0], unit_amount=Decimal("33.3333"), tax_amount=Decimal("14.99"))
    assert not update(xero, replace(bill, lines=(line,)), Field.DESCRIPTION, description="New words").refused
    after = read(xero, made.bill_id)
    assert after.lines[0].description == "New words"
    assert (after.lines[0].unit_amount, after.lines[0].quantity) == (Decimal("33.3333"), 3)
    assert after.lines[0].tax_amount == Decimal("14.99")


def test_an_update_never_edits_another_bill_of_the_same_number(xero: Client, org: Org) -> None:
    one, two = org.add_bill(number="SAME", status="DRAFT"), org.add_bill(number="SAME", status="DRAFT")
    before = read(xero, two.bill_id)
    assert not update(xero, read(xero, one.bill_id), Field.DESCRIPTION).refused
    assert read(xero, two.bill_id).terms(Sense.NO_TAX) == before.terms(Sense.NO_TAX)


def test_several_lines_become_one_when_a_person_chose_ours(xero: Client, org: Org) -> None:
    bill = read(xero, org.add_bill(lines=3, status="DRAFT", total=300).bill_id)
    fields = (Field.LINES, Field.TOTAL, Field.SENSE, Field.DESCRIPTION, Field.TAX)
    assert not update(xero, bill, *fields).refused
    after = read(xero, bill.bill_id)
    assert (len(after.lines), after.total, after.lines[0].description) == (1, Decimal("115.00"), "First milestone")


def test_a_locked_or_ended_bill_is_refused_with_its_reason(xero: Client, org: Org) -> None:
    ended = read(xero, org.add_bill(status="VOIDED").bill_id)
    assert classify(update(xero, ended, Field.DUE_DATE).messages) is Reason.REFUSED
    locked = read(xero, org.add_bill(date="2026-09-30", number="L").bill_id)
    org.lock(year="2026-09-30")
    outcome = update(xero, locked, Field.DUE_DATE)
    assert outcome.bill_id == locked.bill_id
    assert classify(outcome.messages) in (Reason.PERIOD_LOCKED, Reason.YEAR_LOCKED)


def test_a_settled_bill_takes_its_words_and_refuses_its_date(xero: Client, org: Org) -> None:
    bill = read(xero, org.add_bill(paid=50).bill_id)
    assert not update(xero, bill, Field.DESCRIPTION, Field.DUE_DATE, key="words").refused
    assert read(xero, bill.bill_id).lines[0].description == "First milestone"
    refused = update(xero, bill, Field.DATE, date=dt.date(2026, 10, 1), key="date")
    assert classify(refused.messages) is Reason.BILL_PAID


def test_a_bill_of_xero_expenses_cannot_be_changed(xero: Client, org: Org) -> None:
    bill = read(xero, org.add_bill(number="Expense Claims", status="DRAFT").bill_id)
    assert bill.read_only
    assert classify(update(xero, bill, Field.DESCRIPTION).messages) is Reason.BILL_READ_ONLY


def test_both_forms_of_dates_read_the_same(xero: Client, org: Org, sandbox: Sandbox) -> None:
    made = org.add_bill()
    escaped = read(xero, made.bill_id)
    sandbox.switch(escape_slashes=False)
    assert read(xero, made.bill_id) == escaped


def test_calls_are_counted_as_the_sandbox_counts_them(xero: Client, org: Org, sandbox: Sandbox) -> None:
    made = org.add_bill()
    xero.read_rights(xero.read_lists(xero.read_organisation(Books())))
    xero.bills([made.bill_id])
    xero.bill(made.bill_id)
    create(xero, write())
    counted = sandbox.calls_table()
    ours = [row for row in counted if row["tenant_id"] == org.tenant_id]
    assert sum(spent.calls for spent in xero.usage().values()) == sum(int(str(row["calls"])) for row in ours) == 9
    assert sum(spent.bytes for spent in xero.usage().values()) == sum(int(str(row["bytes"])) for row in ours)
    left = xero.remaining()
    assert (left.minute, left.day) == (51, 991)
