"""The fixtures that give a `world.World`; conftest modules take them from here."""

import contextlib
import datetime as dt
import logging
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import stamina
import structlog
from cryptography.fernet import Fernet
from world import World, config_text, open_house

from billwatch.sandbox import Sandbox
from billwatch.wiring import House

MORNING = dt.datetime(2026, 11, 22, 21, tzinfo=dt.UTC)  # ten o'clock of a Monday in New Zealand


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
    """Its day begins at the same hour whenever the tests are run, since what is read depends on the hour."""
    began = time.monotonic()
    with Sandbox(lambda: MORNING + dt.timedelta(seconds=time.monotonic() - began)) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def sandbox_of_today() -> Iterator[Sandbox]:
    """On the real clock, for what goes by that alone; a module's own `running_sandbox`."""
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
def environ() -> dict[str, str]:
    return {
        "ENCRYPTION_KEY": Fernet.generate_key().decode(),
        "LINK_KEY": secrets.token_urlsafe(32),
        "WEBHOOK_KEY": "a webhook key",
        "CLIENT_SECRET": "",
    }


@pytest.fixture
def make_world(
    xero: Sandbox, tmp_path: Path, environ: dict[str, str], new_database: Callable[..., str]
) -> Iterator[Callable[..., World]]:
    """Makes worlds: `policy`, `organisation` and `extra` are lines of TOML; other settings go to the books."""
    database = new_database()
    with contextlib.ExitStack() as stack:

        def make(*, policy: str = "", organisation: str = "", extra: str = "", **settings: Any) -> World:
            org = xero.organisation("Example Trust", **settings)

            def reopen(**changes: Any) -> House:
                stated = {"policy": policy, "organisation": organisation, "extra": extra} | changes
                text = config_text(xero, org.tenant_id, database, **stated)
                return stack.enter_context(open_house(text, xero, tmp_path, environ))

            return World(xero, org, reopen(), reopen)

        yield make


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """The ordinary world: mode sync, every policy at its default, swept once."""
    made = make_world()
    made.sweep()
    return made
