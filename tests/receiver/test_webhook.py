"""200 means kept. Everything else is said quickly, and stores nothing."""

import datetime as dt
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import door
import pytest

from receiver.body import BodyLimits
from receiver.webhook import is_empty
from storage.inbox import GroupInbox, SqliteStore


def _event(number: int) -> bytes:
    return door.EVENT.replace(b"S0m3r4Nd0mt3xt", b"%014d" % number)


def test_a_signed_event_is_kept_byte_for_byte_and_answered_empty(open_: door.Door) -> None:
    answer = open_.post(door.EVENT)
    assert (answer.status, answer.body, answer.header("content-length")) == (200, b"", "0")
    assert {name for name, _ in answer.headers} == {"date", "content-length"}
    assert open_.kept() == [door.EVENT]


def test_time_and_key_are_kept_with_the_request(open_: door.Door) -> None:
    open_.post(door.EVENT)
    with sqlite3.connect(open_.path) as connection:
        rows = connection.execute("SELECT received_at, key FROM raw_request").fetchall()
    connection.close()
    assert rows == [("2026-07-09T08:10:00.000000+00:00", "current")]


@pytest.mark.parametrize("body", [b"\xff\xfe\x00 not UTF-8", b"not JSON", b"{}", b"", b"[]" * 200])
def test_signed_but_unreadable_is_kept_all_the_same(open_: door.Door, body: bytes) -> None:
    assert open_.post(body).status == 200
    assert open_.kept() == [body]


def test_an_intent_to_receive_is_answered_and_not_stored(open_: door.Door) -> None:
    assert open_.post(door.EMPTY).status == 200
    assert open_.kept() == []


@pytest.mark.parametrize(
    ("body", "empty"),
    [
        (door.EMPTY, True),
        (b'{"entropy":"X","lastEventSequence":0,"events": [ ] }', True),
        (door.EVENT, False),
        (b'{"events":[{"data":{"events":[]}}]}', False),
        (b'{"events":[1],"entropy":"\\"events\\":[]"}', False),
        (b'{"other":{"events":[]}}', False),
        (b'{"events":null}', False),
        (b'{"events":[]', False),
        (b'{"events":[]}{"events":[1]}', False),
        (b'{"events":[]}' + b" " * 300, False),
        (b"[" * 256, False),
        (b'"\xff"', False),
    ],
)
def test_only_what_certainly_has_no_events_counts_as_empty(body: bytes, empty: bool) -> None:
    assert is_empty(body) is empty


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"PUT", b"DELETE", b"OPTIONS"])
def test_other_methods_are_refused_without_effect(open_: door.Door, method: bytes) -> None:
    raw = door.request(door.EVENT, b"x-xero-signature: " + door.sign(door.EVENT), b"Connection: close", method=method)
    answer = open_.send(raw)
    assert (answer.status, answer.header("allow")) == (405, "POST")
    assert open_.kept() == []


class _Faulty(GroupInbox):
    """An inbox with a fault of ours, which nobody has thought of; it shows once."""

    faults = 1

    async def keep(self, body: bytes, key: str, received_at: dt.datetime) -> None:
        if self.faults:
            self.faults -= 1
            raise ZeroDivisionError
        await super().keep(body, key, received_at)


def test_a_fault_of_ours_is_no_200_and_is_told_in_the_log_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "billwatch.db"
    door.make_database(path)
    with door.open_door(path, inbox=_Faulty(lambda: SqliteStore(path))) as open_:
        answer = open_.post(door.EVENT)
        assert (answer.status, answer.body, answer.header("set-cookie")) == (500, b"Internal Server Error", None)
        assert "ZeroDivisionError" in caplog.text
        assert open_.post(door.EVENT).status == 200
        assert open_.kept() == [door.EVENT]


def test_a_trailing_slash_leads_nowhere(open_: door.Door) -> None:
    answer = open_.post(door.EVENT, path=b"/webhooks/xero/")
    assert (answer.status, answer.header("location")) == (404, None)


def test_an_encoded_body_is_refused(open_: door.Door) -> None:
    assert open_.post(door.EVENT, None, b"Content-Encoding: gzip").status == 415
    assert open_.post(door.EVENT, None, b"Content-Encoding: identity").status == 200


def test_a_body_over_the_cap_is_refused_whatever_its_length_claims(open_: door.Door) -> None:
    body = b"x" * (256 * 1024 + 1)
    assert open_.post(body).status == 413
    chunked = b"POST /webhooks/xero HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\nx-xero-signature: "
    chunked += door.sign(body) + b"\r\n\r\n%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
    answer = open_.send(chunked)
    assert (answer.status, answer.header("connection")) == (413, "close")
    assert open_.kept() == []


def test_a_body_at_the_cap_and_in_pieces_is_taken(open_: door.Door) -> None:
    body = b"x" * (256 * 1024)
    raw = b"POST /webhooks/xero HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\nx-xero-signature: "
    raw += door.sign(body) + b"\r\n\r\n"
    raw += b"".join(b"4000\r\n" + body[at : at + 0x4000] + b"\r\n" for at in range(0, len(body), 0x4000)) + b"0\r\n\r\n"
    assert open_.send(raw).status == 200
    assert open_.kept() == [body]


def test_a_length_that_promises_less_leaves_only_bytes_that_nobody_signed(open_: door.Door) -> None:
    raw = b"POST /webhooks/xero HTTP/1.1\r\nHost: d\r\nContent-Length: 10\r\nx-xero-signature: "
    assert open_.send(raw + door.sign(door.EVENT) + b"\r\n\r\n" + door.EVENT).status in (400, 401)
    assert open_.kept() == []


@pytest.mark.parametrize("length", [b"-1", b"1e3", b"ten"])
def test_a_length_that_is_no_number_is_a_bad_request(open_: door.Door, length: bytes) -> None:
    raw = b"POST /webhooks/xero HTTP/1.1\r\nHost: d\r\nContent-Length: " + length + b"\r\n\r\n"
    assert open_.send(raw).status == 400


def test_a_body_that_does_not_arrive_in_time_is_given_up(database: Path) -> None:
    with door.open_door(database, limits=BodyLimits(seconds=0.05)) as slow, slow.connect() as sock:
        sock.sendall(door.request(door.EVENT, b"x-xero-signature: " + door.sign(door.EVENT))[:-1])
        answer = door.read_answer(sock)
        assert (answer.status, answer.header("connection")) == (408, "close")
        assert slow.hook.counts.refused["slow"] == 1
        assert slow.kept() == []


def test_a_sender_who_leaves_early_disturbs_nobody(open_: door.Door) -> None:
    with open_.connect() as sock:
        sock.sendall(door.request(door.EVENT, b"x-xero-signature: " + door.sign(door.EVENT))[:-1])
    assert open_.post(door.EVENT).status == 200
    assert open_.kept() == [door.EVENT]


def test_outcomes_are_counted(database: Path) -> None:
    with door.open_door(database) as one:
        for body, signature in ((door.EVENT, None), (door.EMPTY, None), (door.EVENT, b"no"), (b"x" * 300_000, None)):
            one.post(body, signature)
        counts = one.hook.counts
        assert (counts.accepted, counts.empty, dict(counts.refused)) == (1, 1, {"signature": 1, "size": 1})
        assert counts.last_at == door.NOW


def test_without_a_database_events_hear_503_and_the_intent_to_receive_still_passes(tmp_path: Path) -> None:
    with door.open_door(tmp_path / "nowhere" / "billwatch.db") as one:
        assert one.post(door.EVENT).status == 503
        assert one.post(door.EMPTY).status == 200
        assert one.hook.counts.refused["storage"] == 1
    assert not (tmp_path / "nowhere").exists()


def test_a_database_that_vanishes_and_returns_loses_nothing_that_was_acknowledged(database: Path) -> None:
    with door.open_door(database) as one:
        assert one.post(_event(1)).status == 200
        away = database.parent / "away"
        away.mkdir()
        for part in database.parent.glob("billwatch.db*"):
            part.rename(away / part.name)
        assert one.post(_event(2)).status == 503
        for part in away.iterdir():
            part.rename(database.parent / part.name)
        assert one.post(_event(3)).status == 200
    assert door.kept(database) == [_event(1), _event(3)]


class _Full(SqliteStore):
    """A store on a disk without room."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        pages = self._connection.execute("PRAGMA page_count").fetchone()[0]
        self._connection.execute(f"PRAGMA max_page_count = {pages}")


def test_a_full_disk_is_a_503_and_every_acknowledged_body_is_there(database: Path) -> None:
    with door.open_door(database, inbox=GroupInbox(lambda: _Full(database))) as one:
        body = b"y" * 2000
        statuses = [one.post(body).status for _ in range(6)]
        assert 503 in statuses
        assert one.post(door.EMPTY).status == 200
    assert len(door.kept(database)) == statuses.count(200)


def test_a_locked_database_is_a_503_in_time(database: Path) -> None:
    with door.open_door(database, inbox=GroupInbox(lambda: SqliteStore(database), seconds=0.05)) as one:
        one.post(door.EVENT)
        holder = sqlite3.connect(database, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        assert one.post(door.EVENT).status == 503
        holder.execute("ROLLBACK")
        holder.close()


def test_half_open_connections_do_not_shut_out_signed_events(open_: door.Door) -> None:
    idle = [open_.connect() for _ in range(300)]
    started = [open_.connect() for _ in range(300)]
    for sock in started:
        sock.sendall(b"POST /webhooks/xero HTTP/1.1\r\nHost: d\r\nX-Slow: ")
    assert open_.post(door.EVENT).status == 200
    assert idle[0].recv(1) == b""
    for sock in idle + started:
        sock.close()


def test_an_endless_head_is_cut_off(open_: door.Door) -> None:
    head = b"POST /webhooks/xero HTTP/1.1\r\nX-Long: " + b"x" * 50_000_000
    with open_.connect() as sock, pytest.raises(ConnectionError):
        sock.sendall(head)


@pytest.mark.parametrize("more", [b"", b"Content-Length: 9\r\n\r\n"], ids=["head", "body"])
def test_a_head_or_body_that_does_not_come_in_time_is_cut_off(
    database: Path, monkeypatch: pytest.MonkeyPatch, more: bytes
) -> None:
    monkeypatch.setattr("receiver.patience.HEADER_SECONDS", 0.05)
    with door.open_door(database) as one, one.connect() as sock:
        sock.sendall(b"POST /webhooks/xero HTTP/1.1\r\nHost: d\r\n" + more)
        assert _rest(sock) == b""


def _rest(sock: socket.socket) -> bytes:
    try:
        return sock.recv(1)
    except ConnectionResetError:
        return b""


def _serve(path: Path) -> None:
    """What the subprocess of the next test runs."""
    with door.open_door(path) as one:
        print(one.port, flush=True)  # noqa: T201
        signal.pause()


def _pour(port: int, first: int, acknowledged: list[bytes], enough: threading.Event) -> None:
    number = first
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
            while True:
                body = _event(number)
                sock.sendall(door.request(body, b"x-xero-signature: " + door.sign(body)))
                if door.read_answer(sock).status == 200:
                    acknowledged.append(body)
                number += 1
                if len(acknowledged) >= 300:
                    enough.set()
    except (OSError, IndexError):
        return


def test_after_a_kill_under_load_every_acknowledged_body_is_in_the_file(database: Path) -> None:
    code = f"import test_webhook, pathlib; test_webhook._serve(pathlib.Path({str(database)!r}))"
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[2])])
    process = subprocess.Popen(  # noqa: S603  our own code, to be killed
        [sys.executable, "-c", code], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": path}
    )
    assert process.stdout is not None
    port = int(process.stdout.readline())
    acknowledged: list[bytes] = []
    enough = threading.Event()
    clients = [threading.Thread(target=_pour, args=(port, n * 10**6, acknowledged, enough)) for n in range(8)]
    for client in clients:
        client.start()
    assert enough.wait(20)
    process.kill()
    for client in clients:
        client.join()
    process.wait()
    process.stdout.close()
    assert set(acknowledged) <= set(door.kept(database))


def test_a_stop_keeps_what_was_accepted_before_it(database: Path) -> None:
    acknowledged: list[bytes] = []
    enough = threading.Event()
    with door.open_door(database) as one:
        client = threading.Thread(target=_pour, args=(one.port, 0, acknowledged, enough))
        client.start()
        assert enough.wait(20)
    client.join()
    assert acknowledged == door.kept(database)[: len(acknowledged)]


def test_two_requests_on_one_connection_are_both_served(open_: door.Door) -> None:
    with open_.connect() as sock:
        for number in (1, 2):
            body = _event(number)
            sock.sendall(door.request(body, b"x-xero-signature: " + door.sign(body)))
            assert door.read_answer(sock).status == 200
    assert [json.loads(body)["entropy"] for body in open_.kept()] == [f"{1:014}", f"{2:014}"]


def test_the_queue_has_an_end(database: Path) -> None:
    with door.open_door(database, inbox=GroupInbox(lambda: SqliteStore(database), room=0)) as one:
        assert one.post(door.EVENT).status == 503
        assert one.post(door.EMPTY).status == 200


def test_an_inbox_that_is_closed_is_a_503(database: Path) -> None:
    with door.open_door(database) as one:
        one.inbox.stop()
        assert one.post(door.EVENT).status == 503


def test_an_inbox_can_be_opened_by_several_keys(database: Path) -> None:
    keys = [door.KEY, door.SigningKey("next", "next_key")]
    with door.open_door(database, keys) as one:
        assert one.post(_event(1), door.sign(_event(1), "next_key")).status == 200
        assert one.post(_event(2)).status == 200
    assert door.kept(database) == [_event(1), _event(2)]


def test_the_inbox_is_what_the_door_asks_for() -> None:
    from receiver.ports import Inbox

    inbox: Inbox = GroupInbox(lambda: SqliteStore(Path("unused")))
    assert inbox
