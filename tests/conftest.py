"""How much is tried: the same examples on every run in CI, new ones at the desk. Figures are told at the end."""

import os
from collections import Counter
from collections.abc import Iterator

import ninth
import pytest
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


@pytest.fixture(autouse=True)
def ninth_promise() -> Iterator[None]:
    """Whatever a test does, billwatch has kept its ninth promise in every sandbox of this process."""
    with ninth.watching() as broken:
        yield
    assert broken == []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the sum of what tests have recorded as a figure."""
    figures: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name.startswith("figure "):
                figures[name] += value
    for name, value in figures.items():
        terminalreporter.write_line(f"{name} {value}")
