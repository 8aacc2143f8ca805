import contextlib
import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ledger_samples import Broken
from postgres_server import Server

from storage.database import open_store
from storage.ledger import Ledger

TRIGGERS = {
    "sqlite": ("CREATE TRIGGER broken BEFORE {change} BEGIN SELECT RAISE(ABORT, 'broken'); END", "DROP TRIGGER broken"),
    "postgresql": (
        "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'broken'; END $$;"
        " CREATE TRIGGER broken BEFORE {change} FOR EACH ROW EXECUTE FUNCTION broken()",
        "DROP FUNCTION broken CASCADE",
    ),
}


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with its tables and nothing in them, made once."""
    path = tmp_path_factory.mktemp("made") / "billwatch.db"
    Ledger.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def made_on_server(postgres: Server) -> str:
    """The same on a server."""
    url = postgres.create("made")
    Ledger.open(url).close()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, made: Path, tmp_path: Path) -> str:
    """Where an empty database is: every law of the ledger holds on either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{shutil.copy(made, tmp_path / 'billwatch.db')}"
    where: str = request.getfixturevalue("made_on_server")
    request.getfixturevalue("postgres").empty("made")
    return where


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

    begin, end = TRIGGERS[url.partition(":")[0]]

    @contextlib.contextmanager
    def breaking(change: str) -> Iterator[None]:
        with contextlib.closing(open_store(url, create=False)) as store:
            store.execute(begin.format(change=change), [])
            try:
                yield
            finally:
                store.execute(end, [])

    return breaking


@pytest.fixture
def count_queries(caplog: pytest.LogCaptureFixture) -> Callable[[Callable[[], object]], int]:
    """How many statements the database library sends while something is done."""

    def counting(act: Callable[[], object]) -> int:
        caplog.clear()
        with caplog.at_level(logging.DEBUG, logger="peewee"):
            act()
        return sum(record.name == "peewee" for record in caplog.records)

    return counting
