"""Whatever is sent to any address: no failure of ours, and nothing stored of what nobody signed.

The addresses are those that the daemon really serves, so a new one is fuzzed from its first day.
"""

import contextlib
import itertools
import json
import re
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from fort import HOOK, PUBLIC, Fort, event, sign
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from reconciler.callers import Scope, new_key
from reconciler.tickets import token_hash

pytestmark = pytest.mark.attack

TOKEN = "a token that a mail has carried"
FIELDS = ["step", "fingerprint", "kind", "by", "date", "bill", "other", "reason", "until", "keys", "csrf", "next"]
FIELDS += ["title", "payee", "amount", "currency", "stages", "cancelled", "links", "milestones", "parts", "due"]
FIELDS += ["name", "password", "organisation", "key", "only", "lock", "state", "text", "after", "limit", "items"]
VALUES = [
    "",
    "review",
    "confirm",
    "edit",
    "renew",
    "exempt",
    "date",
    "2026-02-30",
    "9999-12-31",
    "0000-00-00",
    "example",
]
VALUES += [
    "M-1",
    "example/M-1",
    "-1",
    "1e999",
    "NaN",
    "../..",
    "//evil.example",
    "\x00",
    "\ud800",
    "\U0001d54f" * 300,
    "a" * 5_000,
]

values = st.sampled_from(VALUES) | st.text(max_size=60)
pairs = st.lists(st.tuples(st.sampled_from(FIELDS) | st.text(max_size=8), values), max_size=12)
trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | values,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS) | values, inner, max_size=4),
    max_leaves=12,
)
forms = pairs.map(lambda each: urlencode(each, errors="surrogatepass").encode())
documents = trees.map(lambda tree: json.dumps(tree).encode())
bodies = forms | documents | st.binary(max_size=400)
segments = st.sampled_from([TOKEN, "example", "M-1", "x", "..", "%", " "]) | st.text(min_size=1, max_size=12)
names = st.sampled_from(["Content-Type", "Origin", "Cookie", "Accept", "Range", "X-Forwarded-For", "Authorization"])
headers = st.dictionaries(
    names, st.text(st.characters(max_codepoint=255, categories=["L", "N", "P", "Zs"]), max_size=30)
)


def deep(examples: int) -> Callable[..., Any]:
    """So many examples; what fails is not made smaller, since each answer comes over a socket."""
    phases = (Phase.explicit, Phase.reuse, Phase.generate)
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=examples, deadline=None, phases=phases, suppress_health_check=checks)


def api_key(fort: Fort) -> str:
    """The key of a program that may do everything."""
    house, key = fort.world.house, new_key()
    assert house.ledger.apikeys.make(f"Fuzzer {key[-8:]}", set(Scope), None, token_hash(key), house.clock())
    return key


numbers = itertools.count(1)  # what one fuzzer decided about a milestone would leave the next without a mail


class Fuzzer:
    """Sends requests over one connection as long as it lasts, and counts them."""

    def __init__(self, fort: Fort, record: Callable[[str, object], None]) -> None:
        self._fort, self._record = fort, record
        self.sent = 0
        self.targets = sorted(
            (method, address.path) for address in fort.routes for method in (*address.methods, "PATCH")
        )
        program = {"Authorization": f"Bearer {api_key(fort)}", "Content-Type": "application/json"}
        self._sessions = [{}, {"Cookie": fort.login("ana"), "Origin": PUBLIC}, program]
        self._csrf = fort.csrf("ana")
        self._token = fort.flagged(f"M-{next(numbers)}").tokens[0]

    def send(self, data: st.DataObject) -> None:
        """One request by dice; fails on a failure of ours."""
        method, pattern = data.draw(st.sampled_from(self.targets))
        path = re.sub(r"\{[^}]+\}", lambda _: self._segment(data.draw(segments)), pattern)
        query = data.draw(st.just([]) | pairs)
        url = path + (f"?{urlencode(query, errors='surrogatepass')}" if query else "")
        body = data.draw(bodies) if method not in ("GET", "HEAD") else None
        session = data.draw(st.sampled_from(self._sessions))
        if "Cookie" in session and body is not None and data.draw(st.booleans()):
            body = urlencode({"csrf": self._csrf}).encode() + b"&" + body
        self.ask(method, url, body, {**data.draw(headers), **session})

    def _segment(self, drawn: str) -> str:
        return quote(self._token if drawn == TOKEN else drawn, safe="", errors="surrogatepass")

    def ask(self, method: str, url: str, body: bytes | None, sent: dict[str, str]) -> None:
        with contextlib.closing(HTTPConnection(*self._fort.address, timeout=20)) as connection:
            try:
                connection.request(method, url, body, {name: value.encode("latin-1") for name, value in sent.items()})
                status = connection.getresponse().status
            except (HTTPException, ConnectionError):
                status = 0  # it hung up on us, which is its right
        self.sent += 1
        assert status < 500 or status == 503, f"{status} for {method} {url} {body!r} {sent}"

    def tell(self) -> None:
        self._record("figure requests_fuzzed", self.sent)
        self._record("figure answers_500", 0)


@pytest.fixture
def fuzzer(fort: Fort, record_property: Callable[[str, object], None]) -> Any:
    """A fuzzer at the fort; whatever it sends, no webhook is stored that was not signed."""
    made, before = Fuzzer(fort, record_property), fort.kept()
    yield made
    assert fort.kept() == before


def throw_everything(fuzzer: Fuzzer, examples: int) -> None:
    @deep(examples)
    @given(st.data())
    def throw(data: st.DataObject) -> None:
        fuzzer.send(data)

    throw()
    fuzzer.tell()


def sign_everything(fort: Fort, record: Callable[[str, object], None], examples: int) -> None:
    """Signatures and payloads by dice: 200 for what is signed, 401 for what is not."""
    sent = 0

    @deep(examples)
    @given(bodies | st.just(event(1)), st.binary(max_size=60) | st.just(b"right"), st.booleans())
    def throw(body: bytes, signature: bytes, wrapped: bool) -> None:
        nonlocal sent
        payload = b'{"events":[' + body + b"]}" if wrapped else body
        right = signature == b"right"
        given_ = sign(payload) if right else re.sub(rb"[\r\n\x00-\x1f\x7f]", b"", signature)
        before = len(fort.kept())
        assert fort.post(payload, given_).status in ((200,) if right else (400, 401))
        assert right or len(fort.kept()) == before
        sent += 1

    throw()
    record("figure requests_fuzzed", sent)
    record("figure answers_500", 0)


def test_no_address_fails_whatever_it_is_sent(fuzzer):
    assert HOOK in {path for _, path in fuzzer.targets}
    throw_everything(fuzzer, 250)


def test_no_payload_fails_whether_it_is_signed_or_not(fort, record_property):
    sign_everything(fort, record_property, 100)


@pytest.mark.torture
def test_no_address_fails_whatever_it_is_sent_for_long(fuzzer):
    throw_everything(fuzzer, 20_000)


@pytest.mark.torture
def test_no_payload_fails_whether_it_is_signed_or_not_for_long(fort, record_property):
    sign_everything(fort, record_property, 5_000)
