"""Whatever is sent to the webhook: what Xero did not sign stores nothing, and what it signed is taken in time."""

import base64
import contextlib
import gzip
import resource
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import fort as forts
import pytest
from fort import Fort, event, request, sign, signed

pytestmark = pytest.mark.attack

ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
MEGABYTE = 1024 * 1024
IN_TIME = 5.0  # seconds that Xero waits for an answer


@pytest.fixture
def nothing_stored(fort: Fort) -> Iterator[None]:
    """Whatever the test sends, nothing of it is stored."""
    before = fort.kept()
    yield
    assert fort.kept() == before


def taken(fort: Fort, number: int) -> None:
    """A signed event still gets its 200 in time, and is stored."""
    began, body = time.monotonic(), event(number)
    assert fort.post(body).status == 200
    assert time.monotonic() - began < IN_TIME
    assert body in fort.kept()


class TestSignatures:
    """Nothing but the one right signature opens."""

    @pytest.mark.usefixtures("nothing_stored")
    def test_one_changed_character_at_any_place_is_refused(self, fort):
        body, right = event(1), sign(event(1))
        with fort.connect() as sock:
            for place in range(len(right)):
                for other in [c for c in ALPHABET if c != right[place]][place % 7 :: 7]:
                    wrong = right[:place] + bytes([other]) + right[place + 1 :]
                    sock.sendall(request(body, b"x-xero-signature: " + wrong))
                    assert forts.read_answer(sock).status == 401

    @pytest.mark.usefixtures("nothing_stored")
    def test_another_spelling_of_the_same_bytes_is_refused(self, fort):
        """The last character before the padding carries two bits that decoding ignores."""
        right = sign(event(1))
        place = ALPHABET.index(right[-2])
        for other in (place ^ 1, place ^ 2, place ^ 3):
            assert fort.post(event(1), right[:-2] + ALPHABET[other : other + 1] + b"=").status == 401

    @pytest.mark.parametrize(
        "wrong",
        [
            b"",
            b"=",
            b"a",
            b"A" * 43 + b"=",
            b"A" * 10_000,
            b"\xff" * 44,
            "ü".encode() * 22,
            b"sha256=" + sign(event(1)),
            sign(event(1))[:-1],
            sign(event(1)) + b"=",
            sign(event(1)).lower(),
            sign(event(1)).replace(b"=", b"%3D"),
            b'"' + sign(event(1)) + b'"',
            base64.urlsafe_b64encode(base64.b64decode(sign(event(3)))),
            sign(event(2)),
            sign(event(1), "another key"),
            sign(event(1), ""),
        ],
        ids=range(17),
    )
    @pytest.mark.usefixtures("nothing_stored")
    def test_a_signature_of_another_form_key_or_body_is_refused(self, fort, wrong):
        assert fort.post(event(1), wrong).status in (400, 401)

    @pytest.mark.usefixtures("nothing_stored")
    def test_no_signature_and_two_of_them_are_refused(self, fort):
        right = b"x-xero-signature: " + sign(event(1))
        assert fort.send(request(event(1))).status == 401
        assert fort.send(request(event(1), right, right)).status == 401
        assert fort.send(request(event(1), right, b"X-XERO-SIGNATURE: no")).status == 401
        assert fort.send(request(event(1), b"x-xero-signature:", right)).status == 401

    @pytest.mark.usefixtures("nothing_stored")
    def test_one_changed_byte_of_the_body_is_refused(self, fort):
        body, right = event(1), sign(event(1))
        for place in range(0, len(body), 17):
            assert fort.post(body[:place] + b"~" + body[place + 1 :], right).status == 401


class TestBodies:
    """A body is measured by its bytes, whatever was said of it."""

    def chunked(self, *chunks: bytes, signature: bytes = b"none") -> bytes:
        head = b"POST /webhooks/xero HTTP/1.1\r\nHost: f\r\nTransfer-Encoding: chunked\r\nx-xero-signature: "
        return head + signature + b"\r\n\r\n" + b"".join(b"%x\r\n%b\r\n" % (len(c), c) for c in (*chunks, b""))

    @pytest.mark.usefixtures("nothing_stored")
    def test_a_chunked_body_over_the_cap_is_refused_although_it_is_signed(self, fort):
        body = b"x" * (256 * 1024 + 1)
        assert fort.send(self.chunked(body, signature=sign(body))).status == 413

    @pytest.mark.parametrize("claim", [b"0", b"1", b"99999999999999999999", b"-1", b"0x10", b"5, 5"])
    @pytest.mark.usefixtures("nothing_stored")
    def test_a_length_that_lies_stores_nothing(self, fort, claim):
        head = b"POST /webhooks/xero HTTP/1.1\r\nHost: f\r\nContent-Length: " + claim + b"\r\nx-xero-signature: "
        with contextlib.suppress(ConnectionError, TimeoutError):
            assert fort.send(head + sign(event(1)) + b"\r\n\r\n" + event(1), 4).status in (400, 401, 408, 413)

    @pytest.mark.usefixtures("nothing_stored")
    def test_two_ways_to_tell_where_a_body_ends_are_a_bad_request(self, fort):
        both = self.chunked(event(1), signature=sign(event(1))).replace(b"Host: f", b"Host: f\r\nContent-Length: 5")
        twice = signed(event(1)).replace(b"Host: fort", b"Host: fort\r\nContent-Length: 5")
        assert fort.send(both).status == 400
        assert fort.send(twice).status == 400

    @pytest.mark.usefixtures("nothing_stored")
    def test_what_is_compressed_is_refused_unread(self, fort):
        bomb = gzip.compress(b"x" * 10 * MEGABYTE)
        for coding in (b"gzip", b"deflate", b"br", b"identity, gzip", b"GZIP"):
            assert fort.post(bomb, None, b"Content-Encoding: " + coding).status == 415

    @pytest.mark.usefixtures("nothing_stored")
    def test_200_mib_that_nobody_signed_take_no_memory(self, fort):
        before, most, chunk = resident(), 0, b"x" * MEGABYTE
        head = b"POST /webhooks/xero HTTP/1.1\r\nHost: f\r\nContent-Length: %d\r\n\r\n" % (200 * MEGABYTE)
        for path in (b"/webhooks/xero", b"/nowhere", b"/login", b"/r/x", b"/healthz"):
            with fort.connect() as sock, contextlib.suppress(ConnectionError):
                sock.sendall(head.replace(b"/webhooks/xero", path))
                for _ in range(200):
                    sock.sendall(chunk)
                    most = max(most, resident())
        assert most - before < 10 * MEGABYTE

    @pytest.mark.parametrize(
        "body",
        [
            b"[" * 100_000,
            b'{"events":' * 20_000,
            b'{"events":[' + b"[" * 50_000 + b"]" * 50_000 + b"]}",
            b'{"events":[' + b"{}," * 60_000 + b"{}]}",
            b'{"events":[{"resourceId":' + b"9" * 200_000 + b"}]}",
            b'{"events":[{"resourceId":"\\ud800","eventDateUtc":"9999-99-99","tenantId":null}]}',
            b'{"events":[{"eventDateUtc":"' + b"1" * 100_000 + b'"}]}',
            b'{"events":{"a":1},"events":[]}' + b" " * 300,
            b'{"events":[1e999999]}' + b" " * 300,
            b"\xef\xbb\xbf" + event(4),
            b"\x00" * 1_000,
        ],
        ids=range(11),
    )
    def test_a_signed_bomb_is_kept_read_and_harms_nothing(self, fort, body):
        assert fort.post(body).status == 200
        forts.until_read(fort)
        assert body in fort.kept()
        taken(fort, 5)

    def test_a_replayed_delivery_is_acknowledged_and_counts_once(self, fort):
        for _ in range(3):
            assert fort.post(event(6)).status == 200
        forts.until_read(fort)
        assert fort.events(b"717f2bfc-c6d4-41fd-b238-000000000006") == 1


class TestRequests:
    """What is no proper request disturbs nobody."""

    @pytest.mark.parametrize("method", [b"GET", b"HEAD", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"TRACE", b"CONNECT"])
    @pytest.mark.usefixtures("nothing_stored")
    def test_other_methods_are_refused(self, fort, method):
        raw = signed(event(1)).replace(b"POST", method, 1).replace(b"Host:", b"Connection: close\r\nHost:", 1)
        assert fort.send(raw).status in (400, 404, 405)

    @pytest.mark.parametrize(
        "raw",
        [
            b"BREW /webhooks/xero HTTP/1.1\r\n\r\n",
            b"POST * HTTP/1.1\r\n\r\n",
            b"POST http://[::1 HTTP/1.1\r\n\r\n",
            b"POST /webhooks/xero HTTP/9.9\r\n\r\n",
            b"POST /webhooks/\xff HTTP/1.1\r\n\r\n",
            b"POST /webhooks/xero\x00 HTTP/1.1\r\n\r\n",
            b"POST /webhooks/xero HTTP/1.1\r\nA B: c\r\n\r\n",
            b"POST /webhooks/xero HTTP/1.1\r\n folded: x\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"\r\n" * 100,
        ],
        ids=range(11),
    )
    @pytest.mark.usefixtures("nothing_stored")
    def test_what_is_no_http_is_refused_or_cut_off(self, fort, raw):
        with fort.connect(7) as sock, contextlib.suppress(ConnectionError):
            sock.sendall(raw)
            sock.shutdown(socket.SHUT_WR)
            assert forts.read_answer(sock).status in (400, 404)

    def test_pipelined_requests_are_answered_in_order_each_by_its_own_signature(self, fort):
        bodies = [event(number) for number in range(10, 30)]
        wrong = request(event(9), b"x-xero-signature: " + sign(event(8)))
        with fort.connect() as sock, sock.makefile("rb") as stream:
            sock.sendall(b"".join(signed(body) + wrong for body in bodies))
            statuses = [statuscode(stream) for _ in range(2 * len(bodies))]
        assert statuses == [200, 401] * len(bodies)
        assert [body for body in fort.kept() if body in bodies] == bodies
        assert event(9) not in fort.kept()

    @pytest.mark.usefixtures("nothing_stored")
    def test_an_upgrade_is_not_followed(self, fort):
        upgrade = [b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
        assert fort.send(request(b"", *upgrade, method=b"GET", path=b"/")).status in (303, 400, 404)


class TestSlowness:
    """Whoever is slow waits for himself only."""

    def test_a_thousand_half_open_connections_do_not_keep_a_signed_event_waiting(self, fort):
        with many_files(), contextlib.ExitStack() as stack:
            for number in range(1_000):
                with contextlib.suppress(OSError):  # the oldest have given way already
                    sock = stack.enter_context(fort.connect())
                    sock.sendall(BEGUN[number % len(BEGUN)])
                    if number % 250 == 249:
                        taken(fort, 100 + number)
            taken(fort, 2_000)

    def test_a_body_that_trickles_is_given_up_while_others_are_served(self, fort):
        with fort.connect() as sock:
            sock.sendall(signed(event(40))[:-20])
            trickling = threading.Thread(target=trickle, args=(sock,), daemon=True)
            trickling.start()
            taken(fort, 41)
            assert forts.read_answer(sock).status == 408
            trickling.join(10)
        assert event(40) not in fort.kept()


BEGUN = (
    b"",
    b"P",
    b"POST /webhooks/xero HTTP/1.1\r\nHost: f\r\nX-Slow: ",
    b"POST /webhooks/xero HTTP/1.1\r\nHost: f\r\nContent-Length: 500\r\n\r\n{",
    b"POST /login HTTP/1.1\r\nHost: f\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
)


def trickle(sock: socket.socket) -> None:
    """A byte now and then, for longer than anybody should wait."""
    with contextlib.suppress(OSError):
        for _ in range(30):
            sock.sendall(b" ")
            time.sleep(0.2)


def statuscode(stream: object) -> int:
    """The status of the next answer, which has no body."""
    first = stream.readline()
    while stream.readline().strip():
        continue
    return int(first.split()[1])


def resident() -> int:
    """Bytes of memory that this process, and with it the fort, holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


@contextlib.contextmanager
def many_files() -> Iterator[None]:
    """Room for both ends of a thousand connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8_192)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
