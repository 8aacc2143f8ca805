"""Links by their hash, tokens by their name, and small facts."""

import datetime as dt
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from ledger_samples import HOUR, LEASE, NOW, ORG, decide, milestone

from reconciler.reasons import Reason
from reconciler.records import Flag, Mail, Ticket
from storage.ledger import Ledger

HASH = b"\x00" * 31 + b"\xff"


@pytest.fixture
def mail(ledger: Ledger) -> Mail:
    ledger.milestones.put([milestone("M1"), milestone("M2")], NOW)
    decide(ledger, Reason.BILL_PAID, "M1")
    decide(ledger, Reason.BILL_PAID, "M2")
    (mail,) = ledger.outbox.claim(NOW, 10, LEASE)
    return mail


def _make(ledger: Ledger, mail: Mail, token_hash: bytes = HASH) -> None:
    ids = [flag.flag_id for flag in mail.flags]
    ledger.tickets.make(mail.mail_id, mail.recipient, ids, token_hash, NOW, NOW + HOUR)


def _found(ledger: Ledger) -> Ticket:
    ticket = ledger.tickets.find(HASH)
    assert ticket is not None
    return ticket


def test_a_link_is_found_by_the_hash_of_its_token(ledger: Ledger, mail: Mail) -> None:
    _make(ledger, mail)
    ticket = _found(ledger)
    assert ticket == Ticket(ticket.ticket_id, ORG, mail.recipient, mail.flags, NOW, NOW + HOUR)


def test_another_hash_finds_nothing(ledger: Ledger, mail: Mail) -> None:
    _make(ledger, mail)
    assert ledger.tickets.find(HASH[:-1] + b"\xfe") is None


def test_the_same_hash_again_changes_nothing(ledger: Ledger, mail: Mail) -> None:
    _make(ledger, mail)
    before = _found(ledger)
    ledger.tickets.make(mail.mail_id, "other@x.org", [], HASH, NOW + HOUR, NOW + 9 * HOUR)
    assert _found(ledger) == before


def test_a_link_shows_that_its_flags_have_closed(ledger: Ledger, mail: Mail) -> None:
    _make(ledger, mail)
    decide(ledger, Reason.PAID, "M1")
    closed: list[Flag] = [flag for flag in _found(ledger).flags if flag.closed_at]
    assert [flag.key for flag in closed] == ["M1"]


def test_a_link_is_used_once(ledger: Ledger, mail: Mail, open_ledger: Callable[[], Ledger]) -> None:
    _make(ledger, mail)
    ticket_id = _found(ledger).ticket_id
    ledgers = [open_ledger() for _ in range(6)]
    with ThreadPoolExecutor(6) as threads:
        used = list(threads.map(lambda each: each.tickets.use(ticket_id, NOW), ledgers))
    assert sum(used) == 1
    assert _found(ledger).used_at == NOW
    assert not ledger.tickets.use(ticket_id, NOW + HOUR)


def test_an_unknown_link_cannot_be_used(ledger: Ledger) -> None:
    assert not ledger.tickets.use(99, NOW)


def test_tokens_are_kept_as_they_are(ledger: Ledger) -> None:
    assert ledger.tokens.get("xero") is None
    assert ledger.tokens.put("xero", b"\x00\xff", 0)
    assert ledger.tokens.get("xero") == (b"\x00\xff", 1)
    assert ledger.tokens.names() == ["xero"]


def test_of_two_who_renew_the_same_token_one_is_believed(ledger: Ledger) -> None:
    assert ledger.tokens.put("xero", b"old", 0)
    assert ledger.tokens.put("xero", b"first", 1)
    assert not ledger.tokens.put("xero", b"second", 1)
    assert ledger.tokens.get("xero") == (b"first", 2)


def test_of_many_who_renew_at_once_one_is_believed(ledger: Ledger, open_ledger: Callable[[], Ledger]) -> None:
    ledgers = [open_ledger() for _ in range(6)]
    with ThreadPoolExecutor(6) as threads:
        kept = list(threads.map(lambda each: each.tokens.put("xero", b"new", 0), ledgers))
    assert sum(kept) == 1


def test_a_deleted_token_is_gone_and_others_stay(ledger: Ledger) -> None:
    ledger.tokens.put("a", b"1", 0)
    ledger.tokens.put("b", b"2", 0)
    assert ledger.tokens.delete("a")
    assert not ledger.tokens.delete("a")
    assert ledger.tokens.names() == ["b"]


def test_facts_are_kept_replaced_and_forgotten(ledger: Ledger) -> None:
    assert ledger.state.get("config") is None
    ledger.state.put("config", "1")
    ledger.state.put("config", "ü2")
    ledger.state.put("other", "")
    assert (ledger.state.get("config"), ledger.state.get("other")) == ("ü2", "")
    ledger.state.put("config", None)
    assert (ledger.state.get("config"), ledger.state.get("other")) == (None, "")


def test_what_is_written_is_there_after_closing(ledger: Ledger, open_ledger: Callable[[], Ledger]) -> None:
    ledger.state.put("config", "1")
    ledger.close()
    assert open_ledger().state.get("config") == "1"


def test_times_keep_their_instant_whatever_their_zone(ledger: Ledger, mail: Mail) -> None:
    there = NOW.astimezone(dt.timezone(dt.timedelta(hours=13)))
    ledger.tickets.make(mail.mail_id, "a", [], HASH, there, there + HOUR)
    assert _found(ledger).made_at == NOW
    assert _found(ledger).made_at.tzinfo is dt.UTC
