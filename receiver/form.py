"""What a person typed on the page, and whether it makes a choice."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qs

from receiver.sheet import ONE_BILL, View
from reconciler.reasons import Choose
from reconciler.records import Choice

NAME_LENGTH = 100
REASON_LENGTH = 500
FIELDS_AT_MOST = 20_000

_BILL_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """The form as filled in, unjudged, so that a page can show it again. `keys` are the ticked milestones."""

    step: str = ""
    fingerprint: str = ""
    kind: str = ""
    by: str = ""
    date: str = ""
    bill: str = ""
    other: str = ""
    reason: str = ""
    until: str = ""
    keys: tuple[str, ...] = ()


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
    single = {name: values[-1].strip() for name, values in fields.items() if name in Entry.__slots__}
    single.pop("keys", None)
    return Entry(**single, keys=tuple(dict.fromkeys(fields.get("keys", ()))))


def choice_of(entry: Entry, view: View, at: dt.datetime) -> tuple[Choice, tuple[str, ...]]:
    """The choice, and the keys of the milestones that it is about. Raises `Unfit`."""
    blame: dict[str, str] = {}
    keys = _keys(entry, view, blame)
    option = view.option(entry.kind)
    if option is None:
        blame["kind"] = "Choose one of these."
    by = _text(entry.by, NAME_LENGTH, "by", "Say who decides, in at most 100 characters.", blame)
    choice = Choice(option.kind if option else Choose.RESYNC, by, at, view.address)
    choice = _with_details(choice, entry, view, blame) if option else choice
    if blame:
        raise Unfit(blame)
    return choice, keys


def _keys(entry: Entry, view: View, blame: dict[str, str]) -> tuple[str, ...]:
    known = [item.key for item in view.items]
    chosen = known if view.one else [key for key in known if key in entry.keys]
    if not chosen:
        blame["keys"] = "Tick at least one milestone."
    return tuple(chosen)


def _with_details(choice: Choice, entry: Entry, view: View, blame: dict[str, str]) -> Choice:
    if choice.kind is Choose.DATE:
        return replace(choice, date=_day(entry.date, "date", blame))
    if choice.kind in ONE_BILL:
        return replace(choice, bill_id=_bill(entry, view, blame))
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


def _bill(entry: Entry, view: View, blame: dict[str, str]) -> str:
    if not entry.other and entry.bill in {other.bill_id for other in view.others}:
        return entry.bill
    found = _BILL_ID.search(entry.other)
    if found is None:
        blame["bill"] = "Choose the bill, or paste its address from Xero."
        return ""
    return found[0].lower()


def carried(entry: Entry, keys: Sequence[str]) -> list[tuple[str, str]]:
    """The entry as hidden fields, for the page in between."""
    names = [name for name in Entry.__slots__ if name not in ("step", "keys")]
    return [(name, getattr(entry, name)) for name in names] + [("keys", key) for key in keys]
