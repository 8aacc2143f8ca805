"""Pictures of every page and mail at 1280 and 360 pixels, into the folder screenshots/: `make screenshots`."""

import re
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import click
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "notify"))
sys.path.insert(0, str(Path(__file__).parent))
from chrome import launch
from mail_gallery import gallery
from walking import Walk, confirm, dearer, log_in

from billwatch.demo.stage import Page, Stage
from billwatch.demo.story import play
from billwatch.demo.telling import Teller
from billwatch.logs import quiet

FOLDER = Path(__file__).parents[2] / "screenshots"
SIZES = {"1280": (1280, "light"), "360": (360, "light"), "360-dark": (360, "dark"), "1280-dark": (1280, "dark")}
PAGES = {
    "overview": "/",
    "milestones": "/milestones",
    "milestones-waiting": "/milestones?state=waiting",
    "milestone-flagged": "/milestones/example/M-0405",
    "milestone-paid": "/milestones/example/M-0401",
    "milestone-exempt": "/milestones/example/M-0408",
    "milestone-moved": "/milestones/example/M-0420",
    "exemptions": "/exemptions",
    "forecast": "/forecast?lock=2030-12-31",
}


def main() -> None:
    """Play the demo, then take every picture."""
    quiet()
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.png"):
        old.unlink()
    with Stage() as stage, sync_playwright() as playwright:
        play(stage, Teller())
        browser = launch(playwright)
        for name, (width, scheme) in SIZES.items():
            context = browser.new_context(
                viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=False
            )
            for what in _shown(context.new_page(), Walk(stage)):
                context.pages[0].screenshot(path=FOLDER / f"{what}-{name}.png", full_page=True)
            context.close()
        browser.close()
    click.echo(f"{len(list(FOLDER.glob('*.png')))} pictures are in {FOLDER}.")


def _shown(page: Any, walk: Walk) -> Iterator[str]:
    """Show page after page; the name of each."""
    url = walk.stage.daemon.url
    page.goto(f"{url}/login")
    yield "login"
    log_in(page, walk)
    for name, path in PAGES.items():
        page.goto(url + path)
        yield name
    page.goto(f"{url}/milestones")
    for box in page.get_by_role("checkbox").all()[:3]:
        box.check()
    page.get_by_role("button", name="Exempt").click()
    yield "bulk-review"
    yield from _behind_links(page, walk)
    # Away from our pages, whose content policy would hold for the mail as well.
    page.goto("about:blank")
    for number, mail in enumerate(walk.stage.letters.kept):
        page.set_content(_html(mail))
        yield f"mail-{number:02}-{re.sub(r'[^a-z0-9]+', '-', str(mail['Subject']).lower())[:40].strip('-')}"
    for name, made in gallery():
        page.set_content(made.html)
        yield f"mail-of-{name}"


def _behind_links(page: Any, walk: Walk) -> Iterator[str]:
    """The link that the demo leaves open, its review, and links that are used or unknown; and the difference billed."""
    page.goto(walk.link("M-0405"))
    yield "link"
    page.get_by_label("Keep what Xero has").check()
    page.get_by_label("Your name").fill("Ana Example")
    page.get_by_role("button", name="Review, then confirm").click()
    yield "link-review"
    used = next(mail for mail in walk.stage.letters.kept if "voided" in mail["Subject"])
    page.goto(Page(used).url)
    yield "link-used"
    page.goto(f"{walk.stage.daemon.url}/r/{'x' * 43}")
    yield "link-unknown"
    key = f"M-05{len(walk.stage.letters.kept):02}"
    dearer(walk, key)
    page.goto(walk.link(key))
    page.get_by_text("Not now: be reminded, or exempt it").click()
    yield "link-difference"
    page.get_by_label("Bill the difference").check()
    confirm(page)
    yield "link-done"
    page.goto(f"{walk.stage.daemon.url}/milestones/example/{key}")
    yield "milestone-in-parts"


def _html(mail: EmailMessage) -> str:
    body = mail.get_body(("html",))
    return str(body.get_content()) if body else ""


if __name__ == "__main__":
    main()
