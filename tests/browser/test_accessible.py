"""Every page: no finding of axe-core, nothing wider than a phone, and all of it without scripts."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from walking import Walk, billed, log_in

from billwatch.demo.stage import KEY
from reconciler.reasons import Choose, Reason
from reconciler.records import Choice

PAGES = {
    "login": "/login",
    "overview": "/",
    "list": "/milestones",
    "empty list": "/milestones?text=nowhere",
    "flagged milestone": "/milestones/example/A-1",
    "quiet milestone": "/milestones/example/A-2",
    "exempt milestone": "/milestones/example/A-3",
    "exemptions": "/exemptions",
    "forecast": "/forecast?lock=2030-12-31",
    "forecast of no day": "/forecast?lock=soon",
    "not found": "/milestones/example/NOBODY",
}


@pytest.fixture(scope="module")
def furnished(walk: Walk) -> Walk:
    """One milestone flagged, one quiet, one exempt."""
    for key in ("A-1", "A-2", "A-3"):
        walk.put(key)
        walk.becomes(key, Reason.AWAITING_APPROVAL)
    walk.org.edit("A-1", total=Decimal("1700.00"))
    walk.put("A-1", amount=Decimal("1900.00"))
    walk.becomes("A-1", Reason.EDITED_IN_XERO)
    choice = Choice(Choose.EXEMPT, "Ben Sample", walk.stage.house.clock(), reason="Paid in kind")
    walk.stage.house.desk.command(KEY, "A-3", choice)
    return walk


@pytest.fixture(scope="module")
def browsers(furnished: Walk, chromium: Any) -> Iterator[dict[int, Any]]:
    """A logged-in page by width; scripts are on for axe-core alone."""
    opened = {}
    for width in (1280, 320):
        page = chromium.new_context(viewport={"width": width, "height": 900}, bypass_csp=True).new_page()
        log_in(page, furnished)
        opened[width] = page
    yield opened
    for page in opened.values():
        page.context.close()


def findings(page: Any) -> list[str]:
    seen = Axe().run(page).response
    assert len(seen["passes"]) > 10, "axe-core has looked at nothing"
    return [f"{one['id']}: {[node['html'] for node in one['nodes']][:3]}" for one in seen["violations"]]


def too_wide(page: Any) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


@pytest.mark.parametrize("width", [1280, 320])
@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_no_page_has_a_finding_or_needs_scrolling_sideways(
    furnished: Walk, browsers: dict[int, Any], path: str, width: int
) -> None:
    page = browsers[width]
    page.goto(furnished.stage.daemon.url + path)
    assert findings(page) == []
    assert not too_wide(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_behind_a_link_and_its_review_have_no_finding(furnished: Walk, chromium: Any, scheme: str) -> None:
    context = chromium.new_context(viewport={"width": 320, "height": 900}, bypass_csp=True, color_scheme=scheme)
    page = context.new_page()
    page.goto(furnished.link("A-1"))
    assert findings(page) == []
    page.get_by_label("Keep what Xero has").check()
    page.get_by_label("Your name").fill("Ana Example")
    page.get_by_role("button", name="Review, then confirm").click()
    assert findings(page) == []
    assert not too_wide(page)
    context.close()


def test_what_a_link_says_at_its_end_has_no_finding(furnished: Walk, new_page: Callable[..., Any]) -> None:
    """The result, a form that is incomplete or out of date, and a link that is used or unknown."""
    billed(furnished, "A-9")
    furnished.org.edit("A-9", total=Decimal("1700.00"))
    furnished.becomes("A-9", Reason.CHANGED_IN_XERO)
    page = new_page(scripts=True, width=320, bypass_csp=True)
    link = furnished.link("A-9", "changed in Xero")
    page.goto(link)
    page.get_by_role("button", name="Review, then confirm").click()
    assert findings(page) == []
    furnished.org.edit("A-9", total=Decimal("1800.00"))
    furnished.stage.sweep()
    page.get_by_label("Keep what Xero has").check()
    page.get_by_label("Your name").fill("Ana Example")
    page.get_by_role("button", name="Review, then confirm").click()
    expect(page.get_by_role("alert")).to_contain_text("Changed: A-9.")
    assert findings(page) == []
    page.get_by_role("button", name="Review, then confirm").click()
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", name="Done", exact=True)).to_be_visible()
    assert findings(page) == []
    for last in (link, f"{furnished.stage.daemon.url}/r/{'x' * 43}"):
        page.goto(last)
        assert findings(page) == []
        assert not too_wide(page)


@pytest.mark.parametrize("path", ["/", "/milestones", "/milestones/example/A-1", "/exemptions"])
def test_the_dashboard_has_no_finding_in_the_dark(furnished: Walk, browsers: dict[int, Any], path: str) -> None:
    page = browsers[1280]
    page.emulate_media(color_scheme="dark")
    page.goto(furnished.stage.daemon.url + path)
    assert findings(page) == []
    page.emulate_media(color_scheme="light")


def test_the_keyboard_alone_reaches_and_ticks_a_milestone(furnished: Walk, new_page: Callable[..., Any]) -> None:
    page = new_page()
    log_in(page, furnished, "/milestones?text=A-2")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.locator("input[name=keys]:focus").count():
            page.keyboard.press("Space")
            expect(page.locator("input[name=keys]:checked")).to_have_count(1)
            return
    raise AssertionError("the box was not reached")
