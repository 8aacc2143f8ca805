"""What a person typed on the page, and whether it makes a choice."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs

from msgspec import Struct
from msgspec.structs import replace

from receiver.sheet import ONE_BILL, View
from reconciler.errors import InputError
from reconciler.model import Bill
from reconciler.reasons import Choose
from reconciler.records import Choice

NAME_LENGTH = 100
REASON_LENGTH = 500
FIELDS_AT_MOST = 20_000

# Finds the bill that a text names, for the milestone of that key; raises `InputError`.
Finder = Callable[[str, str], Bill]


class Entry(Struct, frozen=True):
    """The form as filled in, unjudged, so that a page can show it again.

    `keys` are the ticked milestones, `seen` the prints and keys of those that were shown.
    """

    step: str = ""
    fingerprint: str = ""
    kind: str = ""
    by: str = ""
    date: str = ""
    bill: str = ""
    other: str = ""
    reason: str = ""
    until: str = ""
    on: str = ""
    keys: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()


LISTS = ("keys", "seen")


@dataclass(frozen=True, slots=True)
class Made:
    """A choice that the form makes, of which milestones, and the bill that it names."""

    choice: Choice
    keys: tuple[str, ...]
    named: Bill | None = None


class Unfit(Exception):
    """The form makes no choice yet: a sentence per field that is to blame."""

    def __init__(self, sentences: Mapping[str, str]) -> None:
        super().__init__(" ".join(sentences.values()))
        self.sentences = dict(sentences)


def read_entry(body: bytes) -> Entry:
    """The entry of a submitted form; fields that we do not know, or that are sent twice, do no harm."""
    try:
        fields = parse_qs(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=FIELDS_AT_MOST)
    except ValueError:
        return Entry()
    return entry_of(fields)


def entry_of(fields: Mapping[str, Sequence[str]]) -> Entry:
    """The entry of a form's fields."""
    names = set(Entry.__struct_fields__) - set(LISTS)
    single = {name: values[-1].strip() for name, values in fields.items() if name in names and values}
    keys, seen = (tuple(dict.fromkeys(fields.get(name, ()))) for name in LISTS)
    return Entry(**single, keys=keys, seen=seen)


def choice_of(entry: Entry, view: View, at: dt.datetime, find: Finder) -> Made:
    """What the form makes. Raises `Unfit`."""
    blame: dict[str, str] = {}
    keys = _keys(entry, view, blame)
    option = view.option(entry.kind)
    if option is None:
        blame["kind"] = "Choose one of these."
    by = _text(entry.by, NAME_LENGTH, "by", "Say who decides, in at most 100 characters.", blame)
    choice = Choice(option.kind if option else Choose.RESYNC, by, at, view.address)
    choice = _with_details(choice, entry, blame) if option else choice
    named = _bill(entry, view, find, blame) if choice.kind in ONE_BILL else None
    if blame:
        raise Unfit(blame)
    return Made(replace(choice, bill_id=named.bill_id) if named else choice, keys, named)


def _keys(entry: Entry, view: View, blame: dict[str, str]) -> tuple[str, ...]:
    known = [item.key for item in view.items]
    chosen = known if view.one else [key for key in known if key in entry.keys]
    if not chosen:
        blame["keys"] = "Tick at least one milestone."
    return tuple(chosen)


def _with_details(choice: Choice, entry: Entry, blame: dict[str, str]) -> Choice:
    if choice.kind is Choose.DATE:
        return replace(choice, date=_day(entry.date, "date", blame))
    if choice.kind is Choose.REMIND:
        return replace(choice, until=_day(entry.on, "on", blame))
    if choice.kind is Choose.EXEMPT:
        sentence = "Say why, so that the next person understands it (at most 500 characters)."
        reason = _text(entry.reason, REASON_LENGTH, "reason", sentence, blame)
        return replace(choice, reason=reason, until=_day(entry.until, "until", blame) if entry.until else None)
    return choice


def _text(value: str, length: int, name: str, sentence: str, blame: dict[str, str]) -> str:
    text = " ".join(value.split())
    if not text or len(text) > length:
        blame[name] = sentence
    return text


def _day(value: str, name: str, blame: dict[str, str]) -> dt.date | None:
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        blame[name] = "Give a day as year-month-day, such as 2026-07-01."
        return None


def _bill(entry: Entry, view: View, find: Finder, blame: dict[str, str]) -> Bill | None:
    text = entry.other or entry.bill
    if not text:
        blame["bill"] = "Choose the bill, or give its number or its address in Xero."
        return None
    try:
        return find(view.items[0].key, text)
    except InputError as error:
        blame["bill"] = str(error)
        return None


def carried(entry: Entry, made: Made) -> list[tuple[str, str]]:
    """The entry as hidden fields, for the page in between; a bill by its id, so that the one shown is the one meant."""
    if made.named:
        entry = replace(entry, bill=made.named.bill_id, other="")
    names = [name for name in Entry.__struct_fields__ if name not in ("step", *LISTS)]
    lists = [("keys", key) for key in made.keys] + [("seen", each) for each in entry.seen]
    return [(name, getattr(entry, name)) for name in names] + lists
