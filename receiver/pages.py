"""The page behind a link in a mail: it shows on GET, asks twice, and acts on the second POST only."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from receiver.body import BodyLimits, BodyRefused, Disconnected, read_body
from receiver.form import Entry, Unfit, carried, choice_of, read_entry
from receiver.ports import Changed, Desk, Done, LinkRefused, Sheet
from receiver.render import message, render
from receiver.sheet import Item, View, capital, narrow, total, view
from reconciler.errors import BillwatchError, InputError
from reconciler.reasons import Action, Choose, words
from reconciler.records import Choice
from reconciler.words import currency_of, day, explain, money

FORM_SECONDS = 15.0
CHANGED = "The facts changed since this page was shown. Nothing was done; please look again."
TRY_AGAIN = "Please open the link again in a few minutes, to see how things stand."
INCOMPLETE = "The form did not arrive complete. Nothing was done; please try again."

Clock = Callable[[], dt.datetime]
FIELD_OF = {Choose.DATE: "date", Choose.LINK: "bill", Choose.REPLACED_BY: "bill", Choose.EXEMPT: "reason"}


@dataclass(frozen=True, slots=True)
class Visit:
    """One request: the link's token, the one milestone that it narrows the page to, and the form if there is one."""

    token: str
    only: str | None
    entry: Entry | None

    @property
    def typed(self) -> Entry:
        """What was typed; nothing on a GET."""
        return self.entry or Entry()


class LinkPages:
    """`/r/{token}`. GET shows. POST reviews (step `review`), acts (`confirm`), goes back (`edit`), mails (`renew`)."""

    def __init__(self, desk: Desk, clock: Clock, limits: BodyLimits | None = None) -> None:
        self._desk = desk
        self._clock = clock
        self._limits = limits or BodyLimits(seconds=FORM_SECONDS)

    def routes(self) -> Sequence[BaseRoute]:
        """The routes to mount."""
        return [Route("/r/{token}", self._serve, methods=["GET", "POST"])]

    async def _serve(self, request: Request) -> Response:
        entry = None
        if request.method == "POST":
            try:
                entry = read_entry(await read_body(request.scope, request.receive, self._limits))
            except BodyRefused as refused:
                return message(refused.status, "That was not understood", INCOMPLETE)
            except Disconnected:
                return Response(status_code=400)
        visit = Visit(request.path_params["token"], request.query_params.get("only"), entry)
        return await run_in_threadpool(self._answer, visit)

    def _answer(self, visit: Visit) -> Response:
        try:
            return self._turn(visit)
        except LinkRefused as refused:
            return _refused(refused)
        except BillwatchError as error:
            return message(503, "That did not work just now", str(error), TRY_AGAIN)

    def _turn(self, visit: Visit) -> Response:
        entry = visit.typed
        if visit.entry is None or entry.step == "edit":
            return _page(self._show(visit), visit)
        if entry.step == "renew":
            return self._renew(visit.token)
        if entry.step not in ("review", "confirm") or not entry.fingerprint:
            return _page(self._show(visit), visit, banner=INCOMPLETE, status=400)
        return self._decide(visit, self._show(visit))

    def _show(self, visit: Visit) -> Sheet:
        return narrow(self._desk.show(visit.token), visit.only)

    def _decide(self, visit: Visit, sheet: Sheet) -> Response:
        entry = visit.typed
        if entry.fingerprint != sheet.fingerprint or not sheet.items:
            return _page(sheet, visit, banner=CHANGED, status=409)
        seen = view(sheet)
        try:
            choice, keys = choice_of(entry, seen, self._clock())
        except Unfit as unfit:
            return _page(sheet, visit, blame=unfit.sentences, status=422)
        if entry.step == "confirm":
            return self._act(visit, sheet, choice, keys)
        return render("review.html", view=seen, decided=summary(choice, keys, sheet), hidden=carried(entry, keys))

    def _act(self, visit: Visit, sheet: Sheet, choice: Choice, keys: Sequence[str]) -> Response:
        try:
            done = self._desk.act(visit.token, visit.typed.fingerprint, choice, keys)
        except InputError as error:
            return _page(sheet, visit, blame={FIELD_OF.get(choice.kind, "kind"): str(error)}, status=422)
        except Changed:
            return _page(self._show(visit), visit, banner=CHANGED, status=409)
        more = visit.only is not None or len(keys) < len(sheet.items)
        decided, results = summary(choice, keys, sheet), _results(done, sheet)
        return render("done.html", view=view(sheet), decided=decided, results=results, more=more)

    def _renew(self, token: str) -> Response:
        if self._desk.renew(token):
            return message(200, "A fresh link is on its way", "It goes to the address that got the first one.")
        return message(200, "Nothing is open any more", "This has been resolved; there is nothing left to decide.")


@dataclass(frozen=True, slots=True)
class Decided:
    """A choice in words, with the milestones that it is about. `details` are (name, value)."""

    label: str
    effect: str
    by: str
    total: str
    details: list[tuple[str, str]]
    items: list[Item]


@dataclass(frozen=True, slots=True)
class Result:
    """How one milestone stands after a choice; `open` when a person is still needed."""

    key: str
    payee: str
    amount: str
    headline: str
    explanation: str
    open: bool


def _page(
    sheet: Sheet, visit: Visit, *, banner: str = "", blame: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    if not sheet.items:
        return message(200, "Nothing to decide", "This has been resolved; there is nothing left to do.")
    values = {"entry": visit.typed, "alone": visit.only is not None, "banner": banner, "blame": blame or {}}
    return render("page.html", status, view=view(sheet), **values)


def summary(choice: Choice, keys: Sequence[str], sheet: Sheet) -> Decided:
    """A choice about these milestones in words."""
    seen = view(sheet)
    option = seen.option(choice.kind)
    return Decided(
        label=option.label if option else "",
        effect=option.effect if option else "",
        by=choice.by,
        total=total(sheet, keys),
        details=list(_details(choice, seen)),
        items=[item for item in seen.items if item.key in keys],
    )


def _details(choice: Choice, seen: View) -> Iterator[tuple[str, str]]:
    if choice.date:
        yield "New date", day(choice.date)
    if choice.bill_id:
        known = {other.bill_id: other.text for other in seen.others}
        yield "Bill", known.get(choice.bill_id, choice.bill_id)
    if choice.reason:
        yield "Reason", choice.reason
        yield "Until", day(choice.until) if choice.until else "for good"


def _results(done: Done, sheet: Sheet) -> list[Result]:
    return [
        Result(
            key=decision.case.milestone.key,
            payee=decision.case.milestone.payee,
            amount=money(decision.case.milestone.amount, currency_of(decision, sheet.books)),
            headline=capital(words(decision.verdict.reason).headline),
            explanation=explain(decision, sheet.books),
            open=decision.verdict.action in (Action.FLAG, Action.HOLD),
        )
        for decision in done.items
    ]


def _refused(refused: LinkRefused) -> Response:
    title, sentence = REFUSED.get(refused.why, REFUSED["unknown"])
    expired = refused.why == "expired"
    values = {"title": title, "sentences": [sentence, refused.told], "address": refused.address, "expired": expired}
    return render("refused.html", 410 if refused.why in REFUSED and refused.why != "unknown" else 404, **values)


REFUSED = {
    "unknown": ("This link is not known here", "Please check that the whole address was copied from the mail."),
    "expired": ("This link has expired", "Links work for a limited time, so that an old mail cannot decide anything."),
    "used": ("This link has been used", "The choice behind it was made, and its result was mailed."),
    "closed": ("Already resolved", "Nothing is open any more; there is nothing to do."),
}
