"""The door that most tests use, opened once per module; each test finds the table empty."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import door
import pytest


@pytest.fixture(scope="module")
def _standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[door.Door]:
    path = tmp_path_factory.mktemp("door") / "billwatch.db"
    door.make_database(path)
    with door.open_door(path) as standing:
        yield standing


@pytest.fixture
def open_(_standing: door.Door) -> door.Door:
    with contextlib.closing(sqlite3.connect(_standing.path)) as connection, connection:
        connection.execute("DELETE FROM raw_request")
    return _standing


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "billwatch.db"
    door.make_database(path)
    return path
