"""The dashboard's pages: they show what is, act only for those who may, and only on what they showed."""

import pytest
from browser import text
from dashboards import VERA, Office, bulk, inside

from receiver.dashboard.states import State, reasons_of, state_of
from reconciler.errors import StorageError
from reconciler.reasons import Choose, Reason

ONE = "/milestones/example/M-0412"
KEEP = {"kind": "keep", "fingerprint": "f1"}


def test_the_overview_counts_by_state_and_says_what_is_owed() -> None:
    seen = text(inside().get())
    assert "1 waits for a person" in seen
    assert "3 paid" in seen
    assert "Mails to send: 2 the oldest for 3 hours" in seen
    assert "Calls to Xero 947 left today" in seen


def test_filters_reach_the_office_as_reasons_text_and_place() -> None:
    browser = inside()
    browser.get("/milestones?organisation=example&state=paid&text=choir&after=example/M-1/2")
    organisations, _, after, reasons, words = browser.office.asked[-1]
    assert (list(organisations), after, reasons, words) == (["example"], ("example", "M-1/2"), {Reason.PAID}, "choir")
    browser.get("/milestones?state=paid&reason=BILL_APPROVED")
    assert browser.office.asked[-1][3] == frozenset()


def test_every_reason_has_one_state_and_every_state_some_reason() -> None:
    assert {state_of(reason) for reason in (None, *Reason)} == set(State)
    assert sum(len(reasons_of(state)) for state in State) == len(Reason) + 1


def test_a_milestone_s_page_shows_both_sides_and_when_it_is_paid() -> None:
    seen = text(inside().get(ONE))
    assert "Amount NZ$15,000.00 NZ$12,000.00 differs" in seen
    assert "Approved; due on 20 July 2026. Stuck: milestone changed after approval." in seen
    assert "Keep what Xero has" in seen


def test_whoever_may_only_look_is_offered_nothing_and_cannot_act() -> None:
    browser = inside(VERA)
    for path in ("/milestones", ONE, "/exemptions"):
        assert "<button>Log out" not in browser.get(path).text.replace(' class="link"', "").replace("Log out", "", 1)
        assert not {"Resync", "Undo", "Review, then confirm"} & set(text(browser.get(path)).split("  "))
    answer = browser.post("/milestones", bulk(browser, step="confirm", fingerprint="f1"))
    assert answer.status_code == 403
    assert browser.office.acts == []


def test_a_choice_is_reviewed_and_then_made_in_the_user_s_name() -> None:
    browser = inside()
    review = browser.post(ONE, {**KEEP, "csrf": browser.token(), "step": "review", "by": "somebody else"})
    assert "Keep what Xero has? " in text(review)
    assert browser.office.acts == []
    done = browser.post(ONE, {**KEEP, "csrf": browser.token(), "step": "confirm", "by": "somebody else"})
    assert "Done: Keep what Xero has" in text(done)
    ((organisation, keys, choice, fingerprint),) = browser.office.acts
    assert (organisation, keys, fingerprint) == ("example", ("M-0412",), "f1")
    assert (choice.kind, choice.by) == (Choose.KEEP, "ana")


@pytest.mark.parametrize("step", ["review", "confirm"])
def test_a_choice_on_other_facts_than_shown_is_not_made(step: str) -> None:
    browser = inside()
    answer = browser.post(ONE, {**KEEP, "fingerprint": "older", "csrf": browser.token(), "step": step})
    assert answer.status_code == 409
    assert "Nothing was done" in text(answer)
    assert browser.office.acts == []


def test_facts_that_change_while_acting_are_told() -> None:
    browser = inside(office=Office(changed=True))
    answer = browser.post(ONE, {**KEEP, "csrf": browser.token(), "step": "confirm"})
    assert answer.status_code == 409
    several = browser.post("/milestones", bulk(browser, step="confirm", fingerprint="f1"))
    assert several.status_code == 409
    assert "Nothing was done" in text(several)


def test_ticked_milestones_are_reviewed_and_then_resynced() -> None:
    browser = inside()
    review = browser.post("/milestones", bulk(browser))
    assert "Resync now? " in text(review)
    assert browser.office.acts == []
    browser.post("/milestones", bulk(browser, step="confirm", fingerprint="f1"))
    ((_, keys, choice, _),) = browser.office.acts
    assert (keys, choice.kind, choice.by) == (["M-0412"], Choose.RESYNC, "ana")


@pytest.mark.parametrize("more", [{"keys": []}, {"keys": "example/NOBODY"}, {"kind": "overwrite"}, {"kind": ""}])
def test_a_bulk_action_without_milestones_or_of_another_kind_does_nothing(more: dict[str, object]) -> None:
    browser = inside()
    assert browser.post("/milestones", bulk(browser, **more)).status_code == 422
    assert browser.office.acts == []


def test_an_exemption_of_many_needs_a_reason_and_a_real_day() -> None:
    browser = inside()
    form = bulk(browser, kind="exempt", step="confirm", fingerprint="f1", until="soon")
    answer = browser.post("/milestones", form)
    assert answer.status_code == 422
    assert "Say why" in text(answer)
    assert "Give a day" in text(answer)
    browser.post("/milestones", form | {"reason": " Paid  in kind ", "until": "2030-01-01"})
    ((_, _, choice, _),) = browser.office.acts
    assert (choice.reason, str(choice.until)) == ("Paid in kind", "2030-01-01")


def test_an_exemption_is_undone_in_the_user_s_name() -> None:
    browser = inside()
    assert "Paid in kind" in text(browser.get("/exemptions"))
    answer = browser.post("/exemptions", {"csrf": browser.token(), "place": "example/M-0412"})
    assert answer.headers["location"] == ONE
    assert browser.office.ended == [("example", "M-0412", "ana")]


@pytest.mark.parametrize("path", ["/milestones/example/NO", "/milestones/other/M-0412"])
def test_what_does_not_exist_is_told_so(path: str) -> None:
    assert inside().get(path).status_code == 404


def test_a_day_that_is_none_is_told_so() -> None:
    answer = inside().get("/forecast?lock=30+June")
    assert answer.status_code == 422
    assert "Give a day as year-month-day" in text(answer)


def test_trouble_is_one_sentence() -> None:
    browser = inside()
    browser.office.trouble = StorageError("The database is full.")
    answer = browser.get()
    assert answer.status_code == 503
    assert "The database is full." in text(answer)


def test_pages_carry_the_headers_of_the_others_and_let_forms_say_where_they_come_from() -> None:
    headers = inside().get("/milestones").headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
