"""A copy made under load is one whole state; what is put back is that state, and nothing is overwritten unasked."""

import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.errors import StorageError
from storage import Ledger
from storage.backup import back_up, restore


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'billwatch.db'}"


def put(ledger: Ledger, number: int) -> None:
    """A milestone whose two facts change together."""
    ledger.state.put("number", str(number))


def number_in(path: Path) -> str | None:
    with Ledger.open(f"sqlite:///{path}", create=False) as ledger:
        return ledger.state.get("number")


def test_a_copy_is_the_state_of_its_moment_and_can_be_put_back(url, tmp_path):
    with Ledger.open(url) as ledger:
        put(ledger, 1)
        assert back_up(url, tmp_path / "copy.db") > 0
        put(ledger, 2)
    restore(url, tmp_path / "copy.db", tmp_path / "aside.db")
    assert number_in(tmp_path / "billwatch.db") == "1"
    assert number_in(tmp_path / "aside.db") == "2"


def test_copies_under_load_are_whole_and_hold_up_nobody(url, tmp_path):
    stop, written, failures = threading.Event(), [0], []
    with Ledger.open(url) as ledger:

        def write() -> None:
            try:
                while not stop.is_set():
                    with ledger.together():
                        ledger.state.put("a", str(written[0]))
                        ledger.state.put("b", str(written[0]))
                    written[0] += 1
            except StorageError as error:
                failures.append(error)

        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        try:
            seen = []
            for number in range(10):
                before = written[0]
                back_up(url, tmp_path / f"copy-{number}.db")
                seen.append((before, written[0]))
        finally:
            stop.set()
            writer.join(10)
    assert failures == []
    for number, (before, after) in enumerate(seen):
        with Ledger.open(f"sqlite:///{tmp_path / f'copy-{number}.db'}", create=False) as copy:
            a, b = copy.state.get("a"), copy.state.get("b")
        assert a == b
        assert before - 1 <= int(a or 0) <= after + 1


def test_a_copy_is_for_its_owner_alone_and_one_file(url, tmp_path):
    with Ledger.open(url):
        back_up(url, tmp_path / "copy.db")
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600
    assert sorted(each.name for each in tmp_path.iterdir() if "copy" in each.name) == ["copy.db"]


def test_nothing_is_written_over(url, tmp_path):
    Ledger.open(url).close()
    (tmp_path / "copy.db").write_text("mine")
    with pytest.raises(StorageError, match="exists already"):
        back_up(url, tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "mine"


def test_a_database_in_use_is_not_replaced(url, tmp_path):
    with Ledger.open(url) as ledger:
        put(ledger, 1)
        back_up(url, tmp_path / "copy.db")
        put(ledger, 2)
        with pytest.raises(StorageError, match="in use"):
            restore(url, tmp_path / "copy.db", tmp_path / "aside.db")
        assert ledger.state.get("number") == "2"


def damaged(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[4096 * 3 : 4096 * 3 + 2_000] = b"x" * 2_000
    path.write_bytes(raw)


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        (table,) = connection.execute("SELECT name FROM sqlite_master WHERE name LIKE '%migration%'").fetchone()
        connection.execute(f"UPDATE {table} SET name = '9999_later_breaking' WHERE name LIKE '0001%'")


def strange(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE other (a)")


@pytest.mark.parametrize("harm", [damaged, newer, strange, Path.unlink, lambda path: path.write_text("no database")])
def test_a_copy_that_cannot_be_used_leaves_everything_as_it_was(url, tmp_path, harm):
    with Ledger.open(url) as ledger:
        put(ledger, 1)
        back_up(url, tmp_path / "copy.db")
    harm(tmp_path / "copy.db")
    with pytest.raises(StorageError):
        restore(url, tmp_path / "copy.db", tmp_path / "aside.db")
    assert number_in(tmp_path / "billwatch.db") == "1"
    assert not (tmp_path / "aside.db").exists()


def test_a_copy_can_be_put_where_nothing_was(url, tmp_path):
    with Ledger.open(url) as ledger:
        put(ledger, 1)
        back_up(url, tmp_path / "copy.db")
    restore(f"sqlite:///{tmp_path / 'new.db'}", tmp_path / "copy.db", tmp_path / "aside.db")
    assert number_in(tmp_path / "new.db") == "1"
    assert stat.S_IMODE((tmp_path / "new.db").stat().st_mode) == 0o600
