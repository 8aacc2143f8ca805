import contextlib
import logging
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ledger_samples import Broken

from storage.ledger import Ledger


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with its tables and nothing in them, made once."""
    path = tmp_path_factory.mktemp("made") / "billwatch.db"
    Ledger.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def url(made: Path, tmp_path: Path) -> str:
    """Where an empty database is; the one place to name another kind of database."""
    return f"sqlite:///{shutil.copy(made, tmp_path / 'billwatch.db')}"


@pytest.fixture
def open_ledger(url: str) -> Iterator[Callable[[], Ledger]]:
    """Open the database once more, as a second process would."""
    opened: list[Ledger] = []

    def again() -> Ledger:
        ledger = Ledger.open(url, prefixes={"trust": "GM-"}, mail_domain="mail.example.org")
        opened.append(ledger)
        return ledger

    yield again
    for ledger in opened:
        ledger.close()


@pytest.fixture
def ledger(open_ledger: Callable[[], Ledger]) -> Ledger:
    return open_ledger()


@pytest.fixture
def broken(url: str) -> Broken:
    """Make one kind of change fail in the database itself, such as `INSERT ON mail`."""

    @contextlib.contextmanager
    def breaking(change: str) -> Iterator[None]:
        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            connection.execute(f"CREATE TRIGGER broken BEFORE {change} BEGIN SELECT RAISE(ABORT, 'broken'); END")
            connection.commit()
            yield
            connection.execute("DROP TRIGGER broken")
            connection.commit()

    return breaking


@pytest.fixture
def count_queries(caplog: pytest.LogCaptureFixture) -> Callable[[Callable[[], object]], int]:
    """How many statements the database library sends while something is done."""

    def counting(act: Callable[[], object]) -> int:
        caplog.clear()
        with caplog.at_level(logging.DEBUG, logger="peewee"):
            act()
        return len(caplog.records)

    return counting
