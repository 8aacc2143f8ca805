"""A browser that asks the application for pages and shows what a reader would see."""

import asyncio
import re
from typing import Any

import desk
import httpx

from receiver.app import create_app
from receiver.body import BodyLimits
from receiver.pages import LinkPages
from receiver.webhook import Webhook

TOKEN = "/r/tok3n"
KEEP = {"step": "confirm", "fingerprint": "f1", "kind": "keep", "by": "Ann"}


class Browser:
    """Asks the application for pages."""

    def __init__(self, at: desk.HandMade) -> None:
        self.desk = at
        pages = LinkPages(at, lambda: desk.NOW, BodyLimits(size=20_000))
        hook = Webhook([], None, lambda: desk.NOW)  # type: ignore[arg-type]
        self._app = create_app(hook, lambda: True, pages.routes())

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def asking() -> httpx.Response:
            transport = httpx.ASGITransport(app=self._app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://door") as client:
                return await client.request(method, path, **options)

        return asyncio.run(asking())

    def get(self, path: str = TOKEN) -> httpx.Response:
        return self.ask("GET", path)

    def post(self, form: dict[str, Any], path: str = TOKEN) -> httpx.Response:
        return self.ask("POST", path, data=form)


def at(**options: Any) -> Browser:
    return Browser(desk.HandMade(**options))


def text(answer: httpx.Response) -> str:
    """What a reader sees: without markup, spaces collapsed."""
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())
