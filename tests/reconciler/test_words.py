"""Every verdict reads as plain sentences: nothing left open or interpreted, money and days as people write them."""

import datetime as dt
from decimal import Decimal
from string import Formatter

import pytest
from case_builders import (
    AMOUNT,
    NOW,
    a_bill,
    a_milestone,
    an_organisation,
    billed,
    day,
    decided,
    exempt,
    moment,
    some_books,
    unbilled,
)
from decision_table import DEARER, HALF, TABLE, TWICE, Row
from msgspec.structs import replace

from reconciler import words as said
from reconciler.choices import fitting
from reconciler.decide import decide
from reconciler.model import Decision, Field, Sense, Status
from reconciler.outlook import if_nobody_acts
from reconciler.reasons import WORDS, Action, Choose, Reason

BOOKS = some_books()


def of(row: Row) -> Decision:
    return Decision(row.case, decide(row.case, row.organisation, row.books, NOW))


def sentences(row: Row) -> list[str]:
    decision = of(row)
    effects = [said.choice_effect(kind, decision, row.books) for kind in fitting(decision, row.organisation)]
    told = said.explain(decision, row.books), if_nobody_acts(decision, row.books)
    return [*told, *effects, *filter(None, [said.what_to_do(decision, row.books)])]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.when)
def test_every_reason_reads_as_whole_sentences(row: Row) -> None:
    for text in sentences(row):
        assert text == text.strip()
        assert text[-1] in ".”" or row.reason in (Reason.EXEMPT, Reason.REFUSED)
        filled = text.replace("None was touched", "")
        assert not any(sign in filled for sign in ("{", "}", "None", "  ", "..", " ,", "Decimal", "Field."))


@pytest.mark.parametrize("reason", Reason)
def test_a_warning_says_what_to_do_and_whom_it_concerns(reason: Reason) -> None:
    text = WORDS[reason]
    warns = text.action in (Action.FLAG, Action.HOLD)
    assert bool(text.todo) is bool(text.roles) is warns
    assert (Choose.EXEMPT in text.choices) is (text.action is Action.FLAG)


def test_every_name_in_the_sentences_has_a_value() -> None:
    decision = decided(billed(DEARER, a_bill(total=HALF)))
    values = said._Values(decision, BOOKS)
    names = {name for w in WORDS.values() for text in (w.happened, w.todo) for _, name, *_ in Formatter().parse(text)}
    assert all(isinstance(values[name], str) for name in names if name)


@pytest.mark.parametrize("name", ["{amount} Trust", "{0}", "{", "}}{", "<b>Trust</b> & Co", "%s", "{self.case}"])
def test_names_are_shown_as_they_are(name: str) -> None:
    duplicate = unbilled(a_milestone(payee=name), similar=(a_bill(bill_id="bill-7"),))
    assert f"A bill for {name} over NZ$15,000.00" in said.explain(decided(duplicate), BOOKS)
    assert f"for {name} is not billed" in if_nobody_acts(decided(unbilled(a_milestone(payee=name))), BOOKS)


def test_a_reason_with_braces_is_shown_as_it_is() -> None:
    decision = decided(unbilled(exemption=exempt("2026-12-31", reason="see {contract}")))
    assert said.explain(decision, BOOKS) == "Exempt from syncing until 31 December 2026: see {contract}"


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("15000", "NZD", "NZ$15,000.00"),
        ("0.1", "GBP", "£0.10"),
        ("1234567.89", "CHF", "CHF 1,234,567.89"),
        ("-5", "EUR", "-€5.00"),
        ("0", "USD", "US$0.00"),
    ],
)
def test_money_is_written_with_its_currency_and_cents(amount: str, currency: str, text: str) -> None:
    assert said.money(Decimal(amount), currency) == text


@pytest.mark.parametrize(("date", "text"), [("2026-07-03", "3 July 2026"), ("2028-02-29", "29 February 2028")])
def test_a_day_is_written_without_ambiguity(date: str, text: str) -> None:
    assert said.day(day(date)) == text


@pytest.mark.parametrize(
    ("instant", "zone", "text"),
    [
        ("2026-07-09T22:42:00Z", "Pacific/Auckland", "10 July 2026, 10:42"),
        ("2026-07-09T22:42:00Z", "UTC", "9 July 2026, 22:42 UTC"),
        ("2026-12-31T11:00:00Z", "Pacific/Auckland", "1 January 2027, 00:00"),
    ],
)
def test_a_moment_is_told_by_the_organisations_clock(instant: str, zone: str, text: str) -> None:
    assert said.moment(moment(instant), zone) == text


def test_both_sides_of_a_difference_are_told_in_words() -> None:
    theirs = a_bill(contact_id="contact-2", contact_name="Tūī Trust", total=HALF)
    assert said.sides(decided(billed(bill=theirs)), BOOKS) == [
        ("payee", "Kererū Trust", "Tūī Trust"),
        ("amount", "NZ$15,000.00", "NZ$7,500.00"),
    ]


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        (Field.TAX, None, "none"),
        (Field.TRACKING, (), "none"),
        (Field.TRACKING, (("Region", "North"),), "Region: North"),
        (Field.CONTACT, "new:Kererū Trust", "Kererū Trust"),
        (Field.SENSE, Sense.EXCLUSIVE, "Exclusive"),
        (Field.LINES, 2, "2"),
        (Field.TOTAL, Decimal(0), "NZ$0.00"),
    ],
)
def test_each_kind_of_value_has_its_words(field: Field, value: object, text: str) -> None:
    assert said.show(field, value, "NZD") == text


def test_fields_are_listed_in_words() -> None:
    assert said.fields_in_words([Field.DATE, Field.CONTACT, Field.TOTAL]) == "payee, amount and date"
    assert said.fields_in_words([Field.DATE]) == "date"
    assert said.fields_in_words([]) == ""


def test_both_currencies_are_named_when_they_differ() -> None:
    decision = decided(billed(bill=a_bill(currency="AUD", total=HALF)))
    assert ("amount", "NZ$15,000.00", "A$7,500.00") in said.sides(decision, BOOKS)


def test_an_unlinked_bill_that_is_paid_and_not_wanted_is_told_with_its_money() -> None:
    paid = replace(TWICE[1], status=Status.PAID, paid=AMOUNT)
    decision = decided(unbilled(a_milestone(cancelled=True), ours=(TWICE[0], paid)))
    assert said.explain(decision, BOOKS) == (
        "The milestone was cancelled, but NZ$15,000.00 of its bill GRANT-M1 is already paid or credited."
    )


def test_a_bill_that_was_just_adopted_is_told_by_its_number() -> None:
    decision = decided(unbilled(DEARER, ours=(a_bill(number="INV-9"),)))
    assert "The bill INV-9 was linked" in said.explain(decision, BOOKS)


@pytest.mark.parametrize(
    ("bill", "text"),
    [
        (a_bill(status=Status.DRAFT), "draft"),
        (a_bill(), "awaiting approval"),
        (a_bill(status=Status.AUTHORISED), "approved, unpaid"),
        (a_bill(status=Status.AUTHORISED, paid=HALF), "approved, NZ$7,500.00 applied"),
        (a_bill(status=Status.PAID, paid_on=day("2026-07-03")), "paid on 3 July 2026"),
        (a_bill(status=Status.PAID), "paid"),
        (a_bill(status=Status.VOIDED), "voided"),
    ],
    ids=lambda each: str(each)[:12],
)
def test_the_state_of_a_bill_is_told_in_words(bill: object, text: str) -> None:
    assert said.bill_state(bill) == text


def test_the_link_to_a_bill_names_the_organisation_and_is_left_out_without_one() -> None:
    known = an_organisation()
    link = said.bill_link(known, BOOKS, "bill-1")
    assert link.startswith("https://go.xero.com/organisationlogin/default.aspx?shortcode=!abc12&")
    assert link.endswith("InvoiceID=bill-1")
    assert said.bill_link(replace(known, web_url="http://127.0.0.1:9900"), BOOKS, "b").startswith("http://127.0.0.1:")
    assert said.bill_link(known, replace(BOOKS, short_code=""), "bill-1") == said.bill_link(known, BOOKS, "") == ""


def test_each_choice_has_a_label_and_an_effect() -> None:
    decision = decided(unbilled(), an_organisation(), some_books(period_lock=day("2026-07-01")))
    for kind in Choose:
        assert said.choice_label(kind)
        assert said.choice_effect(kind, decision, BOOKS).endswith(".")
    assert "The first open day is 2 July 2026." in said.choice_effect(Choose.DATE, decision, BOOKS)
    assert dt.date(2026, 7, 2) == decision.verdict.proposed
