"""A demo stage and a real Chromium: what the walks stand on. Scripts are off, except where axe-core needs them."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from chrome import CHROMIUM, launch
from databases import Databases
from playwright.sync_api import sync_playwright
from walking import Walk

from billwatch.demo.stage import Stage

REQUIRED = os.environ.get("BILLWATCH_REQUIRE_BROWSER") == "1"
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a browser the walks are skipped, unless they are required."""
    if CHROMIUM or REQUIRED:
        return
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.skip(reason="there is no Chromium here; install it to run these"))


@pytest.fixture(scope="module")
def walk(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with databases.lent(tmp_path_factory.mktemp("walk")) as database, Stage(database) as stage:
        yield Walk(stage)
    structlog.reset_defaults()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def new_page(chromium: Any) -> Iterator[Callable[..., Any]]:
    """A page of a browser that knows nothing yet; scripts are off unless asked for."""
    contexts = []

    def make(*, scripts: bool = False, width: int = 1280, bypass_csp: bool = False) -> Any:
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, java_script_enabled=scripts, bypass_csp=bypass_csp
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        return page

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_page: Callable[..., Any]) -> Any:
    return new_page()
