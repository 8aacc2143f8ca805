"""The page behind a link: it shows what is, asks twice, and only the second answer does anything."""

import dataclasses
import datetime as dt
import re
from decimal import Decimal

import desk
import pytest
from browser import KEEP, TOKEN, at, text
from msgspec.structs import replace

from receiver.ports import Changed, LinkRefused
from reconciler.errors import InputError, StorageError, Unavailable
from reconciler.model import Status
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


def test_a_group_shows_its_total_and_each_milestone() -> None:
    answer = at(sheet=desk.locked()).get()
    assert "14 milestones: blocked by the period lock" in text(answer)
    assert "NZ$446,250.00 in 14 milestones" in text(answer)
    assert "Xero is locked to 30 June 2026" in text(answer)
    assert len(re.findall(r'type="checkbox" name="keys"[^>]* checked', answer.text)) == 14
    assert "Sample River Care NZ$38,750.00 M-0419" in text(answer)


def test_a_group_of_many_causes_is_named_after_none_of_them() -> None:
    voided, locked = desk.sheet(desk.flag(Reason.BILL_VOIDED)), desk.locked()
    answer = at(sheet=dataclasses.replace(locked, items=(*voided.items, *locked.items[:2]))).get()
    assert "3 milestones need a decision" in text(answer)
    assert "What else can be done differs: choose “Decide this one alone” with each." in text(answer)
    assert "Exempt these milestones" in text(answer)


def test_the_review_speaks_of_those_that_are_ticked() -> None:
    exempt = {**KEEP, "kind": "exempt", "reason": "paid by hand", "step": "review"}
    several = {**exempt, "keys": ["M-0419", "M-0418"]}
    assert "Exempt these milestones?" in text(at(sheet=desk.locked()).post(several))
    assert "Exempt this milestone?" in text(at(sheet=desk.locked()).post({**exempt, "keys": ["M-0419"]}))


def test_a_choice_acts_on_the_ticked_milestones_alone() -> None:
    browser = at(sheet=desk.locked())
    form = {**KEEP, "kind": "date", "date": "2026-07-01", "keys": ["M-0419", "M-0418", "M-7777", "M-0418"]}
    assert "These 2 milestones, NZ$78,750.00" in text(browser.post({**form, "step": "review"}))
    browser.post(form)
    assert browser.desk.acts[0][2] == ("M-0418", "M-0419")


def test_one_of_a_group_can_be_decided_alone() -> None:
    browser = at(sheet=desk.locked())
    alone = f"{TOKEN}?only=M-0420"
    assert "Example Kura: blocked by the period lock" in text(browser.get(alone))
    browser.post({**KEEP, "kind": "date", "date": "2026-07-01"}, alone)
    assert browser.desk.acts[0][2] == ("M-0420",)


def test_after_a_part_of_the_group_the_result_leads_to_the_rest() -> None:
    form = {**KEEP, "kind": "date", "date": "2026-07-01", "keys": ["M-0418"]}
    assert "See what else" in text(at(sheet=desk.locked()).post(form))
    assert "See what else" not in text(at().post(KEEP))


def test_what_is_still_open_after_a_choice_is_not_called_done() -> None:
    for after in (Reason.PERIOD_LOCKED, Reason.XERO_UNAVAILABLE):
        assert "Recorded, but still open" in text(at(after=after).post(KEEP))


BACK, REST = "Back to all milestones", "See what else"


def test_only_where_there_are_others_the_page_of_one_leads_back_to_them() -> None:
    group, one = at(sheet=desk.locked()), at()
    (key,) = (decision.case.milestone.key for decision in desk.changed().items)
    assert BACK in text(group.get(f"{TOKEN}?only=M-0420"))
    assert BACK not in text(one.get(f"{TOKEN}?only={key}"))
    assert REST in text(group.post({**KEEP, "kind": "date", "date": "2026-07-01"}, f"{TOKEN}?only=M-0420"))
    assert REST not in text(one.post(KEEP, f"{TOKEN}?only={key}"))


@pytest.mark.parametrize("sheet", [desk.locked(), desk.changed()], ids=["several", "one"])
def test_a_milestone_that_the_link_is_not_about_is_not_shown_and_that_is_said(sheet: desk.Sheet) -> None:
    answer = at(sheet=sheet).get(f"{TOKEN}?only=M-9999")
    assert "The mail was not about the milestone that this address names." in text(answer)
    assert "M-9999" not in text(answer)
    assert BACK not in text(answer)
    assert "The mail was not about" not in text(at(sheet=sheet).get())


def test_of_a_milestone_that_is_not_open_any_more_the_page_of_it_says_why_and_shows_the_others() -> None:
    gone = Flag(7, "example", "M-0001", Reason.PERIOD_LOCKED, desk.NOW, None, desk.NOW, "resolved: nothing is left")
    browser = at(sheet=dataclasses.replace(desk.locked(3), closed=(gone,)))
    alone = f"{TOKEN}?only=M-0001"
    shown = text(browser.get(alone))
    assert "Not open any more: M-0001 (resolved: nothing is left). Here is what is still open of the mail." in shown
    assert "3 milestones" in shown
    late = text(browser.post({**KEEP, "fingerprint": "of yesterday", "seen": ["p M-0001"]}, alone))
    assert "Nothing was done; please look again. Not open any more: M-0001 (resolved: nothing is left)." in late
    assert "New:" not in late


def test_only_choices_that_fit_every_milestone_are_offered() -> None:
    pair = desk.sheet(*(desk.flag(Reason.BILL_VOIDED, milestone=replace(desk.MILESTONE, key=k)) for k in ("a", "b")))
    offered = re.findall(r'name="kind" id="[^"]+" value="([^"]+)"', at(sheet=pair).get().text)
    assert offered == ["bill-again", "remind", "exempt"]


def test_different_explanations_stand_with_their_milestones() -> None:
    bills = [replace(desk.BILL, number=number, status=Status.VOIDED) for number in ("A-1", "B-2")]
    items = [
        desk.flag(Reason.BILL_VOIDED, milestone=replace(desk.MILESTONE, key=bill.number), bill=bill) for bill in bills
    ]
    seen = text(at(sheet=desk.sheet(*items)).get())
    assert "The bill A-1 of NZ$12,000.00 was voided" in seen
    assert "The bill B-2 of NZ$12,000.00 was voided" in seen


def test_currencies_are_never_added_up() -> None:
    pair = desk.sheet(
        desk.flag(Reason.BILL_VOIDED),
        desk.flag(
            Reason.BILL_VOIDED, milestone=replace(desk.MILESTONE, key="b", currency="AUD", amount=Decimal("0.10"))
        ),
    )
    assert "NZ$15,000.00 + A$0.10 in 2 milestones" in text(at(sheet=pair).get())


def test_a_milestone_that_is_resolved_by_now_leaves_nothing_to_decide() -> None:
    empty = desk.sheet()
    assert "Nothing to decide" in text(at(sheet=empty).get())
    assert at(sheet=empty).post(KEEP).status_code == 200


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
