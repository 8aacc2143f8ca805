"""An office made by hand that writes down what it is asked to do, and a browser that keeps its cookies."""

import asyncio
import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from types import SimpleNamespace
from typing import Any

import desk
import httpx

from receiver.app import create_app
from receiver.dashboard.door import Door, Entrance
from receiver.dashboard.pages import Dashboard
from receiver.dashboard.passwords import hashed
from receiver.dashboard.ports import Foresight, Standing, Story
from receiver.dashboard.sessions import User
from receiver.ports import Changed, Done, Sheet
from receiver.webhook import Webhook
from reconciler.model import Bill, Exemption
from reconciler.reasons import Choose, Reason
from reconciler.records import Choice

PASSWORD = "a few unusual words"
HASH = hashed(PASSWORD, cost=16)
ANA, VERA = User("ana", HASH, may_act=True), User("vera", HASH)
KEYS = ["a link key of thirty-two bytes or more"]


@dataclass
class Office:
    """One organisation with one flagged milestone. `acts` is what was done."""

    sheets: Sheet = field(default_factory=desk.changed)
    acts: list[tuple[str, Sequence[str], Choice, str]] = field(default_factory=list)
    ended: list[tuple[str, str, str]] = field(default_factory=list)
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    changed: bool = False
    trouble: Exception | None = None

    def standing(self) -> list[Standing]:
        if self.trouble:
            raise self.trouble
        owed = [SimpleNamespace(what="mails to send", number=2, since=desk.NOW - dt.timedelta(hours=3), next_try=None)]
        counts = {Reason.BILL_APPROVED: 1, Reason.PAID: 3, None: 2}
        return [Standing(desk.ORGANISATION, desk.BOOKS, counts, owed, 0, None, None, 947)]

    def history(self) -> list[Any]:
        return [(desk.NOW.date(), {Reason.PAID: 3})]

    def milestones(self, *asked: Any) -> list[Any]:
        self.asked.append(asked)
        return [self._listed()]

    def milestone(self, organisation: str, key: str) -> Story | None:
        if (organisation, key) != ("example", "M-0412"):
            return None
        return Story(desk.ORGANISATION, desk.BOOKS, self._listed(), self.sheets, [], [])

    def exemptions(self, *, ended: bool) -> list[Any]:
        exemption = Exemption("Ben", "Paid in kind", desk.NOW)
        one = SimpleNamespace(organisation="example", key="M-0412", payee="Example Choir", exemption=exemption)
        one.ended_at, one.ended_by = None, ""
        return [] if ended else [one]

    def foresight(self, _lock: dt.date | None, _days: int) -> list[Foresight]:
        return [Foresight(desk.ORGANISATION, desk.BOOKS, None, [])]

    def sheet(self, _organisation: str, keys: Any) -> Sheet | None:
        return self.sheets if "M-0412" in keys else None

    def act(self, organisation: str, keys: Sequence[str], choice: Choice, fingerprint: str) -> Done:
        if self.changed:
            raise Changed
        self.acts.append((organisation, keys, choice, fingerprint))
        return Done(choice, self.sheets.items)

    def made(self, _organisation: str, _keys: Sequence[str], _shown: str) -> Done | None:
        return None

    def find(self, _organisation: str, _key: str, text: str) -> Bill:
        return desk.HandMade().find("", "", text)

    def end_exemption(self, organisation: str, key: str, by: str) -> bool:
        self.ended.append((organisation, key, by))
        return True

    def _listed(self) -> Any:
        (decision,) = self.sheets.items
        case = decision.case
        return SimpleNamespace(milestone=case.milestone, bill=case.bill, parts=case.parts, verdict=decision.verdict)


class Browser:
    """Asks the dashboard for pages, with the cookies that it was given, at a time that can be moved."""

    def __init__(self, *users: User, office: Office | None = None, **entrance: Any) -> None:
        self.office = office or Office()
        self.now = desk.NOW
        self.cookies: dict[str, str] = {}
        self.peer = "192.0.2.1"
        door = Door(users, KEYS, lambda: self.now, Entrance(**entrance))
        pages = Dashboard(self.office, door, lambda: self.now)
        hook = Webhook([], None, lambda: self.now)  # type: ignore[arg-type]
        self._app = create_app(hook, lambda: True, pages.routes())

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def asking() -> httpx.Response:
            transport = httpx.ASGITransport(self._app, raise_app_exceptions=False, client=(self.peer, 1))
            async with httpx.AsyncClient(transport=transport, base_url="http://door", cookies=self.cookies) as client:
                return await client.request(method, path, **options)

        answer = asyncio.run(asking())
        for name, value in SimpleCookie(answer.headers.get("set-cookie", "")).items():
            self.cookies[name] = value.value
        return answer

    def get(self, path: str = "/", **options: Any) -> httpx.Response:
        return self.ask("GET", path, **options)

    def post(self, path: str, form: dict[str, Any], *, origin: str | None = "http://door") -> httpx.Response:
        return self.ask("POST", path, data=form, headers={"Origin": origin} if origin else {})

    def log_in(self, name: str = "ana", password: str = PASSWORD, **options: Any) -> httpx.Response:
        return self.post("/login", {"name": name, "password": password}, **options)

    def token(self, path: str = "/") -> str:
        """The token in the forms of a page."""
        return re.findall(r'name="csrf" value="(\w+)"', self.get(path).text)[0]


def inside(user: User = ANA, **options: Any) -> Browser:
    """A browser in which somebody is logged in."""
    browser = Browser(ANA, VERA, **options)
    assert browser.log_in(user.name).status_code == 303
    return browser


def bulk(browser: Browser, **more: Any) -> dict[str, Any]:
    return {"csrf": browser.token(), "keys": "example/M-0412", "kind": Choose.RESYNC.value, **more}
