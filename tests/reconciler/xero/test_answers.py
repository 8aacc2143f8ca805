"""Each status means one thing to a read and perhaps another to a write."""

import json

import pytest
from msgspec.structs import replace

from reconciler.errors import (
    BadRequest,
    ConnectionLost,
    OutcomeUnknown,
    Unavailable,
    UnreadableAnswer,
    XeroError,
)
from reconciler.records import Element
from reconciler.xero.answers import checked, said
from reconciler.xero.http import Answer
from reconciler.xero.outcomes import outcomes
from reconciler.xero_port import Outcome

from .conftest import write

NIL = "00000000-0000-0000-0000-000000000000"
LOCKED = "The document date cannot be before the period lock date, currently set at 30-Nov-2018"
MISSING = b"The resource you're looking for cannot be found"


def answer(status: int, body: bytes | dict[str, object] = b"", **headers: str) -> Answer:
    named = {"xero-correlation-id": "corr-1"} | {name.replace("_", "-"): value for name, value in headers.items()}
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer("GET /Invoices", status, named, raw)


@pytest.mark.parametrize(
    ("status", "to_a_read", "to_a_write"),
    [
        (302, UnreadableAnswer, OutcomeUnknown),
        (400, BadRequest, BadRequest),
        (401, ConnectionLost, ConnectionLost),
        (403, ConnectionLost, ConnectionLost),
        (405, UnreadableAnswer, BadRequest),
        (408, UnreadableAnswer, OutcomeUnknown),
        (412, BadRequest, BadRequest),
        (500, Unavailable, OutcomeUnknown),
        (501, Unavailable, OutcomeUnknown),
        (503, Unavailable, OutcomeUnknown),
    ],
)
def test_a_status_has_its_error(status: int, to_a_read: type[XeroError], to_a_write: type[XeroError]) -> None:
    for writes, kind in ((False, to_a_read), (True, to_a_write)):
        with pytest.raises(kind) as caught:
            checked(answer(status), writes=writes)
        assert type(caught.value) is kind
        assert caught.value.correlation == "corr-1"


@pytest.mark.parametrize("status", [200, 204])
def test_success_is_handed_back(status: int) -> None:
    assert checked(answer(status), writes=True).status == status


def test_only_a_500_spends_the_idempotency_key() -> None:
    for status, cached in ((500, True), (503, False), (502, False)):
        with pytest.raises(OutcomeUnknown) as caught:
            checked(answer(status), writes=True)
        assert caught.value.cached is cached


def test_a_key_that_was_used_for_another_request_is_spent() -> None:
    body = {"Type": "ValidationException", "Message": "Idempotency Key: k is used with a different request."}
    with pytest.raises(OutcomeUnknown) as caught:
        checked(answer(400, body), writes=True)
    assert caught.value.cached


def test_a_400_to_a_write_that_names_elements_is_handed_back_and_to_a_read_it_is_not() -> None:
    body = {"Message": "A validation exception occurred", "Elements": [{}]}
    assert checked(answer(400, body), writes=True).status == 400
    with pytest.raises(BadRequest, match="A validation exception occurred"):
        checked(answer(400, body), writes=False)


def test_a_missing_scope_is_told_from_a_lost_organisation() -> None:
    with pytest.raises(ConnectionLost, match="scope"):
        checked(answer(403, {"Detail": "insufficient_scope"}), writes=False)
    with pytest.raises(ConnectionLost, match="scope"):
        checked(answer(403, www_authenticate='Bearer error="insufficient_scope"'), writes=False)
    with pytest.raises(ConnectionLost, match="no longer"):
        checked(answer(403, {"Detail": "AuthenticationUnsuccessful"}), writes=False)


def test_a_404_is_handed_back_when_xero_itself_speaks() -> None:
    assert checked(answer(404, b"{}"), writes=False).status == 404
    bare = Answer("GET /Invoices", 404, {"content-type": "text/html; charset=utf-8"}, MISSING)
    assert checked(bare, writes=False).status == 404


def test_a_404_of_somebody_else_is_no_word_about_the_bill() -> None:
    with pytest.raises(UnreadableAnswer):
        checked(Answer("GET /Invoices", 404, {"content-type": "text/html"}, b"<h1>nginx</h1>"), writes=False)


def test_a_404_to_a_write_means_that_nothing_was_done() -> None:
    with pytest.raises(BadRequest):
        checked(answer(404, MISSING), writes=True)


@pytest.mark.parametrize(
    ("body", "content_type", "words"),
    [
        (b'{"Type":null,"Title":"Unauthorized","Detail":"TokenExpired: x"}', "application/json", "TokenExpired: x"),
        (b'{"Message":"A  bad\\nthing"}', "application/json", "A bad thing"),
        (b"The Xero API is currently\n offline", "text/html", "The Xero API is currently offline"),
        (b"\x00\xff", "application/octet-stream", ""),
        (b"", "", ""),
    ],
)  # fmt: skip
def test_xeros_own_words_are_passed_on(body: bytes, content_type: str, words: str) -> None:
    assert said(answer(503, body, content_type=content_type)) == words


def test_words_without_end_are_cut() -> None:
    assert len(said(answer(503, b"x" * 100_000, content_type="text/html"))) == 300


def elements(*numbers: str) -> list[Element]:
    return [Element(number, write(number), 1, 1) for number in numbers]


def result(*echoes: dict[str, object], status: int = 200, name: str = "Invoices") -> Answer:
    return answer(status, {name: list(echoes)})


def test_each_element_has_its_own_outcome_in_order() -> None:
    bad = {"InvoiceID": NIL, "HasErrors": True, "ValidationErrors": [{"Message": LOCKED}], "InvoiceNumber": "B"}
    good = {"InvoiceID": "b-1", "HasErrors": False, "StatusAttributeString": "OK", "InvoiceNumber": "A"}
    assert outcomes(result(good, bad), elements("A", "B")) == [Outcome("b-1"), Outcome("", (LOCKED,))]


def test_a_400_with_elements_reads_like_a_200() -> None:
    bad = {"InvoiceID": NIL, "ValidationErrors": [{"Message": LOCKED}]}
    assert outcomes(result(bad, status=400, name="Elements"), elements("A")) == [Outcome("", (LOCKED,))]


def test_messages_are_found_on_bill_contact_and_lines_each_once() -> None:
    echo = {
        "ValidationErrors": [{"Message": "one"}, {"Message": "two"}],
        "Contact": {"ValidationErrors": [{"Message": "three"}]},
        "LineItems": [{"ValidationErrors": [{"Message": "two"}, {}]}, {"ValidationErrors": [{"Message": "four"}]}],
    }
    assert outcomes(result(echo), elements("A"))[0].messages == ("one", "two", "three", "four")


@pytest.mark.parametrize("sign", [{"HasErrors": True}, {"HasErrors": "true"}, {"StatusAttributeString": "ERROR"}])
def test_a_refusal_without_words_is_still_a_refusal(sign: dict[str, object]) -> None:
    assert outcomes(result({"InvoiceID": "b-1", **sign}), elements("A"))[0].refused


def test_warnings_refuse_nothing() -> None:
    echo = {"InvoiceID": "b-1", "StatusAttributeString": "WARNING", "Warnings": [{"Message": "hm"}]}
    assert not outcomes(result(echo), elements("A"))[0].refused


@pytest.mark.parametrize(
    "given",
    [
        result(),
        result({"InvoiceID": "b-1"}, {"InvoiceID": "b-2"}),
        result({"InvoiceID": "b-1", "InvoiceNumber": "other"}),
        result({"InvoiceID": NIL}),
        result({}),
        answer(200, b""),
        answer(200, b"<html>"),
        answer(200, b'{"Invoices":{}}'),
    ],
)
def test_an_answer_that_does_not_speak_of_exactly_these_elements_leaves_the_outcome_unknown(given: Answer) -> None:
    with pytest.raises(OutcomeUnknown) as caught:
        outcomes(given, elements("A"))
    assert caught.value.cached


def test_an_update_is_answered_for_the_bill_that_was_named() -> None:
    asked = [Element("A", replace(write(), bill_id="B-1"), 1, 1)]
    assert outcomes(result({"InvoiceID": "b-1"}), asked) == [Outcome("b-1")]
    with pytest.raises(OutcomeUnknown):
        outcomes(result({"InvoiceID": "b-2"}), asked)
