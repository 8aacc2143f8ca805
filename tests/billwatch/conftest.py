"""A directory with a configuration of one organisation, and its ledger."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from databases import CHOSEN, SERVER

from billwatch.config import Config, load
from billwatch.initialise import Start, initialise
from storage.ledger import Ledger


@pytest.fixture
def on_server(request: pytest.FixtureRequest) -> Callable[[Path], None]:
    """Lets a configuration that names no database use one on the server, where the tests' databases are on one."""

    def name(path: Path) -> None:
        if CHOSEN == SERVER:
            with path.open("a", encoding="utf-8") as file:
                file.write(f'\n[storage]\nurl = "{request.getfixturevalue("new_database")()}"\n')

    return name


@pytest.fixture
def configured(tmp_path: Path, on_server: Callable[[Path], None]) -> Path:
    """The path of a configuration as `billwatch init` writes it; its organisation's key is `acme`."""
    path = initialise(tmp_path / "home", Start("acme", "Acme", "", "app", "a@example.org", "450"))
    on_server(path)
    return path


@pytest.fixture
def ledger(configured: Path) -> Iterator[Ledger]:
    """The ledger that the configuration names."""
    with Ledger.open(load(configured, secrets=False).storage.url) as ledger:
        yield ledger


@pytest.fixture
def config(configured: Path) -> Config:
    """That configuration, with its client secret put in."""
    (configured.parent / "secrets/client-secret").write_text("there", encoding="utf-8")
    return load(configured)
