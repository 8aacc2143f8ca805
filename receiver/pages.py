"""The page behind a link in a mail: it shows on GET, asks twice, and acts on the second POST only."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from receiver.body import BodyLimits, BodyRefused, Disconnected, read_body
from receiver.changes import not_here, since_shown
from receiver.form import Entry, Made, Unfit, carried, choice_of, read_entry
from receiver.ports import Changed, Desk, Done, LinkRefused, Sheet
from receiver.render import message, render
from receiver.sheet import Item, capital, in_one_line, narrow, total, view
from reconciler.choices import choose
from reconciler.errors import BillwatchError, InputError
from reconciler.outlook import what_follows
from reconciler.reasons import Action, Choose, words
from reconciler.records import Choice
from reconciler.words import EFFECTS, choice_label, currency_of, day, explain, money

FORM_SECONDS = 15.0
TRY_AGAIN = "Please open the link again in a few minutes, to see how things stand."
INCOMPLETE = "The form did not arrive complete. Nothing was done; please try again."

Clock = Callable[[], dt.datetime]
FIELD_OF = {
    Choose.DATE: "date",
    Choose.LINK: "bill",
    Choose.REPLACED_BY: "bill",
    Choose.REMIND: "on",
    Choose.EXEMPT: "reason",
}


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
        if visit.entry is None:
            sheet = self._show(visit)
            return _page(sheet, visit, banner=not_here(visit.only, sheet))
        if entry.step == "edit":
            return _page(self._show(visit), visit)
        if entry.step == "renew":
            return self._renew(visit.token)
        if entry.step not in ("review", "confirm") or not entry.fingerprint:
            return _page(self._show(visit), visit, banner=INCOMPLETE, status=400)
        if entry.step == "confirm" and (made := self._desk.made(visit.token, entry.fingerprint, entry.keys)):
            sheet, done = made
            if (done.choice.kind, done.choice.by) == (entry.kind, " ".join(entry.by.split())):
                return _told(Made(done.choice, entry.keys), done, sheet, more=False)
        return self._decide(visit, self._show(visit))

    def _show(self, visit: Visit) -> Sheet:
        return narrow(self._desk.show(visit.token), visit.only)

    def _decide(self, visit: Visit, sheet: Sheet) -> Response:
        entry = visit.typed
        if entry.fingerprint != sheet.fingerprint or not sheet.items:
            return _page(sheet, visit, banner=since_shown(entry.seen, sheet, alone=visit.only), status=409)
        seen = view(sheet)
        try:
            made = choice_of(entry, seen, self._clock(), lambda key, text: self._desk.find(visit.token, key, text))
            # What a person says of Xero is asked of Xero, and decides nothing; so there is nothing to confirm.
            if entry.step == "confirm" or made.choice.kind is Choose.VOIDED:
                return self._act(visit, sheet, made)
            check(made, sheet)
        except Unfit as unfit:
            return _page(sheet, visit, blame=unfit.sentences, status=422)
        return render("review.html", view=seen, decided=summary(made, sheet), hidden=carried(entry, made))

    def _act(self, visit: Visit, sheet: Sheet, made: Made) -> Response:
        try:
            done = self._desk.act(visit.token, visit.typed.fingerprint, made.choice, made.keys)
        except InputError as error:
            raise unfit(made.choice, error) from error
        except Changed:
            now = self._show(visit)
            return _page(now, visit, banner=since_shown(visit.typed.seen, now, alone=visit.only), status=409)
        return _told(made, done, sheet, more=sheet.beside > 0 or len(made.keys) < len(sheet.items))

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
    """How one milestone stands after a choice, and what follows; `open` when a person is still needed."""

    key: str
    payee: str
    amount: str
    headline: str
    explanation: str
    follows: str
    open: bool


def _page(
    sheet: Sheet, visit: Visit, *, banner: str = "", blame: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    if not sheet.items:
        return message(200, "Nothing to decide", "This has been resolved; there is nothing left to do.")
    values = {"entry": visit.typed, "alone": sheet.beside > 0, "banner": banner, "blame": blame or {}}
    return render("page.html", status, view=view(sheet), **values)


def check(made: Made, sheet: Sheet) -> None:
    """Raise `Unfit` when the choice would not be taken: better said before it is confirmed than after."""
    for decision in sheet.items:
        if decision.case.milestone.key in made.keys:
            try:
                choose(decision, made.choice, sheet.organisation, sheet.books, made.named)
            except InputError as error:
                raise unfit(made.choice, error) from error


def unfit(choice: Choice, error: InputError) -> Unfit:
    """What is said beside the field that a refusal is about."""
    return Unfit({FIELD_OF.get(choice.kind, "kind"): str(error)})


def summary(made: Made, sheet: Sheet) -> Decided:
    """A choice about these milestones in words."""
    chosen = tuple(decision for decision in sheet.items if decision.case.milestone.key in made.keys)
    seen, choice = view(replace(sheet, items=chosen or sheet.items)), made.choice
    option = seen.option(choice.kind)
    return Decided(
        label=option.label if option else choice_label(choice.kind),
        effect=option.effect if option else EFFECTS[choice.kind],
        by=choice.by,
        total=total(sheet, made.keys),
        details=list(_details(made)),
        items=seen.items if chosen else [],
    )


def _details(made: Made) -> Iterator[tuple[str, str]]:
    choice = made.choice
    if choice.date:
        yield "New date", day(choice.date)
    if made.named:
        yield "Bill", in_one_line(made.named)
    if choice.kind is Choose.REMIND and choice.until:
        yield "Remind on", day(choice.until)
    if choice.reason:
        yield "Reason", choice.reason
        yield "Until", day(choice.until) if choice.until else "for good"


def _told(made: Made, done: Done, sheet: Sheet, *, more: bool) -> Response:
    """What came of a choice."""
    remind, told = made.choice.kind is Choose.REMIND, summary(made, sheet)
    return render("done.html", view=view(sheet), remind=remind, decided=told, results=_results(done, sheet), more=more)


def _results(done: Done, sheet: Sheet) -> list[Result]:
    return [
        Result(
            key=decision.case.milestone.key,
            payee=decision.case.milestone.payee,
            amount=money(decision.case.milestone.amount, currency_of(decision, sheet.books)),
            headline=capital(words(decision.verdict.reason).headline),
            explanation=explain(decision, sheet.books),
            follows=what_follows(decision, sheet.books),
            open=decision.verdict.action in (Action.FLAG, Action.HOLD),
        )
        for decision in done.items
    ]


def _refused(refused: LinkRefused) -> Response:
    title, sentence = REFUSED.get(refused.why, REFUSED["unknown"])
    expired = refused.why == "expired"
    values = {"title": title, "sentences": [refused.told or sentence], "address": refused.address, "expired": expired}
    return render("refused.html", 410 if refused.why in REFUSED and refused.why != "unknown" else 404, **values)


REFUSED = {
    "unknown": ("This link is not known here", "Please check that the whole address was copied from the mail."),
    "expired": ("This link has expired", "Links work for a limited time, so that an old mail cannot decide anything."),
    "used": ("This is decided", "The link has done its work, and the result was mailed."),
    "closed": ("Already resolved", "Nothing is open any more; there is nothing to do."),
}
