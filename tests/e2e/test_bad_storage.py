"""The database is full, locked or away while billwatch works: what then, and that nothing is lost or done twice."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import psycopg
import pytest
from databases import CHOSEN, SERVER, asked
from postgres_server import Server
from world import KEY, World

from reconciler.errors import StorageError
from reconciler.reasons import Reason
from storage.postgres import WRITER

KEYS = [f"M-{number}" for number in range(1, 4)]
Trouble = Callable[[], AbstractContextManager[None]]


class File:
    """What can befall a file."""

    def __init__(self, world: World) -> None:
        self._ledger, self._url = world.house.ledger, world.house.config.storage.url

    @contextlib.contextmanager
    def full(self) -> Iterator[None]:
        """It can grow no more, and has no room left within."""
        (pages,) = self._pragma("page_count")
        self._pragma(f"max_page_count = {pages}")
        with contextlib.suppress(StorageError):
            for number in range(200):
                self._ledger.state.put(f"filling {number}", "x" * 4_000)
            raise AssertionError("the disk is not full")
        yield
        self._pragma("max_page_count = 1073741823")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Somebody else holds it for longer than anybody waits."""
        self._pragma("busy_timeout = 20")
        path = self._url.removeprefix("sqlite:///")
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            yield
            holder.execute("ROLLBACK")
        self._pragma("busy_timeout = 10000")

    def _pragma(self, text: str) -> Any:
        """Set or read a setting of this thread's connection."""
        return self._ledger._store._database.execute_sql(f"PRAGMA {text}").fetchone()


class Served:
    """What can befall a database on a server."""

    NO_ROOM = """
        CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
        END $$;
        DO $$ DECLARE name TEXT; BEGIN
            FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
                EXECUTE format('CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON %I EXECUTE FUNCTION no_room()', name);
            END LOOP;
        END $$
    """

    def __init__(self, world: World, server: Server) -> None:
        self._store, self._url, self._server = world.house.ledger._store, world.house.config.storage.url, server

    @contextlib.contextmanager
    def full(self) -> Iterator[None]:
        """It has no room for another row."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(self.NO_ROOM.encode())
            yield
            connection.execute("DROP FUNCTION no_room CASCADE")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Somebody else writes for longer than anybody waits."""
        self._store.execute("SET lock_timeout = '20ms'", [])
        with psycopg.connect(self._url) as holder:
            holder.execute("SELECT pg_advisory_xact_lock(%s)", [WRITER])
            yield
        self._store.execute("SET lock_timeout = '10s'", [])

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """The server is dead."""
        self._server.stop()
        yield
        self._server.start()


@pytest.fixture(params=["full", "locked", "away"] if CHOSEN == SERVER else ["full", "locked"])
def trouble(request: pytest.FixtureRequest, world: World) -> Trouble:
    on_server = CHOSEN == SERVER
    befalls = Served(world, request.getfixturevalue("postgres")) if on_server else File(world)
    found: Trouble = getattr(befalls, request.param)
    return found


def settled(world: World, *keys: str) -> None:
    """Each milestone has its one bill, and nothing is left open."""
    for _ in range(3):
        world.xero.advance(minutes=12)
        world.sweep()
    assert sorted(bill.number for bill in world.org.bills()) == sorted(keys)
    assert {world.reason(key) for key in keys} == {Reason.AWAITING_APPROVAL}
    assert world.house.ledger.attempts.open(KEY) == []


def recorded(world: World) -> int:
    """How many attempts the database knows of."""
    ((count,),) = asked(world.house.config.storage.url, "SELECT count(*) FROM attempt")
    return int(count)


def test_what_cannot_be_recorded_is_not_sent_and_is_made_good_afterwards(world, trouble):
    for key in KEYS:
        world.put(key)
    with trouble(), pytest.raises(StorageError, match="database"):
        world.turn()
    assert world.writes() == recorded(world)
    settled(world, *KEYS)


def test_an_answer_that_cannot_be_recorded_is_looked_up_afterwards(world, trouble):
    for key in KEYS:
        world.put(key)
    client, stack = world.cycle._pusher._xero, contextlib.ExitStack()
    send = client.send

    def late(attempt: Any) -> Any:
        client.send = send
        outcomes = send(attempt)
        stack.enter_context(trouble())
        return outcomes

    client.send = late
    with stack, pytest.raises(StorageError):
        world.turn()
    assert len(world.org.bills()) == len(KEYS)
    settled(world, *KEYS)
