"""Every kind of mail in a real browser: no finding of axe-core, light and dark, nothing wider than a small phone."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

sys.path.append(str(Path(__file__).parents[1] / "notify"))
from mail_gallery import gallery

MAILS = dict(gallery())


@pytest.fixture(scope="module", params=["light", "dark"])
def reader(request: pytest.FixtureRequest, chromium: Any) -> Iterator[Any]:
    """A mail program of 320 pixels; scripts are on for axe-core alone."""
    page = chromium.new_context(viewport={"width": 320, "height": 700}, color_scheme=request.param).new_page()
    yield page
    page.context.close()


@pytest.mark.parametrize("name", MAILS)
def test_a_mail_is_readable_on_a_small_phone_by_everybody(reader: Any, name: str) -> None:
    asked: list[str] = []
    reader.on("request", lambda request: asked.append(request.url))
    reader.set_content(MAILS[name].html)
    seen = Axe().run(reader).response
    assert len(seen["passes"]) > 5, "axe-core has looked at nothing"
    assert [(found["id"], found["nodes"][0]["html"]) for found in seen["violations"]] == []
    assert reader.evaluate("document.documentElement.scrollWidth") <= 320
    assert asked == []
