"""The dashboard's pages: who may see them, what they show, and the two steps in which they act."""

import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from receiver.body import BodyRefused, Disconnected
from receiver.dashboard.acting import Acting
from receiver.dashboard.door import NO_USERS, STRANGE, Door, Fields, fields
from receiver.dashboard.drawing import chart
from receiver.dashboard.ports import Foresight, Office
from receiver.dashboard.sessions import Visitor
from receiver.dashboard.states import LABELS, State, reasons_of
from receiver.dashboard.views import Group, card, detail, filtered, groups, line, paged, reason_choices, record
from receiver.form import Entry
from receiver.pages import INCOMPLETE
from receiver.render import message, render
from reconciler.errors import BillwatchError
from reconciler.reasons import Reason

PAGE = 50
LATE_DAYS = 7
VIEW_ONLY = "You may look at everything here, but not decide. Ask whoever runs billwatch to let you act."

Clock = Callable[[], dt.datetime]
Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of somebody who is logged in. `form` is missing on a GET; a POST was seen to be theirs."""

    visitor: Visitor
    request: Request
    form: Fields | None

    def query(self, name: str) -> str:
        """A field of the address; empty when it is not there."""
        return self.request.query_params.get(name, "").strip()


class Dashboard:
    """`/` and what lies below it."""

    def __init__(self, office: Office, door: Door, clock: Clock) -> None:
        self._office, self._door, self._clock = office, door, clock
        self._acting = Acting(office, clock)

    def routes(self) -> Sequence[BaseRoute]:
        """The routes to mount."""
        both = ["GET", "POST"]
        return [
            Route("/", self._for_users(self._home)),
            Route("/login", self._login, methods=both),
            Route("/logout", self._for_users(self._logout), methods=["POST"]),
            Route("/milestones", self._for_users(self._milestones), methods=both),
            Route("/milestones/{organisation}/{key:path}", self._for_users(self._milestone), methods=both),
            Route("/exemptions", self._for_users(self._exemptions), methods=both),
            Route("/forecast", self._for_users(self._forecast)),
        ]

    async def _login(self, request: Request) -> Response:
        if not self._door.users:
            return message(200, "Nobody may use the dashboard yet", NO_USERS)
        try:
            return await self._door.login(request)
        except BodyRefused as refused:
            return message(refused.status, "That was not understood", INCOMPLETE)
        except Disconnected:
            return Response(status_code=400)

    def _for_users(self, page: Callable[[Asked], Response]) -> Handler:
        """The page, for those who are logged in; a POST only from a page of theirs."""

        async def serve(request: Request) -> Response:
            if not self._door.users:
                return message(200, "Nobody may use the dashboard yet", NO_USERS)
            visitor = self._door.visitor(request)
            if visitor is None:
                return _to_login(request)
            form = None
            if request.method == "POST":
                try:
                    form = await fields(request)
                except BodyRefused as refused:
                    return message(refused.status, "That was not understood", INCOMPLETE)
                except Disconnected:
                    return Response(status_code=400)
                if not self._door.fair(request, visitor, form):
                    return message(403, "That was not done", STRANGE)
                if not visitor.user.may_act and request.url.path != "/logout":
                    return message(403, "That was not done", VIEW_ONLY)
            answer = await run_in_threadpool(_told, page, Asked(visitor, request, form))
            # Not "no-referrer" as elsewhere: browsers would then send no origin with a form.
            answer.headers["Referrer-Policy"] = "same-origin"
            return answer

        return serve

    def _logout(self, _asked: Asked) -> Response:
        return self._door.logout()

    def _home(self, asked: Asked) -> Response:
        now = self._clock()
        cards = [card(standing, now) for standing in self._office.standing()]
        history = self._office.history()
        drawn = chart(history) if history and sum(history[-1][1].values()) else None
        return _page(asked, "home.html", cards=cards, chart=drawn, labels=LABELS)

    def _milestones(self, asked: Asked) -> Response:
        if asked.form is not None:
            return self._acting.several(asked.visitor, asked.form)
        standing = {one.organisation.key: one for one in self._office.standing()}
        names = {key: one.organisation.name for key, one in standing.items()}
        counts = {reason: 1 for one in standing.values() for reason in one.counts}
        chosen = {name: asked.query(name) for name in ("organisation", "state", "reason", "text")}
        organisations = [chosen["organisation"]] if chosen["organisation"] else list(names)
        after = asked.query("after").partition("/")
        found = self._office.milestones(
            organisations, PAGE + 1, (after[0], after[2]), _reasons(chosen["state"], chosen["reason"]), chosen["text"]
        )
        lines = [line(one, {key: s.books for key, s in standing.items()}, names) for one in found[:PAGE]]
        more = filtered(**chosen, after=lines[-1].place) if len(found) > PAGE else ""
        values = {"lines": lines, "more": more, "chosen": chosen, "later": bool(after[0])}
        choices = {"organisations": names, "states": LABELS, "reasons": reason_choices(counts)}
        return _page(asked, "list.html", 200, **values, **choices)

    def _milestone(self, asked: Asked) -> Response:
        organisation, key = asked.request.path_params["organisation"], asked.request.path_params["key"]
        found = self._office.milestone(organisation, key)
        if found is None:
            return message(404, "There is no such milestone", "It may have been written differently, or never came in.")
        if asked.form is not None:
            return self._acting.single(asked.visitor, asked.form, found)
        page = detail(found, self._clock())
        return _page(asked, "milestone.html", page=page, view=page.sheet, blame={}, banner="", entry=Entry())

    def _exemptions(self, asked: Asked) -> Response:
        if asked.form is not None:
            return self._acting.undo(asked.visitor, asked.form)
        zones = {one.organisation.key: one.books.zone for one in self._office.standing()}
        both = [
            [record(one, zones.get(one.organisation, "UTC")) for one in self._office.exemptions(ended=ended)]
            for ended in (False, True)
        ]
        return _page(asked, "exemptions.html", standing=both[0], ended=both[1])

    def _forecast(self, asked: Asked) -> Response:
        text, blame = asked.query("lock"), ""
        lock = None
        if text:
            try:
                lock = dt.date.fromisoformat(text)
            except ValueError:
                blame = "Give a day as year-month-day, such as 2026-06-30."
        seen = self._office.foresight(lock, LATE_DAYS)
        parts = [
            (one.organisation.name, [_part(asked, one, group) for group in groups(one, LATE_DAYS)]) for one in seen
        ]
        return _page(asked, "forecast.html", 422 if blame else 200, lock=text, named=lock, parts=parts, wrong=blame)


def _part(asked: Asked, seen: Foresight, group: Group) -> Group:
    """The page of a part that was asked for; of the others the first."""
    key, part = seen.organisation.key, asked.query("part")
    number = asked.query("page") if (asked.query("organisation"), part) == (key, group.name) else ""
    address = f"/forecast?{urlencode({'lock': asked.query('lock'), 'organisation': key})}"
    return paged(group, int(number) if number.isdecimal() and len(number) < 6 else 0, PAGE, address)


def _told(page: Callable[[Asked], Response], asked: Asked) -> Response:
    try:
        return page(asked)
    except BillwatchError as error:
        return message(503, "That did not work just now", str(error), "Please try again in a few minutes.")


def _page(asked: Asked, template: str, status: int = 200, **values: object) -> Response:
    return render(f"dashboard/{template}", status, visitor=asked.visitor, path=asked.request.url.path, **values)


def _to_login(request: Request) -> Response:
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    onward = f"?{urlencode({'next': path})}" if request.method == "GET" and path != "/" else ""
    return RedirectResponse(f"/login{onward}", 303)


def _reasons(state: str, reason: str) -> frozenset[Reason | None] | None:
    """The reasons that the filters leave; `None` when they leave all. What they do not know leaves none."""
    if not state and not reason:
        return None
    found = reasons_of(State(state)) if state in list(State) else frozenset(Reason) if not state else frozenset()
    return found & {Reason(reason)} if reason in list(Reason) else frozenset() if reason else found
