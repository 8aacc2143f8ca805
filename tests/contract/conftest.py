"""One running sandbox for every contract, one new organisation per test."""

from collections.abc import Iterator

import pytest

from billwatch.sandbox import Org, Sandbox


@pytest.fixture(scope="session")
def running() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def xero(running: Sandbox) -> Sandbox:
    running.reset()
    running.limits(on=False)
    return running


@pytest.fixture
def org(xero: Sandbox) -> Org:
    return xero.organisation("Example Trust", currencies=["AUD"])
