"""The database opens safely for anyone at any time, or says in a sentence why it does not."""

import contextlib
import multiprocessing
import os
import sqlite3
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from ledger_samples import NOW, ORG, Broken, milestone
from peewee import Model, TextField, sort_models
from playhouse.schema_diff import diff_models

from reconciler.errors import StorageError
from storage.database import open_store
from storage.ledger import Ledger
from storage.migrating import MIGRATIONS
from storage.models import Row
from storage.queues import StateRow

TABLES = sort_models([table for table in Row.__subclasses__() if table.__module__.startswith("storage.")])


class Applied(Model):
    """What the migrations remember of themselves."""

    name = TextField()
    applied = TextField()

    class Meta:
        table_name = "schema_migration"
        primary_key = False


only_sqlite = pytest.mark.parametrize("url", ["sqlite"], indirect=True)


def _url(path: Path) -> str:
    return f"sqlite:///{path}"


def _pragma(path: Path, name: str) -> object:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_a_new_database_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    with Ledger.open(_url(path)) as ledger:
        ledger.state.put("a", "1")
        files = [path, *tmp_path.glob("new.db-[ws]*")]
        assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600] * 3


def test_the_database_is_logged_ahead_and_flushed_at_every_commit(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    store = open_store(_url(path), create=True)
    with contextlib.closing(store):
        assert _pragma(path, "journal_mode") == "wal"
        assert store._database.pragma("synchronous") == 2
        assert store._database.pragma("foreign_keys") == 1


def test_what_does_not_exist_is_not_made_unasked(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no database at"):
        Ledger.open(_url(tmp_path / "none.db"), create=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["mysql://u:secret@host/db", "billwatch.db", "", "sqlite://", "sqlite:///"])
def test_another_kind_of_name_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(StorageError, match="must be named as sqlite:///path") as refused:
        Ledger.open(url)
    assert "secret" not in str(refused.value)


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be opened for writing: No such file"):
        Ledger.open(_url(tmp_path / "none" / "x.db"))


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be opened for writing"):
        Ledger.open(_url(tmp_path))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    Ledger.open(_url(path)).close()
    path.chmod(0o400)
    with pytest.raises(StorageError, match="cannot be opened for writing: Permission denied"):
        Ledger.open(_url(path))


def test_a_file_that_is_no_database_is_told_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.write_text("hello " * 1000)
    with pytest.raises(StorageError, match="not a database"):
        Ledger.open(_url(path))
    assert path.read_text() == "hello " * 1000


@only_sqlite
def test_a_damaged_database_is_told(url: str, ledger: Ledger) -> None:
    ledger.milestones.put([milestone(f"M{number}") for number in range(200)], NOW)
    ledger.close()
    path = Path(url.removeprefix("sqlite:///"))
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))
    with pytest.raises(StorageError, match="cannot be used"), Ledger.open(url) as damaged:
        damaged.milestones.dirty_keys(ORG, NOW, 10)


@only_sqlite
def test_a_full_disk_is_told_and_leaves_what_was_there(url: str) -> None:
    with contextlib.closing(open_store(url, create=False)) as store:
        ledger = Ledger(store)
        ledger.state.put("a", "1")
        pages = store._database.pragma("page_count")
        store._database.pragma("max_page_count", pages)
        with pytest.raises(StorageError, match="full"):
            ledger.state.put("b", "x" * 10_000_000)
        assert (ledger.state.get("a"), ledger.state.get("b")) == ("1", None)


def test_a_closed_database_opens_again_by_itself(ledger: Ledger) -> None:
    ledger.close()
    ledger.state.put("a", "1")
    assert ledger.state.get("a") == "1"


@only_sqlite
def test_closing_closes_the_connections_of_other_threads(ledger: Ledger, url: str) -> None:
    used, done = threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: (ledger.state.put("a", "1"), used.set(), done.wait(60)))
    thread.start()
    assert used.wait(60)
    ledger.close()
    assert not Path(f"{url.removeprefix('sqlite:///')}-wal").exists()
    done.set()
    thread.join()


def test_the_migrations_make_the_tables_that_the_models_describe(url: str) -> None:
    with contextlib.closing(open_store(url, create=False)) as store:
        difference = diff_models(store._database, TABLES)
        assert not difference, str(difference)


def test_opening_again_migrates_nothing(url: str) -> None:
    def applied() -> list[object]:
        with contextlib.closing(open_store(url, create=False)) as store:
            return store.rows(Applied.select().order_by(Applied.name))

    before = applied()
    Ledger.open(url).close()
    assert applied() == before
    assert len(before) == len(list(MIGRATIONS.glob("[0-9]*.py")))


def _open_and_write(url: str, name: str) -> None:
    with Ledger.open(url) as ledger:
        ledger.state.put(name, "1")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_ten_processes_may_open_a_new_database_at_once(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    is_file = kind == "sqlite"
    url = _url(tmp_path / "new.db") if is_file else request.getfixturevalue("postgres").create("new")
    context = multiprocessing.get_context("forkserver")
    processes = [context.Process(target=_open_and_write, args=(url, str(number))) for number in range(10)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 10
    with Ledger.open(url, create=False) as ledger:
        assert [ledger.state.get(str(number)) for number in range(10)] == ["1"] * 10


def test_what_fails_midway_leaves_nothing(ledger: Ledger, broken: Broken) -> None:
    with broken("INSERT ON link"), pytest.raises(StorageError, match="broken"):
        ledger.milestones.put([milestone()], NOW)
    assert ledger.milestones.put([milestone()], NOW) == (1, 0, 0)


def test_an_exception_inside_a_transaction_leaves_nothing(url: str) -> None:
    with contextlib.closing(open_store(url, create=False)) as store:
        with pytest.raises(ZeroDivisionError), store.write():
            store.run(StateRow.insert(name="a", value="1").as_rowcount()) / 0
        assert Ledger(store).state.get("a") is None


def test_readers_do_not_wait_for_a_writer(ledger: Ledger, open_ledger: Callable[[], Ledger], url: str) -> None:
    ledger.state.put("a", "1")
    with contextlib.closing(open_store(url, create=False)) as store, store.write():
        store.run(StateRow.update(value="2"))
        assert open_ledger().state.get("a") == "1"
