"""What comes from elsewhere is shown as text, and what nobody would type does nothing."""

import dataclasses
from collections.abc import Iterator

import desk
import httpx
import pytest
from browser import KEEP, TOKEN, Browser, at, text
from msgspec.structs import replace

from receiver.app import create_app
from receiver.pages import LinkPages
from receiver.ports import LinkRefused
from receiver.webhook import Webhook
from reconciler.errors import InputError
from reconciler.model import Links, Tracking
from reconciler.reasons import Reason

MARKUP = "<script>alert('x')</script>\"><b>"
TRACK: Tracking = ((MARKUP, MARKUP),)


def _marked() -> desk.Sheet:
    milestone = replace(
        desk.MILESTONE,
        key=MARKUP,
        title=MARKUP,
        payee=MARKUP,
        currency=MARKUP,
        description=MARKUP,
        links=Links(*[f"https://x/{MARKUP}"] * 3),
    )
    bill = replace(desk.BILL, number=MARKUP, contact_name=MARKUP, bill_id=MARKUP, currency=MARKUP)
    ours = replace(
        desk.TERMS, contact=MARKUP, currency=MARKUP, description=MARKUP, account=MARKUP, tax=MARKUP, tracking=TRACK
    )
    decision = desk.flag(
        Reason.REFUSED,
        milestone=milestone,
        bill=bill,
        message=MARKUP,
        ours=ours,
        theirs=desk.TERMS,
        fields=frozenset(desk.Field),
    )
    organisation = replace(desk.ORGANISATION, name=MARKUP)
    return dataclasses.replace(desk.sheet(decision), organisation=organisation, fingerprint=MARKUP, address=MARKUP)


def _pages_with_markup() -> Iterator[httpx.Response]:
    sheet = _marked()
    form = {"fingerprint": MARKUP, "kind": "resync", "by": MARKUP, "reason": MARKUP, "other": MARKUP, "bill": MARKUP}
    yield at(sheet=sheet).get()
    yield at(sheet=dataclasses.replace(sheet, items=sheet.items * 2)).get()
    for step in ("edit", "review", "confirm", MARKUP):
        yield at(sheet=sheet).post({**form, "step": step})
    yield at(sheet=sheet).post({**form, "step": "review", "by": ""})
    yield at(sheet=sheet, error=InputError(MARKUP)).post({**form, "step": "confirm"})
    yield at(refusal=LinkRefused("expired", MARKUP, MARKUP)).get()
    yield at(refusal=LinkRefused(MARKUP)).get()


def test_markup_in_any_field_is_shown_as_text() -> None:
    for answer in _pages_with_markup():
        assert "<script" not in answer.text
        assert "<b>" not in answer.text
        assert "onerror" not in answer.text


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//evil", "http://[", "ftp://x"])
def test_an_address_that_is_not_of_the_web_makes_no_link(url: str) -> None:
    sheet = desk.sheet(desk.flag(Reason.BILL_VOIDED, milestone=replace(desk.MILESTONE, links=Links(url, url, url))))
    assert url not in at(sheet=sheet).get().text


def test_a_failure_of_ours_shows_no_traceback() -> None:
    answer = at(error=ZeroDivisionError("secret")).post(KEEP)
    assert answer.status_code == 500
    assert "Something went wrong on our side" in text(answer)
    assert "secret" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_form_that_is_too_large_is_refused() -> None:
    browser = at()
    assert browser.post({**KEEP, "reason": "x" * 20_000}).status_code == 413
    assert browser.desk.acts == []


def test_a_form_with_too_many_fields_is_refused() -> None:
    browser = Browser(desk.HandMade())
    browser._app = create_app(
        Webhook([], None, lambda: desk.NOW),  # type: ignore[arg-type]
        lambda: True,
        LinkPages(browser.desk, lambda: desk.NOW).routes(),
    )
    assert browser.ask("POST", TOKEN, content=b"step=confirm&fingerprint=f1&" + b"k&" * 21_000).status_code == 400
    assert browser.desk.acts == []


def test_bytes_that_are_no_form_are_refused() -> None:
    browser = at()
    assert browser.ask("POST", TOKEN, content=b"\xff\xfe%%%=&&;;").status_code == 400
    assert browser.desk.acts == []
