"""Whatever goes wrong on the way has its own name, and a write that may have arrived is never called undone."""

import base64
import json
import logging
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from reconciler.errors import (
    BadRequest,
    ConnectionLost,
    OutcomeUnknown,
    RateLimited,
    Unavailable,
    UnreadableAnswer,
    XeroError,
)
from reconciler.organisation import Books, Organisation
from reconciler.xero import requests
from reconciler.xero.connections import Connection, Connections
from reconciler.xero.http import Call, Http

from .conftest import KEY, START, Clock, MemoryStore, Reply, Rig, Script, attempt, write

EMPTY = b'{"Invoices":[]}'
SAVED = b'{"Invoices":[{"InvoiceID":"b-1","InvoiceNumber":"G-1","StatusAttributeString":"OK"}]}'


def send(rig: Rig, *, key: str = "key-1") -> Any:
    return rig.client.send(attempt(requests.create([write()]), write(), key=key))


def test_a_call_carries_token_tenant_and_plain_encoding(rig: Rig, script: Script) -> None:
    script.reply(200, EMPTY)
    rig.client.bills(["b-1"])
    [asked] = script.asked
    assert asked.headers["authorization"] == "Bearer access-1"
    assert asked.headers["xero-tenant-id"] == "tenant-1"
    assert (asked.headers["accept"], asked.headers["accept-encoding"]) == ("application/json", "identity")
    assert asked.path == "/api.xro/2.0/Invoices?IDs=b-1&page=1&pageSize=40&unitdp=4"


def test_without_a_tenant_id_no_tenant_is_named(rig: Rig, script: Script) -> None:
    client = rig.connections.client(rig.connection, Organisation("other", "Other"))
    script.reply(200, EMPTY)
    client.bills(["b-1"])
    assert "xero-tenant-id" not in script.asked[0].headers


def test_a_write_sends_exactly_its_bytes_under_its_key(rig: Rig, script: Script) -> None:
    script.reply(200, SAVED)
    made = attempt(requests.create([write()]), write(), key="key-7")
    assert rig.client.send(made)[0].bill_id == "b-1"
    [asked] = script.asked
    assert (asked.method, asked.body, asked.headers["idempotency-key"]) == ("PUT", made.body, "key-7")
    assert asked.path == "/api.xro/2.0/Invoices?summarizeErrors=false&unitdp=4"


def test_a_read_is_tried_three_times_while_xero_is_away(rig: Rig, script: Script) -> None:
    script.reply(503, b"offline")
    script.replies.append(Reply(0))
    script.reply(200, EMPTY)
    assert rig.client.bills(["b-1"]) == []
    assert len(script.asked) == 3


def test_a_read_gives_up_after_three_times_and_says_so(rig: Rig, script: Script) -> None:
    for _ in range(4):
        script.reply(503, b"The Xero API is offline", Content_Type="text/html", xero_correlation_id="corr-9")
    with pytest.raises(Unavailable, match=r"503.*offline") as caught:
        rig.client.bills(["b-1"])
    assert caught.value.correlation == "corr-9"
    assert len(script.asked) == 3


def test_a_write_is_never_repeated_on_its_own(rig: Rig, script: Script) -> None:
    for reply in (Reply(0), Reply(503), Reply(500)):
        script.replies = [reply]
        script.asked.clear()
        with pytest.raises(OutcomeUnknown) as caught:
            send(rig)
        assert caught.value.cached is (reply.status == 500)
        assert len(script.asked) == 1


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"Invoices":[]}', SAVED + SAVED])
def test_a_write_whose_answer_cannot_be_read_has_an_unknown_outcome(rig: Rig, script: Script, body: bytes) -> None:
    script.reply(200, body)
    with pytest.raises(OutcomeUnknown):
        send(rig)


def test_a_write_that_could_not_even_be_sent_was_surely_not_done(
    store: MemoryStore, clock: Clock, script: Script
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    connection = Connection("main", "client_credentials", "id", "s", f"http://127.0.0.1:{port}", script.url)
    with Connections(store, [KEY], clock) as connections:
        client = connections.client(connection, Organisation("trust", "Trust"))
        with pytest.raises(Unavailable, match="could not be reached") as caught:
            client.send(attempt(requests.create([write()]), write()))
    assert caught.value.__context__ is None


def test_a_write_without_a_token_was_not_done(rig: Rig, script: Script) -> None:
    script.tokens = [Reply(503)]
    with pytest.raises(Unavailable):
        send(rig)
    assert script.asked == []


@pytest.fixture
def mute() -> Iterator[str]:
    """The address of a server that listens and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize(("writes", "kind"), [(False, Unavailable), (True, OutcomeUnknown)])
def test_silence_is_ended_by_us(mute: str, clock: Clock, writes: bool, kind: type[XeroError]) -> None:
    http = Http(clock, silence_seconds=0.05)
    try:
        with pytest.raises(kind, match="it did not answer in time"):
            http.exchange(Call("GET", mute, {}, writes=writes))
    finally:
        http.close()


@pytest.mark.parametrize(("writes", "kind"), [(False, Unavailable), (True, OutcomeUnknown)])
def test_an_answer_without_end_is_cut_off(script: Script, clock: Clock, writes: bool, kind: type[XeroError]) -> None:
    http = Http(clock, most_bytes=1_000)
    try:
        script.reply(200, b"x" * 1_000)
        assert len(http.exchange(Call("GET", script.url, {})).body) == 1_000
        script.reply(200, b"x" * 1_001)
        with pytest.raises(kind, match="longer than 1000 bytes"):
            http.exchange(Call("GET", script.url, {}, writes=writes))
    finally:
        http.close()


def test_an_answer_that_drips_on_for_minutes_is_cut_off(script: Script, clock: Clock) -> None:
    http = Http(clock)
    try:
        script.replies.append(Reply(200, b"x", before=lambda: clock.advance(121)))
        with pytest.raises(Unavailable, match="longer than 120 s"):
            http.exchange(Call("GET", script.url, {}))
    finally:
        http.close()


def test_a_sandbox_on_this_machine_is_reached_past_a_proxy(
    script: Script, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    http = Http(clock)
    try:
        script.reply(200, b"here")
        assert http.exchange(Call("GET", script.url, {})).body == b"here"
    finally:
        http.close()


def test_a_redirect_is_not_followed(rig: Rig, script: Script) -> None:
    script.reply(302, b"", Location=f"{script.url}/elsewhere")
    with pytest.raises(UnreadableAnswer, match="302"):
        rig.client.bills(["b-1"])
    assert len(script.asked) == 1


def test_a_refused_token_is_renewed_once_and_the_call_repeated(rig: Rig, script: Script) -> None:
    script.reply(401)
    script.reply(200, SAVED)
    assert send(rig)[0].bill_id == "b-1"
    assert [asked.headers["authorization"] for asked in script.asked] == ["Bearer access-1", "Bearer access-2"]
    assert script.asked[0].body == script.asked[1].body


def test_a_token_refused_twice_means_that_the_connection_is_lost(rig: Rig, script: Script) -> None:
    script.reply(401)
    script.reply(401, b'{"Detail":"AuthenticationUnsuccessful"}')
    with pytest.raises(ConnectionLost, match="AuthenticationUnsuccessful"):
        rig.client.bills(["b-1"])
    assert len(script.asked) == 2


def test_a_long_limit_is_told_at_once_and_no_call_is_made_before_it_ends(rig: Rig, script: Script) -> None:
    script.reply(429, b"", Retry_After="22", X_Rate_Limit_Problem="minute")
    with pytest.raises(RateLimited, match="minute") as caught:
        rig.client.bills(["b-1"])
    assert caught.value.retry_at is not None
    assert (caught.value.retry_at - START).total_seconds() == 22
    with pytest.raises(RateLimited):
        send(rig)
    assert (len(script.asked), rig.waits) == (1, [])
    rig.clock.advance(22)
    script.reply(200, EMPTY)
    assert rig.client.bills(["b-1"]) == []


def test_too_many_calls_at_once_are_waited_out_with_the_same_bytes(rig: Rig, script: Script) -> None:
    script.reply(429, b"", X_Rate_Limit_Problem="concurrent")
    script.reply(200, SAVED)
    assert send(rig)[0].bill_id == "b-1"
    assert rig.waits == [1.0]
    assert script.asked[0].headers["idempotency-key"] == script.asked[1].headers["idempotency-key"]


def test_a_limit_that_never_opens_is_given_up(rig: Rig, script: Script) -> None:
    for _ in range(5):
        script.reply(429, b"", X_Rate_Limit_Problem="concurrent")
    with pytest.raises(RateLimited, match="concurrent"):
        rig.client.bills(["b-1"])
    assert len(script.asked) == 3


def test_what_every_answer_says_is_left_is_kept(rig: Rig, script: Script) -> None:
    script.reply(200, EMPTY, X_MinLimit_Remaining="0", X_DayLimit_Remaining="870")
    rig.client.bills(["b-1"])
    assert (rig.client.remaining().minute, rig.client.remaining().day) == (0, 870)
    with pytest.raises(RateLimited):
        rig.client.bills(["b-1"])
    assert len(script.asked) == 1


def test_calls_and_bytes_are_counted_refusals_included(rig: Rig, script: Script) -> None:
    script.reply(404, b"x" * 10, xero_correlation_id="c")
    script.reply(200, SAVED)
    assert rig.client.bill("none") is None
    send(rig)
    spent = rig.client.usage()
    assert (spent["bill"].calls, spent["bill"].bytes) == (1, 10)
    assert (spent["create"].calls, spent["create"].bytes) == (1, len(SAVED))


def test_a_404_of_a_proxy_is_never_taken_for_a_missing_bill(rig: Rig, script: Script) -> None:
    script.reply(404, b"<h1>Not Found</h1>", Content_Type="text/html")
    with pytest.raises(UnreadableAnswer):
        rig.client.bill("b-1")


def test_a_request_that_xero_cannot_read_at_all_was_not_done(rig: Rig, script: Script) -> None:
    script.reply(400, b'{"Type":"PostDataInvalidException","Message":"JSON for post data was invalid"}')
    with pytest.raises(BadRequest, match="JSON for post data"):
        send(rig)


def test_an_answer_to_a_read_that_is_not_json_is_unreadable_and_not_repeated(rig: Rig, script: Script) -> None:
    script.reply(200, b"<html>")
    with pytest.raises(UnreadableAnswer):
        rig.client.read_organisation(Books())
    assert len(script.asked) == 1


@pytest.fixture
def every_word() -> Iterator[list[str]]:
    """Everything that anybody logs, of whatever level."""
    words: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            words.append(self.format(record))

    root, ear = logging.getLogger(), Ear()
    level = root.level
    root.addHandler(ear)
    root.setLevel(logging.DEBUG)
    structlog.reset_defaults()
    yield words
    structlog.reset_defaults()
    root.setLevel(level)
    root.removeHandler(ear)


def test_no_secret_is_ever_shown(script: Script, store: MemoryStore, clock: Clock, every_word: list[str]) -> None:
    connection = Connection("main", "refresh_token", "id", "MARK-secret", script.url, script.url)
    script.tokens = [Reply(200, b'{"access_token":"MARK-access","expires_in":1800,"refresh_token":"MARK-refresh"}')] * 9
    shown: list[object] = [connection]
    with capture_logs() as events, Connections(store, [KEY], clock) as connections:
        tokens = connections.tokens(connection)
        tokens.redeem("MARK-code", "http://localhost/", "MARK-verifier")
        client = connections.client(connection, Organisation("trust", "Trust"))
        shown += [tokens, client, connections, tokens._held, tokens._call({"refresh_token": "MARK-form"})]
        for status in (0, 302, 400, 401, 403, 404, 500, 503):
            script.replies = [Reply(status, b"{}")] * 4
            for act in (lambda: client.bill("b-1"), lambda: client.send(attempt(requests.create([write()]), write()))):
                with pytest.raises(XeroError) as caught:
                    act()
                shown += _whole(caught.value)
        for error in ("invalid_grant", "MARK-echo"):
            script.tokens = [Reply(400, json.dumps({"error": error}).encode())]
            with pytest.raises(ConnectionLost) as lost:
                tokens.renew("MARK-access")
            shown += _whole(lost.value)
    text = "\n".join([*every_word, *(f"{one!r} {one!s}" for one in [*shown, *events])])
    assert "xero_read_retried" in text
    assert "send_request_headers" in text
    assert "MARK" not in text
    assert base64.b64encode(b"id:MARK-secret").decode() not in text
    assert KEY not in text


def _whole(error: BaseException) -> list[object]:
    """The error, all that it hangs on, and what it carries."""
    found: list[object] = []
    link: BaseException | None = error
    while link is not None:
        found += [link, vars(link), link.args]
        assert not hasattr(link, "request")
        link = link.__cause__ or link.__context__
    return found


def test_many_threads_share_one_client(rig: Rig, script: Script) -> None:
    for _ in range(20):
        script.reply(200, EMPTY)
    threads = [threading.Thread(target=rig.client.bills, args=(["b-1"],)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(script.asked), script.granted) == (20, 1)
