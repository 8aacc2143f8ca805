"""A request that was acknowledged becomes events once, and is lost by nothing that can go wrong while it does."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ledger_samples import HOUR, NOW, ORG, Broken, bind, hear, milestone, receive

from reconciler.errors import StorageError
from reconciler.ports import Drained, Waiting
from reconciler.records import Delivery, Event
from storage.ledger import Ledger

TENANTS = {"tenant": ORG}


def _event(bill_id: str = "b1", tenant: str = "tenant") -> Event:
    return Event(tenant, "INVOICE", bill_id, "UPDATE", NOW)


def _by_body(body: bytes) -> Delivery | None:
    """`-` cannot be read; any other letter is an event about that bill."""
    return None if body == b"-" else Delivery([_event(letter) for letter in body.decode()])


def test_nothing_waits_at_first(ledger: Ledger) -> None:
    assert ledger.inbox.waiting() is None
    assert ledger.inbox.drain(_by_body, TENANTS, NOW) == Drained()


def test_what_waits_is_told_with_its_times(ledger: Ledger, url: str) -> None:
    receive(url, b"a", at=NOW + HOUR)
    receive(url, b"b", b"c", at=NOW)
    assert ledger.inbox.waiting() == Waiting(NOW, NOW + HOUR)


def test_requests_are_drained_once(ledger: Ledger, url: str) -> None:
    receive(url, b"ab", b"c")
    assert ledger.inbox.drain(_by_body, TENANTS, NOW) == Drained(requests=2, events=3)
    assert ledger.inbox.waiting() is None
    assert ledger.inbox.drain(_by_body, TENANTS, NOW) == Drained()


def test_the_body_is_read_as_it_came_in(ledger: Ledger, url: str) -> None:
    seen: list[bytes] = []
    receive(url, b"\x00\xff{}")
    ledger.inbox.drain(lambda body: seen.append(body) or Delivery([]), TENANTS, NOW)
    assert seen == [b"\x00\xff{}"]


def test_an_unreadable_request_is_counted_and_holds_up_nothing(ledger: Ledger, url: str) -> None:
    receive(url, b"-", b"a")
    assert ledger.inbox.drain(_by_body, TENANTS, NOW) == Drained(requests=2, unreadable=1, events=1)
    assert ledger.inbox.waiting() is None


def test_an_event_of_a_tenant_that_nobody_follows_is_counted_and_concerns_nobody(ledger: Ledger, url: str) -> None:
    ledger.milestones.put([milestone()], NOW)
    bind(ledger, "b1")
    assert hear(url, ledger, "b1", NOW, tenant="stranger") == Drained(requests=1, events=1, foreign=1)
    assert ledger.mirror.dirty_bills(ORG, 10) == []


def test_an_event_told_twice_is_one(ledger: Ledger, url: str) -> None:
    ledger.milestones.put([milestone()], NOW)
    bind(ledger, "b1")
    hear(url, ledger, "b1", NOW)
    ledger.mirror.clean(ORG, ledger.mirror.dirty_bills(ORG, 10))
    hear(url, ledger, "b1", NOW)
    assert ledger.mirror.dirty_bills(ORG, 10) == []


def test_many_requests_are_drained_in_batches(ledger: Ledger, url: str) -> None:
    receive(url, *[b"abc"] * 120)
    assert ledger.inbox.drain(_by_body, TENANTS, NOW) == Drained(requests=120, events=360)


def test_several_who_drain_at_once_share_the_requests(
    ledger: Ledger, open_ledger: Callable[[], Ledger], url: str
) -> None:
    receive(url, *[b"a"] * 200)
    ledgers = [open_ledger() for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        drained = list(threads.map(lambda each: each.inbox.drain(_by_body, TENANTS, NOW), ledgers))
    assert sum(each.requests for each in drained) == 200


def test_a_drain_that_is_cut_off_loses_nothing(ledger: Ledger, url: str, broken: Broken) -> None:
    receive(url, b"a", b"b")
    with broken("UPDATE ON raw_request"), pytest.raises(StorageError):
        ledger.inbox.drain(_by_body, TENANTS, NOW)
    assert ledger.inbox.drain(_by_body, TENANTS, NOW) == Drained(requests=2, events=2)


def test_what_was_drained_long_ago_is_forgotten_and_nothing_else(ledger: Ledger, url: str) -> None:
    receive(url, b"ab")
    ledger.inbox.drain(_by_body, TENANTS, NOW)
    receive(url, b"c")
    assert ledger.inbox.forget(NOW) == 0
    assert ledger.inbox.forget(NOW + HOUR) == 3
    assert ledger.inbox.drain(_by_body, TENANTS, NOW).requests == 1


def test_the_receivers_writer_finds_its_table_in_a_new_database(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    with Ledger.open(url) as ledger:
        receive(url, b"a")
        assert ledger.inbox.waiting() == Waiting(NOW, NOW)


def test_the_numbers_of_what_came_are_counted_by_the_key_that_signed_it(ledger: Ledger, url: str) -> None:
    for number in (1, 2, 5):
        receive(url, b"x")
        delivery = Delivery([_event()], number, number)
        ledger.inbox.drain(lambda _body, one=delivery: one, TENANTS, NOW)  # type: ignore[misc]
    receive(url, b"a")
    ledger.inbox.drain(_by_body, TENANTS, NOW)
    (held,) = ledger.numberings.all().values()
    assert [(run.first, run.last) for run in held.runs] == [(1, 2), (5, 5)]
    assert held.requests == 3
