"""A database that may not be written can be looked at."""

import sqlite3
from pathlib import Path

import pytest
from ledger_samples import NOW, ORG, milestone

from reconciler.errors import StorageError
from storage.database import view_store, writable
from storage.ledger import Ledger
from storage.sqlite import translated


@pytest.mark.parametrize("running", [True, False])
def test_what_is_kept_can_be_read_and_nothing_written_or_made(tmp_path: Path, running: bool) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    other = Ledger.open(url)
    other.milestones.put([milestone("M1")], NOW)
    if not running:
        other.close()
    before = set(tmp_path.iterdir())
    with Ledger(view_store(url)) as ledger:
        assert [one.milestone.key for one in ledger.overview.listing(ORG, 10)] == ["M1"]
        with pytest.raises(StorageError, match="readonly"):
            ledger.milestones.put([milestone("M2")], NOW)
        assert set(tmp_path.iterdir()) == before
    other.close()


def test_older_tables_are_not_guessed_at(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "a.db").executescript("CREATE TABLE schema_migration (id, name, applied)").close()
    with pytest.raises(StorageError, match="not those of this release, and it cannot be written"):
        view_store(f"sqlite:///{tmp_path}/a.db")


def test_what_does_not_exist_may_be_made_but_not_looked_at(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    assert writable(url)
    with pytest.raises(StorageError, match="There is no database"):
        view_store(url)


def test_a_database_that_stays_locked_is_told_with_how_long_it_was() -> None:
    told = r"a\.db is locked: another program has been writing it for 10 seconds"
    with pytest.raises(StorageError, match=told), translated("a.db"):
        raise sqlite3.OperationalError("database is locked")
