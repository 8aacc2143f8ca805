"""How much is tried: the same examples on every run in CI, new ones at the desk. Figures are told at the end."""

import contextlib
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import ninth
import pytest
from databases import CHOSEN, SERVER, Databases, Files, Served
from hypothesis import HealthCheck, settings
from postgres_server import Server

settings.register_profile("desk", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("desk"), derandomize=True, database=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "desk")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL of this process's own, started when the first test asks for it."""
    server = Server()
    yield server
    server.close()


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Databases:
    """Where the databases of this run come from."""
    if CHOSEN == SERVER:
        return Served(request.getfixturevalue("postgres"))
    return Files(tmp_path_factory.mktemp("databases"))


@pytest.fixture
def new_database(databases: Databases, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Gives empty databases for the length of a test; a file lies in `tmp_path`, or in the folder given."""
    with contextlib.ExitStack() as stack:
        yield lambda folder=tmp_path: stack.enter_context(databases.lent(folder))


@pytest.fixture(autouse=True)
def ninth_promise() -> Iterator[None]:
    """Whatever a test does, billwatch has kept its ninth promise in every sandbox of this process."""
    with ninth.watching() as broken:
        yield
    assert broken == []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where databases are on a server, what is about a file is left out, and counted as such."""
    about_a_file = [item for item in items if item.get_closest_marker("file")] if CHOSEN == SERVER else []
    if about_a_file:
        items[:] = [item for item in items if item not in about_a_file]
        config.hook.pytest_deselected(items=about_a_file)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the sum of what tests have recorded as a figure."""
    figures: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name.startswith("figure "):
                figures[name] += value
    for name, value in figures.items():
        terminalreporter.write_line(f"{name} {value}")
