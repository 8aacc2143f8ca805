"""The fixtures that give a `world.World`; conftest modules take them from here."""

import contextlib
import logging
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import stamina
import structlog
from cryptography.fernet import Fernet
from postgres_server import Server
from world import World, config_text, open_house, storage

from billwatch.sandbox import Sandbox
from billwatch.wiring import House
from storage import Ledger


@pytest.fixture(autouse=True)
def impatient() -> Iterator[None]:
    """Reads are tried three times all the same, without real waiting in between; the log tells what went wrong only."""
    stamina.set_testing(True, attempts=3, cap=True)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    yield
    structlog.reset_defaults()
    stamina.set_testing(False)


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def xero(running_sandbox: Sandbox) -> Iterator[Sandbox]:
    """A running sandbox, empty, with no limits on calls; tests that are about limits set them."""
    running_sandbox.reset()
    running_sandbox.limits(on=False)
    running_sandbox.reset_calls()
    yield running_sandbox
    running_sandbox.reset()


@pytest.fixture(scope="session")
def new_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database as `Ledger.open` makes it, to be copied: making one takes longer than most tests."""
    path = tmp_path_factory.mktemp("database") / "billwatch.db"
    Ledger.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def environ() -> dict[str, str]:
    return {
        "ENCRYPTION_KEY": Fernet.generate_key().decode(),
        "LINK_KEY": secrets.token_urlsafe(32),
        "WEBHOOK_KEY": "a webhook key",
        "CLIENT_SECRET": "",
    }


@pytest.fixture
def make_world(
    xero: Sandbox, tmp_path: Path, environ: dict[str, str], new_database: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[..., World]]:
    """Makes worlds: `policy`, `organisation` and `extra` are lines of TOML; other settings go to the books.

    With `BILLWATCH_TEST_STORAGE=postgresql` their database is on a server.
    """
    shutil.copy(new_database, tmp_path)
    if os.environ.get("BILLWATCH_TEST_STORAGE") == "postgresql":
        storage.url = _on_server(request.getfixturevalue("postgres"))
    with contextlib.ExitStack() as stack:

        def make(*, policy: str = "", organisation: str = "", extra: str = "", **settings: Any) -> World:
            org = xero.organisation("Example Trust", **settings)

            def reopen(**changes: Any) -> House:
                text = config_text(
                    xero, org.tenant_id, **({"policy": policy, "organisation": organisation, "extra": extra} | changes)
                )
                return stack.enter_context(open_house(text, xero, tmp_path, environ))

            return World(xero, org, reopen(), reopen)

        yield make


def _on_server(server: Server) -> str:
    """An empty database with its tables."""
    if storage.url.startswith("sqlite"):
        Ledger.open(server.create("world")).close()
    server.empty("world")
    return server.url("world")


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """The ordinary world: mode sync, every policy at its default, swept once."""
    made = make_world()
    made.sweep()
    return made
