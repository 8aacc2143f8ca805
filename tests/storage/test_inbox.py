"""The group commit: durable before it returns, one flush for many, and nobody pays for another's failure."""

import asyncio
import contextlib
import datetime as dt
import sqlite3
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from peewee import SqliteDatabase

from reconciler.errors import StorageError
from storage.inbox import GroupInbox, Row, SqliteStore
from storage.queues import RawRequestRow

NOW = dt.datetime(2026, 7, 9, 8, 10, tzinfo=dt.UTC)


class Gate:
    """A store that holds each group until it is let through, and fails when told to."""

    def __init__(self) -> None:
        self.groups: list[list[bytes]] = []
        self.connections = 0
        self.fail = False
        self.entered = threading.Semaphore(0)
        self.let = threading.Semaphore(0)

    def connect(self) -> "Gate":
        self.connections += 1
        return self

    def insert(self, rows: Sequence[Row]) -> None:
        self.entered.release()
        self.let.acquire()
        if self.fail:
            raise OSError("disk on fire")
        self.groups.append([body for _, _, body in rows])

    def close(self) -> None:
        raise OSError("cannot even close")


@contextlib.asynccontextmanager
async def _open(inbox: GroupInbox) -> AsyncIterator[GroupInbox]:
    inbox.start()
    try:
        yield inbox
    finally:
        await asyncio.to_thread(inbox.stop)


def _keep(inbox: GroupInbox, *bodies: bytes) -> list[asyncio.Task[None]]:
    return [asyncio.ensure_future(inbox.keep(body, "current", NOW)) for body in bodies]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "billwatch.db"
    database = SqliteDatabase(path)
    with database.bind_ctx([RawRequestRow]):
        database.create_tables([RawRequestRow])
    database.close()
    return path


def _kept(path: Path) -> list[tuple[str, str, bytes]]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT received_at, key, body FROM raw_request ORDER BY id").fetchall()


def test_what_comes_while_a_group_is_flushed_makes_one_group() -> None:
    gate = Gate()

    async def scenario() -> None:
        async with _open(GroupInbox(gate.connect)) as inbox:
            first = _keep(inbox, b"1")
            await asyncio.to_thread(gate.entered.acquire)
            rest = _keep(inbox, b"2", b"3", b"4")
            await asyncio.sleep(0)
            assert not any(task.done() for task in first + rest)
            gate.let.release(2)
            await asyncio.gather(*first, *rest)

    asyncio.run(scenario())
    assert gate.groups == [[b"1"], [b"2", b"3", b"4"]]
    assert gate.connections == 1


def test_a_failing_commit_fails_its_own_group_and_the_writer_reconnects() -> None:
    gate = Gate()

    async def scenario() -> None:
        async with _open(GroupInbox(gate.connect)) as inbox:
            gate.fail = True
            gate.let.release()
            with pytest.raises(StorageError, match="disk on fire"):
                await inbox.keep(b"1", "current", NOW)
            gate.fail = False
            gate.let.release()
            await inbox.keep(b"2", "current", NOW)

    asyncio.run(scenario())
    assert (gate.groups, gate.connections) == ([[b"2"]], 2)


def test_a_connection_that_cannot_be_made_is_tried_again_for_the_next_group(tmp_path: Path, path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.db"

    async def scenario() -> None:
        async with _open(GroupInbox(lambda: SqliteStore(elsewhere))) as inbox:
            with pytest.raises(StorageError):
                await inbox.keep(b"1", "current", NOW)
            path.rename(elsewhere)
            await inbox.keep(b"2", "current", NOW)

    asyncio.run(scenario())
    assert [body for _, _, body in _kept(elsewhere)] == [b"2"]


def test_a_full_inbox_refuses_at_once() -> None:
    gate = Gate()

    async def scenario() -> None:
        async with _open(GroupInbox(gate.connect, room=1)) as inbox:
            tasks = _keep(inbox, b"1")
            await asyncio.to_thread(gate.entered.acquire)
            tasks += _keep(inbox, b"2")
            await asyncio.sleep(0)
            with pytest.raises(StorageError, match="full"):
                await inbox.keep(b"3", "current", NOW)
            gate.let.release(2)
            await asyncio.gather(*tasks)

    asyncio.run(scenario())
    assert gate.groups == [[b"1"], [b"2"]]


def test_nobody_waits_longer_than_told_and_the_next_are_kept() -> None:
    gate = Gate()

    async def scenario() -> None:
        async with _open(GroupInbox(gate.connect, seconds=0.01)) as inbox:
            for task in _keep(inbox, b"1", b"2"):
                with pytest.raises(StorageError, match=r"longer than 0\.01 seconds"):
                    await task
            gate.let.release(2)
            await asyncio.to_thread(gate.entered.acquire)

    asyncio.run(scenario())
    assert gate.groups == [[b"1", b"2"]]


def test_a_stop_keeps_all_that_wait_in_their_order() -> None:
    gate = Gate()

    async def scenario() -> None:
        inbox = GroupInbox(gate.connect)
        inbox.start()
        tasks = _keep(inbox, b"1")
        await asyncio.to_thread(gate.entered.acquire)
        tasks += _keep(inbox, b"2", b"3")
        await asyncio.sleep(0)
        stopping = asyncio.ensure_future(asyncio.to_thread(inbox.stop))
        gate.let.release(2)
        await asyncio.gather(stopping, *tasks)
        with pytest.raises(StorageError, match="closed"):
            await inbox.keep(b"4", "current", NOW)

    asyncio.run(scenario())
    assert gate.groups == [[b"1"], [b"2", b"3"]]


def test_what_was_stopped_can_be_started_again(path: Path) -> None:
    inbox = GroupInbox(lambda: SqliteStore(path))
    for body in (b"1", b"2"):
        inbox.start()
        asyncio.run(inbox.keep(body, "current", NOW))
        inbox.stop()
    assert [body for _, _, body in _kept(path)] == [b"1", b"2"]


def test_a_request_that_gave_up_waiting_disturbs_no_other() -> None:
    gate = Gate()

    async def scenario() -> None:
        async with _open(GroupInbox(gate.connect)) as inbox:
            hurried, patient = _keep(inbox, b"1", b"2")
            await asyncio.to_thread(gate.entered.acquire)
            hurried.cancel()
            gate.let.release(2)
            await patient

    asyncio.run(scenario())
    assert [body for group in gate.groups for body in group] == [b"1", b"2"]


def test_a_loop_that_is_gone_does_not_end_the_writer() -> None:
    gate = Gate()
    inbox = GroupInbox(gate.connect)
    inbox.start()

    async def leave() -> None:
        _keep(inbox, b"1")
        await asyncio.to_thread(gate.entered.acquire)

    async def stay() -> None:
        await inbox.keep(b"2", "current", NOW)

    asyncio.run(leave())
    gate.let.release(2)
    asyncio.run(stay())
    inbox.stop()
    assert gate.groups == [[b"1"], [b"2"]]


def test_a_loop_that_died_in_the_middle_of_its_turn_holds_up_nobody(path: Path) -> None:
    inbox = GroupInbox(lambda: SqliteStore(path))
    inbox.start()
    dying = asyncio.new_event_loop()
    left = dying.create_task(inbox.keep(b"1", "current", NOW))
    dying.call_soon(dying.stop)
    dying.run_forever()
    dying.close()

    async def stay() -> None:
        await inbox.keep(b"2", "current", NOW)

    asyncio.run(stay())
    inbox.stop()
    left._log_destroy_pending = False  # type: ignore[attr-defined]
    assert [body for _, _, body in _kept(path)] == [b"1", b"2"]


def test_requests_of_one_turn_of_the_loop_make_one_group() -> None:
    gate = Gate()

    async def scenario() -> None:
        async with _open(GroupInbox(gate.connect)) as inbox:
            gate.let.release(8)
            await asyncio.gather(*_keep(inbox, b"1", b"2", b"3"))

    asyncio.run(scenario())
    assert gate.groups == [[b"1", b"2", b"3"]]


def test_bytes_key_and_time_survive_exactly(path: Path) -> None:
    bodies = [b"", b"\x00\xff\xfe", "Māori".encode(), b"x" * 300_000]
    auckland = dt.datetime(2026, 7, 9, 20, 10, tzinfo=dt.timezone(dt.timedelta(hours=12)))

    async def scenario() -> None:
        async with _open(GroupInbox(lambda: SqliteStore(path))) as inbox:
            for body in bodies:
                await inbox.keep(body, "next", auckland)

    asyncio.run(scenario())
    assert _kept(path) == [("2026-07-09T08:10:00.000000+00:00", "next", body) for body in bodies]


def test_a_turn_of_the_loop_is_one_instant_and_the_next_turn_another(path: Path) -> None:
    async def scenario() -> None:
        async with _open(GroupInbox(lambda: SqliteStore(path))) as inbox:
            for turn in (b"1", b"2"):
                times = [NOW + dt.timedelta(seconds=int(turn), microseconds=number) for number in range(3)]
                await asyncio.gather(*(inbox.keep(turn, "current", at) for at in times))

    asyncio.run(scenario())
    times = {body: at for at, _, body in _kept(path)}
    assert times == {b"1": "2026-07-09T08:10:01.000000+00:00", b"2": "2026-07-09T08:10:02.000000+00:00"}
    assert len(_kept(path)) == 6


def test_groups_that_are_kept_together_keep_their_instants(path: Path) -> None:
    times = [NOW, NOW + dt.timedelta(microseconds=1), NOW]
    store = SqliteStore(path)
    store.insert([(at, "current", b"%d" % number) for number, at in enumerate(times)])
    store.close()
    assert [dt.datetime.fromisoformat(at) for at, _, _ in _kept(path)] == times


def test_every_commit_is_flushed_and_readers_are_not_blocked(path: Path) -> None:
    store = SqliteStore(path)
    assert store._connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert store._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    store.close()


def test_a_group_is_kept_whole_or_not_at_all(path: Path) -> None:
    store = SqliteStore(path)
    rows: list[Row] = [(NOW, "current", b"good"), (NOW, None, b"bad")]  # type: ignore[list-item]
    with pytest.raises(sqlite3.IntegrityError):
        store.insert(rows)
    store.close()
    assert _kept(path) == []


def test_a_replaced_file_is_noticed_before_anything_is_written_to_the_old_one(tmp_path: Path, path: Path) -> None:
    store = SqliteStore(path)
    other = tmp_path / "restored.db"
    other.write_bytes(path.read_bytes())
    other.replace(path)
    with pytest.raises(StorageError, match="replaced"):
        store.insert([(NOW, "current", b"1")])
    store.close()
