"""What people do on the dashboard: looked over first, confirmed then, on just the facts that were shown."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from msgspec.structs import replace
from starlette.responses import RedirectResponse, Response

from receiver.changes import CHANGED
from receiver.dashboard.door import Fields, one
from receiver.dashboard.ports import Office, Story
from receiver.dashboard.sessions import Visitor
from receiver.dashboard.views import detail, results
from receiver.form import Entry, Made, Unfit, carried, choice_of, entry_of
from receiver.pages import check, summary, unfit
from receiver.ports import Changed, Done, Sheet
from receiver.render import message, render
from receiver.sheet import Item, view
from reconciler.errors import BillwatchError, InputError
from reconciler.organisation import Books
from reconciler.reasons import Choose
from reconciler.records import Choice
from reconciler.words import EFFECTS, EXEMPT_SEVERAL, choice_label

AT_ONCE = 200
BULK = {
    Choose.RESYNC: ("Resync these milestones", EFFECTS[Choose.RESYNC].replace("the milestone is", "they are")),
    Choose.EXEMPT: EXEMPT_SEVERAL,
}


@dataclass(frozen=True, slots=True)
class Bulk:
    """Ticked milestones, by organisation, and what is to be done about them."""

    kind: Choose
    sheets: Mapping[str, Sheet]

    @property
    def label(self) -> str:
        """What is to be done."""
        return BULK[self.kind][0] if len(self.items) > 1 else choice_label(self.kind)

    @property
    def items(self) -> list[Item]:
        """The milestones in words."""
        return [item for sheet in self.sheets.values() for item in view(sheet).items]

    @property
    def fingerprint(self) -> str:
        """Stands for every fact shown."""
        return "-".join(sheet.fingerprint for sheet in self.sheets.values())


class Acting:
    """Reviews and acts, in the name of whoever is logged in."""

    def __init__(self, office: Office, clock: Callable[[], dt.datetime]) -> None:
        self._office, self._clock = office, clock

    def single(self, visitor: Visitor, form: Fields, story: Story) -> Response:
        """A choice about one milestone; `story` is how it stands now."""
        entry, sheet = _entry(form, visitor), story.sheet
        if sheet is None or entry.step == "edit":
            return self._again(visitor, story, entry)
        if entry.fingerprint != sheet.fingerprint:
            if done := self._made(entry, sheet):
                lines = results([(done, sheet.books)])
                return _page(visitor, "done.html", label=choice_label(done.choice.kind), lines=lines, failed=[])
            return self._again(visitor, story, entry, banner=CHANGED, status=409)
        try:
            made = choice_of(entry, view(sheet), self._clock(), partial(self._office.find, sheet.organisation.key))
            if entry.step != "confirm" and made.choice.kind is not Choose.VOIDED:
                check(made, sheet)
                told, hidden = summary(made, sheet), carried(entry, made)
                return _page(visitor, "review.html", told=told, hidden=hidden, more=False, blame={}, entry=entry)
            done = self._act_on(made, sheet, entry)
        except Unfit as wrong:
            return self._again(visitor, story, entry, blame=wrong.sentences, status=422)
        except Changed:
            return self._anew(visitor, story, entry)
        lines = results([(done, sheet.books)])
        return _page(visitor, "done.html", label=choice_label(made.choice.kind), lines=lines, failed=[])

    def _made(self, entry: Entry, sheet: Sheet) -> Done | None:
        """What came of the very form that was sent twice."""
        keys = [decision.case.milestone.key for decision in sheet.items]
        done = self._office.made(sheet.organisation.key, keys, entry.fingerprint) if entry.step == "confirm" else None
        same = done and (done.choice.kind, done.choice.by) == (entry.kind, entry.by)
        return done if same else None

    def _act_on(self, made: Made, sheet: Sheet, entry: Entry) -> Done:
        try:
            return self._office.act(sheet.organisation.key, made.keys, made.choice, entry.fingerprint)
        except InputError as error:
            raise unfit(made.choice, error) from error

    def several(self, visitor: Visitor, form: Fields) -> Response:
        """The same choice about several milestones, of one organisation or more."""
        entry = _entry(form, visitor)
        bulk = self._bulk(entry)
        if bulk is None:
            return message(422, "Nothing was ticked", "Tick the milestones first. Nothing was done.")
        if entry.step != "confirm":
            return self._review(visitor, bulk, entry, {})
        if entry.fingerprint != bulk.fingerprint:
            return self._review(visitor, bulk, entry, {"kind": CHANGED}, 409)
        if bulk.kind is Choose.EXEMPT and (blame := _lacking(entry)):
            return self._review(visitor, bulk, entry, blame, 422)
        return self._act(visitor, bulk, entry)

    def undo(self, visitor: Visitor, form: Fields) -> Response:
        """End an exemption, as the button beside it says."""
        organisation, _, key = one(form, "place").partition("/")
        found = self._office.milestone(organisation, key)
        if found is None:
            return message(404, "There is no such milestone", "Nothing was done.")
        ended = self._office.end_exemption(organisation, key, visitor.user.name)
        if not ended:
            return message(409, "It was not exempt any more", "Somebody may have undone it before. Nothing was done.")
        return RedirectResponse(detail(found, self._clock()).line.url, 303)

    def _bulk(self, entry: Entry) -> Bulk | None:
        ticked: dict[str, list[str]] = {}
        for place in sorted(entry.keys)[:AT_ONCE]:
            organisation, _, key = place.partition("/")
            ticked.setdefault(organisation, []).append(key)
        sheets = {key: self._office.sheet(key, keys) for key, keys in ticked.items()}
        found = {key: sheet for key, sheet in sheets.items() if sheet}
        return Bulk(Choose(entry.kind), found) if found and entry.kind in BULK else None

    def _review(
        self, visitor: Visitor, bulk: Bulk, entry: Entry, blame: Mapping[str, str], status: int = 200
    ) -> Response:
        told = {
            "label": bulk.label,
            "effect": BULK[bulk.kind][1] if len(bulk.items) > 1 else EFFECTS[bulk.kind],
            "items": bulk.items,
            "total": "",
            "details": [],
        }
        hidden = [("kind", bulk.kind.value), ("fingerprint", bulk.fingerprint)]
        hidden += [("keys", f"{o}/{d.case.milestone.key}") for o, sheet in bulk.sheets.items() for d in sheet.items]
        more = bulk.kind is Choose.EXEMPT
        return _page(visitor, "review.html", status, told=told, hidden=hidden, more=more, blame=blame, entry=entry)

    def _act(self, visitor: Visitor, bulk: Bulk, entry: Entry) -> Response:
        until = dt.date.fromisoformat(entry.until) if entry.until else None
        reason = " ".join(entry.reason.split())
        choice = Choice(bulk.kind, visitor.user.name, self._clock(), reason=reason, until=until)
        dones: list[tuple[Done, Books]] = []
        failed: list[str] = []
        for key, sheet in bulk.sheets.items():
            keys = [decision.case.milestone.key for decision in sheet.items]
            try:
                dones.append((self._office.act(key, keys, choice, sheet.fingerprint), sheet.books))
            except Changed:
                failed.append(f"{sheet.organisation.name}: {CHANGED}")
            except BillwatchError as error:
                failed.append(f"{sheet.organisation.name}: {error}")
        status = 200 if dones else 409
        return _page(visitor, "done.html", status, label=bulk.label, lines=results(dones), failed=failed)

    def _anew(self, visitor: Visitor, story: Story, entry: Entry) -> Response:
        fresh = self._office.milestone(story.organisation.key, story.listed.milestone.key) or story
        return self._again(visitor, fresh, entry, banner=CHANGED, status=409)

    def _again(
        self,
        visitor: Visitor,
        story: Story,
        entry: Entry,
        *,
        banner: str = "",
        blame: Mapping[str, str] | None = None,
        status: int = 200,
    ) -> Response:
        page = detail(story, self._clock())
        told = {"page": page, "view": page.sheet, "banner": banner, "blame": blame or {}, "entry": entry}
        return _page(visitor, "milestone.html", status, **told)


def _entry(form: Fields, visitor: Visitor) -> Entry:
    """The form as filled in; whoever is logged in is who decides."""
    return replace(entry_of(form), by=visitor.user.name)


def _lacking(entry: Entry) -> dict[str, str]:
    blame = {}
    if not 0 < len(" ".join(entry.reason.split())) <= 500:
        blame["reason"] = "Say why, so that the next person understands it (at most 500 characters)."
    try:
        dt.date.fromisoformat(entry.until or "2000-01-01")
    except ValueError:
        blame["until"] = "Give a day as year-month-day, such as 2026-07-01."
    return blame


def _page(visitor: Visitor, template: str, status: int = 200, **values: object) -> Response:
    return render(f"dashboard/{template}", status, visitor=visitor, path="/milestones", **values)
