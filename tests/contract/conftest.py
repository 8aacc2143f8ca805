"""One running sandbox for every contract, one new organisation per test."""

import contextlib
from collections.abc import Iterator

import pytest

from billwatch.sandbox import Org, Sandbox


class MemoryStore:
    """Keeps tokens for as long as a test runs."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[bytes, int]] = {}

    def get(self, name: str) -> tuple[bytes, int] | None:
        return self.kept.get(name)

    def put(self, name: str, blob: bytes, version: int) -> bool:
        self.kept[name] = (blob, version + 1)
        return True

    def alone(self, _name: str) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()


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
