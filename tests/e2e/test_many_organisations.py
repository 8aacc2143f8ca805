"""One process for very many organisations: none is left out, a stop ends soon, and the log stays readable."""

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs
from world import KEY, until

from billwatch.daemon import NAMED_AT_MOST, Daemon
from billwatch.jobs import MOST_THREADS, WOKEN_AT_ONCE, Jobs, Turns
from billwatch.metrics import Metrics
from billwatch.office import office

MANY = WOKEN_AT_ONCE + WOKEN_AT_ONCE // 2
NAMES = [f"o{number:03}" for number in range(MANY)]


class Gated:
    """The cycle of an organisation, each turn of which waits at a gate; `begun` are the ticks and sweeps of all."""

    def __init__(self, organisation: Any, gate: threading.Event, begun: list[str]) -> None:
        self.organisation, self._gate, self._begun = organisation, gate, begun

    def tick(self) -> None:
        self._begun.append(f"tick {self.organisation.key}")
        assert self._gate.wait(20)

    def turn(self, *, sweep: bool) -> None:
        assert sweep
        self._begun.append(f"sweep {self.organisation.key}")
        assert self._gate.wait(20)


class Crowd:
    """A house of many organisations, all of which have something to do all the time."""

    def __init__(self, world: Any) -> None:
        self.house, self.gate, self.begun = world.house, threading.Event(), list[str]()
        known = world.house.organisations[KEY]
        self.house.organisations = {name: msgspec.structs.replace(known, key=name) for name in NAMES}
        self.house.cycles = {
            name: Gated(organisation, self.gate, self.begun) for name, organisation in self.house.organisations.items()
        }
        pace = msgspec.structs.replace(self.house.config.reconciler, tick_seconds=0.05)
        self.house.config = msgspec.structs.replace(self.house.config, reconciler=pace)


@pytest.fixture
def crowd(make_world):
    return Crowd(make_world())


@given(st.integers(1, 4), st.lists(st.sets(st.sampled_from("abcdefghij")), max_size=20))
def test_who_stays_due_is_woken_before_anybody_else_is_twice(most: int, coming_and_going: list[set[str]]) -> None:
    turns, waiting = Turns(most), dict.fromkeys("abcdefghij", 0)
    for due in coming_and_going:
        woken = turns.next(due)
        assert len(woken) == len(set(woken)) == min(most, len(due))
        assert due.issuperset(woken)
        waiting = {one: waits + 1 if one in due and one not in woken else 0 for one, waits in waiting.items()}
        assert all(waits * most < len(waiting) for waits in waiting.values())


def test_of_many_organisations_with_something_to_do_none_is_left_out(crowd):
    crowd.gate.set()
    jobs = Jobs(crowd.house, Metrics())
    jobs.start()
    try:
        until(lambda: {f"tick {name}" for name in NAMES} <= set(crowd.begun))
    finally:
        jobs.halt()
        jobs.stop()


def test_a_stop_waits_for_what_runs_and_begins_nothing_of_what_is_queued(crowd):
    jobs = Jobs(crowd.house, Metrics())
    jobs.start()
    try:
        until(lambda: len(crowd.begun) == MOST_THREADS)
    finally:
        jobs.halt()
        stopping = threading.Thread(target=jobs.stop, daemon=True)
        stopping.start()
        waits = stopping.is_alive()
        crowd.gate.set()
        stopping.join(10)
    assert waits
    assert not stopping.is_alive()
    assert len(crowd.begun) == MOST_THREADS


def asked(work: Callable[[], Any], caplog: pytest.LogCaptureFixture) -> int:
    """How many statements the database was asked for that."""
    caplog.clear()
    with caplog.at_level(logging.DEBUG, "peewee"):
        work()
    return sum(record.name == "peewee" for record in caplog.records)


def test_to_show_very_many_organisations_the_database_is_asked_no_more_than_for_one(make_world, caplog):
    world = make_world()
    one = asked(office(world.house).standing, caplog)
    several = office(Crowd(world).house)
    assert one > 0
    assert asked(several.standing, caplog) == one
    assert [standing.organisation.key for standing in several.standing()] == NAMES


@pytest.fixture
def log() -> Iterator[list[Any]]:
    """The lines of the log that a running daemon writes."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    with capture_logs() as lines:
        yield lines
    structlog.configure(**before)


def started(daemon: Daemon, log: list[Any]) -> Any:
    daemon.start()
    daemon.stop()
    (line,) = [line for line in log if line["event"] == "started"]
    return line


def test_the_line_of_a_start_names_the_one_organisation(make_world, log):
    line = started(Daemon(make_world().house), log)
    assert (line["organisations"], line["organisation_keys"]) == (1, [KEY])


def test_the_line_of_a_start_only_counts_very_many(crowd, log):
    assert MANY > NAMED_AT_MOST
    crowd.gate.set()
    line = started(Daemon(crowd.house), log)
    assert line["organisations"] == MANY
    assert "organisation_keys" not in line
