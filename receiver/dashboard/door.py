"""The login: who may come in, and whether a form comes from a page of ours."""

import asyncio
import datetime as dt
import hmac
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from receiver.body import BodyLimits, read_body
from receiver.dashboard.passwords import NOBODY, matches
from receiver.dashboard.sessions import HOURS, Sessions, User, Visitor
from receiver.dashboard.throttle import Throttle
from receiver.render import render

FIELDS_AT_MOST = 1_000
NO_USERS = "To use the dashboard, name a [[user]] in the configuration, with a hash that “billwatch password” makes."
WRONG = "That name and password do not go together."
TOO_MANY = "There were too many failed logins. Please try again in a quarter of an hour."
STRANGE = "That form did not come from this page, or the page was too old. Nothing was done; please try again."
AT_ONCE = 4

Fields = Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class Entrance:
    """Where the dashboard is, and whom to believe: `user_header` and X-Forwarded-For count from `proxies` alone."""

    public_url: str = ""
    user_header: str = ""
    proxies: Collection[str] = ()


class Door:
    """Logs users in and out. Sessions are signed with `keys`, newest first."""

    def __init__(
        self, users: Sequence[User], keys: Sequence[str], clock: Callable[[], dt.datetime], entrance: Entrance
    ) -> None:
        self.users = {user.name: user for user in users}
        self._sessions = Sessions(keys, users, clock)
        self._throttle = Throttle(clock)
        self._entrance = entrance
        self._secure = entrance.public_url.startswith("https://")
        self._cookie = "__Host-billwatch" if self._secure else "billwatch"
        self._hashing = asyncio.Semaphore(AT_ONCE)

    def visitor(self, request: Request) -> Visitor | None:
        """Who asks; `None` when they are not logged in."""
        header = self._entrance.user_header
        if header and _peer(request) in self._entrance.proxies:
            names = request.headers.getlist(header)
            if len(names) == 1:
                return self._sessions.named(names[0])
        return self._sessions.read(request.cookies.get(self._cookie, ""))

    async def login(self, request: Request) -> Response:
        """GET shows the form, POST opens a session."""
        onward = local(request.query_params.get("next", "/"))
        if request.method != "POST":
            return login_page(onward)
        form = await fields(request)
        if not self.ours(request):
            return login_page(onward, STRANGE, 403)
        name, password = one(form, "name"), one(form, "password")
        tries = (f"name:{name[:200]}", f"address:{self._address(request)}")
        if not self._throttle.enter(*tries):
            return login_page(onward, TOO_MANY, 429)
        user = self.users.get(name)
        async with self._hashing:
            good = await run_in_threadpool(matches, password, (user and user.password_hash) or NOBODY)
        if user is None or not good:
            return login_page(onward, WRONG, 403)
        self._throttle.clear(*tries)
        answer = RedirectResponse(onward, 303)
        self._give(answer, self._sessions.open(user), HOURS * 3600)
        return answer

    def logout(self) -> Response:
        """End the session in this browser."""
        answer = RedirectResponse("/login", 303)
        self._give(answer, "", 0)
        return answer

    def fair(self, request: Request, visitor: Visitor, form: Fields) -> bool:
        """Whether a form was sent by the visitor from a page that they were shown."""
        given = one(form, "csrf").encode("utf-8", "replace")
        return self.ours(request) and hmac.compare_digest(given, visitor.token.encode())

    def ours(self, request: Request) -> bool:
        """Whether a request comes from a page of ours, as far as the browser says."""
        origin = request.headers.get("origin")
        if origin is None:
            return request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
        told = urlsplit(origin).netloc
        return bool(told) and told in {request.headers.get("host", ""), urlsplit(self._entrance.public_url).netloc}

    def _give(self, answer: Response, value: str, seconds: int) -> None:
        answer.set_cookie(
            self._cookie, value, max_age=seconds, path="/", secure=self._secure, httponly=True, samesite="lax"
        )

    def _address(self, request: Request) -> str:
        peer = _peer(request)
        told = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
        return told if told and peer in self._entrance.proxies else peer


def _peer(request: Request) -> str:
    return request.client.host if request.client else ""


def login_page(onward: str, blame: str = "", status: int = 200) -> Response:
    """The login form; `onward` is where it leads."""
    action = f"/login?{urlencode({'next': onward})}" if onward != "/" else "/login"
    answer = render("dashboard/login.html", status, action=action, blame=blame)
    # Not "no-referrer" as elsewhere: browsers would then send no origin with the form.
    answer.headers["Referrer-Policy"] = "same-origin"
    return answer


def local(path: str) -> str:
    """The path when it is one of ours; else the first page."""
    plain = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if plain else "/"


async def fields(request: Request, size: int = 256 * 1024) -> Fields:
    """The fields of a submitted form. Raises as `receiver.body.read_body` does."""
    body = await read_body(request.scope, request.receive, BodyLimits(size=size, seconds=15.0))
    try:
        return parse_qs(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=FIELDS_AT_MOST)
    except ValueError:
        return {}


def one(form: Fields, name: str) -> str:
    """A field's last value; empty when it was not sent."""
    return form.get(name, [""])[-1]
