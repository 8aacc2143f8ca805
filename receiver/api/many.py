"""Many milestones in one body, each judged by itself."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

import msgspec

from receiver.api.operations import AT_ONCE
from receiver.api.ports import NotUsable, Put
from receiver.api.problems import Refusal, fault_of
from receiver.api.shapes import Fault, KeyedWish, Outcome, Outcomes

TWICE = Fault(pointer="/key", detail="is the key of more than one milestone of this request; none of them was taken.")
UNREADABLE = Fault(pointer="", detail="cannot be read as JSON.")
TOO_MANY = Fault(pointer="", detail=f"must be a list of at most {AT_ONCE:,} milestones.")

Kind = Literal["new", "changed", "same", "rejected"]


class _Named(msgspec.Struct):
    key: str = ""


_wishes = msgspec.json.Decoder(KeyedWish)
_names = msgspec.json.Decoder(_Named)
_lists = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(frozen=True, slots=True)
class Item:
    """One of many: its milestone, or what is wrong with it."""

    key: str
    wish: KeyedWish | None
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Items:
    """All of them, in the order in which they came."""

    items: tuple[Item, ...]

    @property
    def usable(self) -> list[KeyedWish]:
        """Those that can be put."""
        return [item.wish for item in self.items if item.wish]


def milestones_of(content: bytes, *, lines: bool) -> Items:
    """The milestones of a JSON array or, with `lines`, of one on each line. Raises `Refusal` when it is neither."""
    found = [_item(each) for each in _each(content, lines=lines)]
    count = Counter(item.key for item in found if item.wish)
    return Items(tuple(Item(i.key, None, (TWICE,)) if i.wish and count[i.key] > 1 else i for i in found))


def outcomes(read: Items, put: Sequence[Put | NotUsable]) -> Outcomes:
    """What came of all of them; `put` are the results of the usable ones, in their order."""
    left = iter(put)
    items = [_outcome(at, item, next(left) if item.wish else None) for at, item in enumerate(read.items)]
    count = Counter(each.outcome for each in items)
    return Outcomes(
        new=count["new"], changed=count["changed"], same=count["same"], rejected=count["rejected"], items=items
    )


def _each(content: bytes, *, lines: bool) -> Sequence[bytes | msgspec.Raw]:
    if lines:
        found: Sequence[bytes | msgspec.Raw] = [line for line in content.split(b"\n") if line.strip()]
    else:
        try:
            found = _lists.decode(content)
        except msgspec.ValidationError:
            raise Refusal(422, errors=[TOO_MANY]) from None
        except (msgspec.DecodeError, RecursionError):
            raise Refusal(400, "The body cannot be read as JSON.") from None
    if len(found) > AT_ONCE:
        raise Refusal(422, errors=[TOO_MANY])
    return found


def _item(content: bytes | msgspec.Raw) -> Item:
    try:
        wish = _wishes.decode(content)
    except msgspec.ValidationError as error:
        return Item(_key(content), None, (fault_of(error, KeyedWish),))
    except (msgspec.DecodeError, RecursionError):
        return Item("", None, (UNREADABLE,))
    return Item(wish.key, wish)


def _key(content: bytes | msgspec.Raw) -> str:
    try:
        return _names.decode(content).key
    except (msgspec.DecodeError, RecursionError):
        return ""


def _outcome(at: int, item: Item, put: Put | NotUsable | None) -> Outcome:
    if isinstance(put, Put):
        kind = cast("Kind", put.outcome)
        return Outcome(index=at, key=item.key, outcome=kind, version=put.version, errors=[])
    faults = put.faults if put else item.faults
    return Outcome(index=at, key=item.key, outcome="rejected", version=None, errors=list(faults))
