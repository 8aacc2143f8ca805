"""Only what the key's holder sent gets in, and everybody else hears the same word."""

import base64
import string

import door
import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.signature import HEADER, SigningKey, matching_key

A = b"ixznmr+Pdl6QymsWZM+9UkY4lu97q04sJyejmSOp25U="
B = b"/xznmr+Pdl6QymsWZM+9UkY4lu97q04sJyejmSOp25U="
C = b"PgJ/FlokjkepdaIwlLxhEPJHIcUxnDjoEabExW9Asz0="
ENCODED = SigningKey("encoded", "dGVzdF9rZXk=")


@pytest.mark.parametrize(
    ("key", "signature", "name"),
    [(door.KEY, A, "current"), (door.KEY, B, None), (ENCODED, C, "encoded"), (ENCODED, A, None)],
    ids="ABCD",
)
def test_published_vectors(key: SigningKey, signature: bytes, name: str | None) -> None:
    assert matching_key([key], [(HEADER, signature)], door.EMPTY) == name


def test_every_key_is_tried_and_the_matching_one_named() -> None:
    assert matching_key([ENCODED, door.KEY], [(HEADER, A)], door.EMPTY) == "current"
    assert matching_key([door.KEY, ENCODED], [(HEADER, C)], door.EMPTY) == "encoded"


def test_without_keys_nothing_is_accepted() -> None:
    assert matching_key([], [(HEADER, door.sign(door.EMPTY))], door.EMPTY) is None


def test_a_key_never_shows_its_secret() -> None:
    assert "test_key" not in repr(door.KEY)


@given(st.binary(max_size=60))
def test_no_header_value_passes_or_raises(value: bytes) -> None:
    assert matching_key([door.KEY], [(HEADER, value)], door.EVENT) is None


@given(st.binary(), st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_what_the_key_signed_is_accepted_whatever_the_bytes(body: bytes, secret: str) -> None:
    assert matching_key([SigningKey("k", secret)], [(HEADER, door.sign(body, secret))], body) == "k"


def _mutations() -> list[bytes]:
    alphabet = string.ascii_letters + string.digits + "+/="
    right = door.sign(door.EVENT)
    return [
        right[:at] + wrong.encode() + right[at + 1 :]
        for at in range(len(right))
        for wrong in alphabet
        if wrong.encode() != right[at : at + 1]
    ]


def test_every_change_of_one_character_is_noticed() -> None:
    assert not [m for m in _mutations() if matching_key([door.KEY], [(HEADER, m)], door.EVENT)]


def test_a_change_at_every_position_is_refused_over_the_wire_and_leaves_nothing(open_: door.Door) -> None:
    right = door.sign(door.EVENT)
    wrong = [right[:at] + (b"A" if right[at : at + 1] != b"A" else b"B") + right[at + 1 :] for at in range(44)]
    with open_.connect() as sock:
        for signature in wrong:
            sock.sendall(door.request(door.EVENT, b"x-xero-signature: " + signature))
            assert door.read_answer(sock).status == 401
    assert open_.kept() == []


UNSIGNED = {
    "missing": [],
    "empty": [b"x-xero-signature:"],
    "wrong": [b"x-xero-signature: " + B],
    "short": [b"x-xero-signature: " + A[:-1]],
    "duplicate": [b"x-xero-signature: " + A, b"X-Xero-Signature: " + A],
    "duplicate, one wrong": [b"x-xero-signature: " + B, b"x-xero-signature: " + A],
    "not ASCII": [b"x-xero-signature: " + "Ünterschrift".encode()],
    "not UTF-8": [b"x-xero-signature: \xff\xfe"],
    "hex": [b"x-xero-signature: " + base64.b64decode(A).hex().encode()],
    "two in one": [b"x-xero-signature: " + A + b", " + A],
}


@pytest.mark.parametrize("headers", UNSIGNED.values(), ids=UNSIGNED)
def test_an_unsigned_request_hears_401_and_nothing_else(open_: door.Door, headers: list[bytes]) -> None:
    for body in (door.EMPTY, door.EVENT, b"", b"{}", b"garbage"):
        answer = open_.send(door.request(body, *headers))
        assert (answer.status, answer.body) == (401, b"")
        assert {name for name, _ in answer.headers} == {"date", "content-length"}
    assert open_.kept() == []


def test_a_signature_of_other_bytes_with_the_same_meaning_is_refused(open_: door.Door) -> None:
    assert open_.post(door.EMPTY.replace(b": ", b":"), door.sign(door.EMPTY)).status == 401
