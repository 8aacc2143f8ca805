"""Tokens of links: the same for the same mail, different for any other, and kept as a hash."""

import hashlib
import re

from hypothesis import given
from hypothesis import strategies as st

from reconciler.tickets import page_token, token_hash


def test_the_same_mail_has_the_same_token_and_any_other_another() -> None:
    token = page_token("key", "<1@example.org>", "a@example.org")
    assert token == page_token("key", "<1@example.org>", "a@example.org")
    others = [
        page_token("other", "<1@example.org>", "a@example.org"),
        page_token("key", "<2@example.org>", "a@example.org"),
        page_token("key", "<1@example.org>", "b@example.org"),
    ]
    assert len({token, *others}) == 4


def test_a_token_is_43_characters_that_need_no_escaping() -> None:
    assert re.fullmatch(r"[\w-]{43}", page_token("key", "<1@example.org>", "é@example.org"), re.ASCII)


def test_what_is_kept_is_the_hash() -> None:
    assert token_hash("abc") == hashlib.sha256(b"abc").digest()


@given(st.text())
def test_any_text_can_be_looked_up(token: str) -> None:
    assert len(token_hash(token)) == 32
    assert len(token_hash(token + "\udcff")) == 32
