"""The page behind a link: it shows what is, asks twice, and only the second answer does anything."""

import dataclasses
import datetime as dt
import re

import desk
import pytest
from browser import KEEP, TOKEN, at, text

from receiver.ports import Changed, LinkRefused
from reconciler.errors import InputError, StorageError, Unavailable
from reconciler.reasons import Choose, Reason
from reconciler.records import Flag


def test_the_page_tells_what_differs_and_what_is_the_same() -> None:
    seen = text(at().get())
    assert "Example Choir: milestone changed after approval" in seen
    assert "Amount NZ$15,000.00 NZ$12,000.00 differs" in seen
    assert "Payee, date, due date, description, account and tax type: the same." in seen
    assert "GR-M-0412, approved, unpaid, dated 3 July 2026" in seen
    assert "If nobody acts, NZ$12,000.00 falls due on 20 July 2026." in seen
    assert "Checked in Xero 9 July 2026, 10:42" in seen
    assert "Keep what Xero has" in seen


def test_the_page_leads_to_the_papers_and_to_the_bill() -> None:
    found = dict(re.findall(r'<a href="([^"]+)" rel="noreferrer">([^<]+)</a>', at().get().text))
    assert set(found.values()) == {"Milestone", "Application", "Contract", "Bill in Xero"}
    assert next(url for url, name in found.items() if name == "Bill in Xero").endswith(desk.BILL_ID)


def test_names_keep_their_capitals() -> None:
    sheet = desk.sheet(desk.flag(Reason.CHANGED_IN_XERO, bill=desk.BILL))
    assert "<title>Changed in Xero · billwatch</title>" in at(sheet=sheet).get().text


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_does_nothing_however_often(method: str) -> None:
    browser = at()
    for path in (TOKEN, f"{TOKEN}?step=confirm&kind=keep&by=Ann&fingerprint=f1", f"{TOKEN}?only=M-0412"):
        assert browser.ask(method, path).status_code == 200
    assert browser.desk.acts == browser.desk.renewed == []


def test_a_review_repeats_the_choice_and_does_nothing() -> None:
    browser = at()
    answer = browser.post({**KEEP, "step": "review"})
    assert answer.status_code == 200
    assert "Keep what Xero has? NZ$12,000.00 stays. Nothing is written; no more warnings" in text(answer)
    assert 'name="fingerprint" value="f1"' in answer.text
    assert browser.desk.acts == []


def test_the_review_s_own_fields_make_the_choice() -> None:
    browser = at()
    review = browser.post({**KEEP, "step": "review", "by": "  Ann   Example "})
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', review.text)
    answer = browser.post({**dict(hidden), "step": "confirm"})
    assert answer.status_code == 200
    assert "Approved. The bill is approved, and nothing is left to write." in text(answer)
    ((token, choice, keys),) = browser.desk.acts
    assert (token, keys) == ("tok3n", ("M-0412",))
    assert (choice.kind, choice.by, choice.at) == (Choose.KEEP, "Ann Example", desk.NOW)
    assert choice.address == "accountant@example.org"


def test_going_back_from_the_review_keeps_what_was_typed() -> None:
    answer = at().post({**KEEP, "step": "edit"})
    assert 'value="Ann"' in answer.text
    assert re.search(r'value="keep"[^>]* checked', answer.text)


def test_a_second_submit_tells_the_result_again_and_does_nothing_more() -> None:
    browser = at()
    form = {**KEEP, "keys": "M-0412"}
    first, again = browser.post(form), browser.post(form)
    assert (first.status_code, again.status_code) == (200, 200)
    assert all("How things stand now" in answer.text for answer in (first, again))
    assert len(browser.desk.acts) == 1


@pytest.mark.parametrize("other", [{"by": "Ben"}, {"kind": "exempt", "reason": "Paid in kind"}])
def test_another_choice_after_the_first_hears_of_it_and_does_nothing(other: dict[str, str]) -> None:
    browser = at()
    browser.post(KEEP)
    answer = browser.post({**KEEP, **other})
    assert answer.status_code == 410
    assert "This is decided" in text(answer)
    assert "Ann kept what Xero has." in text(answer)
    assert len(browser.desk.acts) == 1


def test_a_page_that_is_out_of_date_says_which_milestone_left_changed_or_came() -> None:
    sheet = desk.locked(3)
    keys = [d.case.milestone.key for d in sheet.items]
    gone = Flag(7, "example", "M-0001", Reason.PERIOD_LOCKED, desk.NOW, None, desk.NOW, "resolved: nothing is left")
    sheet = dataclasses.replace(sheet, prints=dict.fromkeys(keys, "p"), closed=(gone,))
    seen = ["p M-0001", f"q {keys[0]}", f"p {keys[1]}"]
    answer = at(sheet=sheet).post({**KEEP, "fingerprint": "of yesterday", "seen": seen})
    assert answer.status_code == 409
    told = f"Not open any more: M-0001 (resolved: nothing is left). Changed: {keys[0]}. New: {keys[2]}."
    assert told in text(answer)


def test_a_locked_date_is_refused_at_once_with_the_first_open_day() -> None:
    browser = at(sheet=desk.locked(1))
    answer = browser.post({**KEEP, "step": "review", "kind": "date", "date": "2026-06-30"})
    assert answer.status_code == 422
    assert "30 June 2026 is locked too" in text(answer)
    assert "The first open day is 1 July 2026." in text(answer)


def test_a_bill_named_by_its_number_is_shown_before_anything_is_confirmed() -> None:
    browser = at(sheet=desk.sheet(desk.flag(Reason.BILL_VOIDED)))
    answer = browser.post({**KEEP, "step": "review", "kind": "replaced-by", "other": "INV-77"})
    assert answer.status_code == 200
    assert "INV-77, NZ$12,000.00, 3 July 2026, Example Choir, approved, unpaid" in text(answer)
    assert f'name="bill" value="{desk.OTHER_ID}"' in answer.text


def test_who_says_that_it_is_voided_need_not_confirm_and_hears_what_xero_says() -> None:
    sheet = desk.sheet(desk.flag(Reason.BILL_NOT_WANTED, bill=desk.BILL, others=(desk.BILL_ID,)))
    voided = {**KEEP, "step": "review", "kind": "voided"}
    agreed = at(sheet=sheet, after=Reason.WITHDRAWN)
    assert "How things stand now" in text(agreed.post(voided))
    assert agreed.desk.acts[0][1].kind is Choose.VOIDED
    answer = at(sheet=sheet, error=InputError("Xero, asked just now, still has the bill.")).post(voided)
    assert answer.status_code == 422
    assert "still has the bill" in text(answer)


def test_a_reminder_is_for_a_day_that_is_shown_and_confirmed() -> None:
    browser = at()
    assert 'name="on" value="2026-07-16"' in browser.get().text
    remind = {**KEEP, "kind": "remind", "on": "2026-07-20"}
    assert "Remind on 20 July 2026" in text(browser.post({**remind, "step": "review"}))
    assert "It is quiet until then" in text(browser.post(remind))
    assert browser.desk.acts[0][1].until == dt.date(2026, 7, 20)


@pytest.mark.parametrize("on", ["", "2026-07-09", "soon"])
def test_a_reminder_for_no_day_or_a_day_gone_by_is_refused(on: str) -> None:
    browser = at()
    assert browser.post({**KEEP, "step": "review", "kind": "remind", "on": on}).status_code == 422


@pytest.mark.parametrize("missing", ["fingerprint", "step"])
def test_a_form_without_fingerprint_or_step_is_refused(missing: str) -> None:
    browser = at()
    answer = browser.post({name: value for name, value in KEEP.items() if name != missing})
    assert answer.status_code == 400
    assert "Nothing was done" in text(answer)
    assert browser.desk.acts == []


@pytest.mark.parametrize("step", ["review", "confirm"])
def test_changed_facts_are_shown_again_and_nothing_is_done(step: str) -> None:
    browser = at()
    answer = browser.post({**KEEP, "step": step, "fingerprint": "of yesterday"})
    assert answer.status_code == 409
    assert "The facts changed since this page was shown. Nothing was done" in text(answer)
    assert browser.desk.acts == []


def test_facts_that_change_at_the_last_moment_are_shown_again() -> None:
    answer = at(error=Changed()).post(KEEP)
    assert answer.status_code == 409
    assert "The facts changed" in text(answer)


WRONG: dict[str, tuple[desk.Sheet, dict[str, str], str]] = {
    "no name": (desk.changed(), {"by": " "}, "Say who decides"),
    "long name": (desk.changed(), {"by": "x" * 101}, "Say who decides"),
    "no choice": (desk.changed(), {"kind": ""}, "Choose one of these"),
    "unknown choice": (desk.changed(), {"kind": "burn"}, "Choose one of these"),
    "choice not on offer": (desk.changed(), {"kind": "bill-again"}, "Choose one of these"),
    "exempt without reason": (desk.changed(), {"kind": "exempt"}, "Say why"),
    "exempt until never": (desk.changed(), {"kind": "exempt", "reason": "r", "until": "never"}, "Give a day"),
    "no date": (desk.locked(1), {"kind": "date", "date": ""}, "Give a day"),
    "bad date": (desk.locked(1), {"kind": "date", "date": "1/7/2026"}, "Give a day"),
    "no milestone": (desk.locked(2), {"kind": "resync", "keys": "M-9999"}, "Tick at least one milestone"),
    "no bill": (
        desk.sheet(desk.flag(Reason.BILL_VOIDED)),
        {"kind": "replaced-by", "other": "INV-1"},
        "“INV-1” does not name one bill",
    ),
    "unoffered bill": (
        desk.sheet(desk.flag(Reason.BILL_VOIDED)),
        {"kind": "replaced-by", "bill": "x"},
        "“x” does not name one bill",
    ),
}


@pytest.mark.parametrize("step", ["review", "confirm"])
@pytest.mark.parametrize(("sheet", "change", "sentence"), WRONG.values(), ids=WRONG)
def test_an_incomplete_form_is_shown_again_with_the_sentence(
    sheet: desk.Sheet, change: dict[str, str], sentence: str, step: str
) -> None:
    browser = at(sheet=sheet)
    answer = browser.post({**KEEP, "step": step, **change})
    assert answer.status_code == 422
    assert len(re.findall(rf'class="blame"[^>]*>[^<]*{sentence}', answer.text)) >= 1
    assert browser.desk.acts == []


def test_what_the_desk_does_not_accept_is_said_beside_the_field() -> None:
    answer = at(sheet=desk.locked(1), error=InputError("1 June 2026 is locked too.")).post(
        {**KEEP, "kind": "date", "date": "2026-06-01"}
    )
    assert answer.status_code == 422
    assert '<p class="blame" id="blame-date">1 June 2026 is locked too.</p>' in answer.text


def test_a_date_can_be_chosen_and_the_first_open_day_is_proposed() -> None:
    browser = at(sheet=desk.locked(1))
    assert 'name="date" value="2026-07-01"' in browser.get().text
    browser.post({**KEEP, "kind": "date", "date": "2026-07-05"})
    assert browser.desk.acts[0][1].date == dt.date(2026, 7, 5)


def test_an_exemption_needs_a_reason_and_may_end() -> None:
    browser = at()
    browser.post({**KEEP, "kind": "exempt", "reason": "paid by hand", "until": "2026-12-31"})
    choice = browser.desk.acts[0][1]
    assert (choice.kind, choice.reason, choice.until) == (Choose.EXEMPT, "paid by hand", dt.date(2026, 12, 31))


def test_a_bill_can_be_chosen_from_those_found() -> None:
    browser = at(sheet=desk.sheet(desk.flag(Reason.POSSIBLE_DUPLICATE, others=(desk.OTHER_ID,))))
    assert "INV-77, NZ$12,000.00, 3 July 2026, Example Choir, approved, unpaid" in text(browser.get())
    browser.post({**KEEP, "kind": "link", "bill": desk.OTHER_ID})
    assert browser.desk.acts[0][1].bill_id == desk.OTHER_ID


def test_a_bill_can_be_named_by_its_address_in_xero() -> None:
    browser = at(sheet=desk.sheet(desk.flag(Reason.BILL_VOIDED)))
    address = f"https://go.xero.com/AccountsPayable/View.aspx?InvoiceID={desk.OTHER_ID.upper()}"
    browser.post({**KEEP, "kind": "replaced-by", "other": address})
    assert browser.desk.acts[0][1].bill_id == desk.OTHER_ID


@pytest.mark.parametrize(
    ("why", "status", "title"),
    [
        ("unknown", 404, "This link is not known here"),
        ("expired", 410, "This link has expired"),
        ("used", 410, "This is decided"),
        ("closed", 410, "Already resolved"),
    ],
)
def test_a_refused_link_says_why(why: str, status: int, title: str) -> None:
    answer = at(refusal=LinkRefused(why)).get()
    assert (answer.status_code, title in text(answer)) == (status, True)
    assert ("Mail a fresh link" in answer.text) is (why == "expired")


@pytest.mark.parametrize(("still_open", "sentence"), [(True, "A fresh link is on its way"), (False, "Nothing is open")])
def test_an_expired_link_mails_a_fresh_one_on_request(still_open: bool, sentence: str) -> None:
    browser = at(refusal=LinkRefused("expired", "accountant@example.org"), open=still_open)
    assert "accountant@example.org" in browser.get().text
    assert browser.desk.renewed == []
    assert sentence in text(browser.post({"step": "renew"}))
    assert browser.desk.renewed == ["tok3n"]


@pytest.mark.parametrize("error", [Unavailable("Xero is down."), StorageError("The database cannot be used.")])
def test_what_cannot_be_done_now_is_said_in_a_sentence(error: Exception) -> None:
    answer = at(error=error).post(KEEP)
    assert answer.status_code == 503
    assert str(error) in text(answer)


def test_a_page_needs_no_script_and_nothing_from_elsewhere() -> None:
    for answer in (at().get(), at(sheet=desk.locked()).get(), at().post(KEEP)):
        assert not re.search(r"<(script|img|iframe|object|embed|style)\b", answer.text)
        assert not re.search(r'\s(style|on\w+)="', answer.text)
        assert re.findall(r"<link[^>]+>", answer.text)[0].startswith('<link rel="stylesheet" href="/static/')
        assert 'lang="en"' in answer.text


def test_every_input_has_a_label() -> None:
    for sheet in (desk.changed(), desk.locked(), desk.sheet(desk.flag(Reason.POSSIBLE_DUPLICATE))):
        page = at(sheet=sheet).get().text
        inputs = re.findall(r'<input type="(?!hidden)[^>]*\bid="([^"]+)"', page)
        assert inputs
        assert set(inputs) <= set(re.findall(r'<label for="([^"]+)"', page))
        assert len(inputs) == len(set(inputs))
