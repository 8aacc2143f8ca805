"""A server is said to be away, or not to let us in, in a sentence; once it is back, all goes on by itself."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest
from ledger_samples import NOW, ORG, milestone
from postgres_server import Server

from reconciler.errors import StorageError
from reconciler.records import Delivery
from storage.inbox import GroupInbox
from storage.ledger import Ledger
from storage.postgres import LOCK_SECONDS, WRITER, open_server

pytestmark = pytest.mark.parametrize("url", ["postgresql"], indirect=True)

XERO_WAITS = 5  # seconds, for an answer to a webhook; at rest it takes milliseconds


@contextlib.contextmanager
def _inbox(ledger: Ledger, kept: Callable[[], None] = lambda: None) -> Iterator[GroupInbox]:
    inbox = ledger.group_inbox(kept)
    inbox.start()
    yield inbox
    inbox.stop()


def _refusal(where: str) -> str:
    with pytest.raises(StorageError) as refused:
        Ledger.open(where)
    assert "s3cr3t" not in f"{refused.value!r}{refused.value}"
    return str(refused.value)


def test_a_server_that_is_not_there_is_told(url: str) -> None:
    told = _refusal("postgresql://me:s3cr3t@127.0.0.1:9/grants")
    assert told.startswith("The database postgresql://127.0.0.1:9/grants cannot be reached (")
    assert told.endswith("See that its server runs, and that storage.url names its host and port.")


def test_a_wrong_password_is_told(url: str, postgres: Server) -> None:
    postgres.execute("DROP ROLE IF EXISTS guarded", "CREATE ROLE guarded LOGIN PASSWORD 'right'")
    postgres.execute("DROP DATABASE IF EXISTS guarded", "CREATE DATABASE guarded OWNER guarded")
    told = _refusal(postgres.url("guarded", user="guarded", password="s3cr3t"))
    assert told == "The database postgresql:///guarded refuses the password of “guarded”: check storage.password."
    with Ledger.open(postgres.url("guarded", user="guarded", password="right")) as ledger:
        assert ledger.alive()


def test_a_database_that_was_never_made_is_told(url: str, postgres: Server) -> None:
    told = _refusal(postgres.url("nowhere"))
    assert told == "There is no database postgresql:///nowhere: make it on its server with createdb nowhere."


def test_an_unknown_user_is_told(url: str, postgres: Server) -> None:
    assert "does not know the user “nobody”" in _refusal(postgres.url(user="nobody"))


@pytest.mark.parametrize("where", ["postgresql://me:s3cr3t@[host/x", "postgresql://me:s3cr3t@host"])
def test_what_is_no_address_is_told_without_repeating_it(url: str, where: str) -> None:
    assert "The database's URL" in _refusal(where)


def test_text_sorts_by_its_characters_whatever_the_server_speaks(ledger: Ledger) -> None:
    query = "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'public' AND data_type = 'text'"
    assert ledger._store.value(f"{query} AND collation_name IS DISTINCT FROM 'C'", []) == 0
    assert ledger._store.value(query, []) > 100
    ledger.milestones.put([milestone(key) for key in ("b", "B", "a", "A-1", "A1")], NOW)
    assert ledger.milestones.dirty_keys(ORG, NOW, 10) == ["A-1", "A1", "B", "a", "b"]


def test_a_nul_in_a_text_is_replaced_and_nothing_fails(ledger: Ledger) -> None:
    ledger.milestones.put([milestone("M1", title="Stage\0one")], NOW)
    (found,) = ledger.overview.listed(ORG, ["M1", "M\0"])
    assert found.milestone.title == "Stage\N{REPLACEMENT CHARACTER}one"
    assert ledger.milestones.standing(ORG, ["M\0"]) == []


def test_numbers_may_be_large(ledger: Ledger) -> None:
    ledger.milestones.put([milestone()], NOW)
    ledger._store.execute("UPDATE link SET version = ?", [2**40])
    assert ledger.milestones.gather(ORG, ["M1"], 0)[0].link.version == 2**40


def test_every_commit_is_flushed(url: str) -> None:
    database = open_server(url)
    with contextlib.closing(database.line()) as line:
        assert line.execute("SHOW synchronous_commit").fetchone() == ("on",)
    database.close_all()


def test_while_the_server_is_away_requests_are_refused_at_once_and_kept_when_it_is_back(
    ledger: Ledger, postgres: Server
) -> None:
    async def scenario() -> float:
        with _inbox(ledger) as inbox:
            await inbox.keep(b"1", "current", NOW)
            await asyncio.to_thread(postgres.stop)
            try:
                asked = time.monotonic()
                for _ in range(3):
                    with pytest.raises(StorageError):
                        await inbox.keep(b"lost", "current", NOW)
                took = time.monotonic() - asked
                with pytest.raises(StorageError, match="cannot be reached"):
                    ledger.alive()
            finally:
                await asyncio.to_thread(postgres.start)
            assert ledger.alive()
            with contextlib.suppress(StorageError):  # the writer may find only now that its connection is gone
                await inbox.keep(b"2", "current", NOW)
            await inbox.keep(b"3", "current", NOW)
            return took

    assert asyncio.run(scenario()) < XERO_WAITS
    drained = ledger.inbox.drain(lambda body: Delivery([]) if body in (b"1", b"2", b"3") else None, {}, NOW)
    assert drained.requests >= 2
    assert drained.unreadable == 0


def test_who_waits_for_requests_is_woken_from_elsewhere(ledger: Ledger, open_ledger: Callable[[], Ledger]) -> None:
    heard, halt = threading.Semaphore(0), threading.Event()
    listener = threading.Thread(target=open_ledger().listen, args=(heard.release, halt))
    listener.start()
    assert heard.acquire(timeout=60), "listening begins with a look at what is there already"

    async def scenario() -> None:
        with _inbox(ledger) as inbox:
            await inbox.keep(b"1", "current", NOW)

    asyncio.run(scenario())
    assert heard.acquire(timeout=60)
    halt.set()
    listener.join(60)
    assert not listener.is_alive()


def test_a_writer_that_falls_silent_holds_up_the_others_for_seconds_only(ledger: Ledger, url: str) -> None:
    database = open_server(url)
    with contextlib.closing(database.line()) as silent:
        silent.execute(f"BEGIN; SELECT pg_advisory_xact_lock({WRITER})")
        asked = time.monotonic()
        ledger.state.put("a", "1")
        assert time.monotonic() - asked < LOCK_SECONDS
        with pytest.raises(psycopg.Error):
            silent.execute("COMMIT")
    database.close_all()
