"""A directory with a configuration of one organisation, and its ledger."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from billwatch.config import Config, load
from billwatch.initialise import Start, initialise
from storage.ledger import Ledger


@pytest.fixture
def configured(tmp_path: Path) -> Path:
    """The path of a configuration as `billwatch init` writes it; its organisation's key is `acme`."""
    return initialise(tmp_path / "home", Start("acme", "Acme", "", "app", "a@example.org", "450"))


@pytest.fixture
def ledger(configured: Path) -> Iterator[Ledger]:
    """The ledger that the configuration names."""
    with Ledger.open(f"sqlite:///{configured.parent}/billwatch.db") as ledger:
        yield ledger


@pytest.fixture
def config(configured: Path) -> Config:
    """That configuration, with its client secret put in."""
    (configured.parent / "secrets/client-secret").write_text("there", encoding="utf-8")
    return load(configured)
