"""What is wrong with a configuration, as one sentence: the key, the value, and what is allowed.

The value of a secret is never among the words.
"""

import difflib
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec.inspect as shape
from msgspec import ValidationError

from billwatch.secret import FORM

_PATH = re.compile(r" - at `(?:key in )?\$\.?(?P<path>[^`]*)`$")
_FIELD = re.compile(r"field `(?P<name>.*?)`(?: - at |$)")
_STEP = re.compile(r"\[(?P<index>\d+|\.\.\.)\]|(?P<name>[^.\[\]]+)")
_CREDENTIALS = re.compile(r"//[^/\s]*@")
_LONGEST_VALUE = 80
_VERY_CLOSE = 0.8  # a slip of the pen, rather than an option of another table
_KEYS = {"organisation": "key", "person": "address"}

Step = str | int


class Unfit(ValueError):
    """A value that its type alone cannot refuse: the option's name within its table, and what is wrong with it."""

    def __init__(self, key: str, words: str) -> None:
        super().__init__(words)
        self.key = key


def complain(error: ValidationError, raw: dict[str, Any], schema: type) -> str:
    """The sentence for an error that `msgspec.convert(raw, schema)` raised."""
    text = str(error)
    steps = _steps(text)
    kind = _kind(shape.type_info(schema), steps)
    if isinstance(error.__cause__, Unfit):
        return f"{_dotted([*steps, error.__cause__.key], raw)} {error.__cause__}."
    if found := _FIELD.search(text):
        return _about_field(found["name"], text, steps, kind, raw, shape.type_info(schema))
    if _secret(kind) or _guarded(kind):
        return f"{_dotted(steps, raw)} must be {_allowed(kind)}, never the secret itself."
    value = _value(raw, steps)
    if isinstance(value, dict | list):
        return f"{_dotted(steps, raw)} must be {_allowed(kind)}."
    return f"{_dotted(steps, raw)} is {_shown(value)}, but must be {_allowed(kind)}."


def nearest(word: str, known: Sequence[str]) -> str:
    """A hint for a misspelt word: the one that was probably meant, or else all that there are."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        return f'did you mean "{close[0]}"?'
    return f"there {'is only' if len(known) == 1 else 'are'} {', '.join(known)}."


def _about_field(
    name: str, text: str, steps: list[Step], table: shape.Type, raw: dict[str, Any], whole: shape.Type
) -> str:
    dotted = _dotted([*steps, name], raw)
    if "unknown field" in text:
        known = [field.encode_name for field in table.fields] if isinstance(table, shape.StructType) else []
        homes = list(_homes(name, whole))
        if homes and not difflib.get_close_matches(name, known, n=1, cutoff=_VERY_CLOSE):
            return f"{dotted} is not an option; {name} belongs under {' or '.join(homes)}."
        return f"{dotted} is not an option; {nearest(name, known)}"
    return f"{dotted} is missing; it must be {_allowed(_kind(table, [name]))}."


def _homes(name: str, kind: shape.Type, table: str = "", heading: str = "[{}]") -> Iterator[str]:
    """The tables that have an option of that name, by their headings in the file."""
    kind = _bare(kind)
    if isinstance(kind, shape.VarTupleType):
        yield from _homes(name, kind.item_type, table, "[[{}]]")
    if not isinstance(kind, shape.StructType):
        return
    for field in kind.fields:
        if table and field.encode_name == name:
            yield heading.format(table)
        yield from _homes(name, field.type, f"{table}.{field.encode_name}" if table else field.encode_name)


def _steps(text: str) -> list[Step]:
    found = _PATH.search(text)
    if not found:
        return []
    steps: list[Step] = []
    for step in _STEP.finditer(found["path"]):
        if step["index"] == "...":
            break
        steps.append(int(step["index"]) if step["index"] else step["name"])
    return steps


def _kind(kind: shape.Type, steps: list[Step]) -> shape.Type:
    for step in steps:
        kind = _within(_bare(kind), step)
    return kind


def _within(kind: shape.Type, step: Step) -> shape.Type:
    if isinstance(kind, shape.StructType):
        return next((field.type for field in kind.fields if field.encode_name == step), shape.AnyType())
    return kind.item_type if isinstance(kind, shape.VarTupleType) else shape.AnyType()


def _bare(kind: shape.Type) -> shape.Type:
    if isinstance(kind, shape.UnionType):
        return next((each for each in kind.types if isinstance(each, shape.StructType)), kind)
    return kind.type if isinstance(kind, shape.Metadata) else kind


def _value(value: Any, steps: list[Step]) -> Any:
    for step in steps:
        value = value[step]
    return value


def _dotted(steps: list[Step], raw: dict[str, Any]) -> str:
    """`organisation.acme.policy.on_unlock`: an organisation by its key, a person by the address, else by their place in
    the file from 1."""
    names: list[str] = []
    for at, step in enumerate(steps):
        if isinstance(step, str):
            names.append(step)
        elif names in (["organisation"], ["person"]):
            table = _value(raw, steps[: at + 1])
            key = table.get(_KEYS[names[0]]) if isinstance(table, dict) else None
            names.append(key if isinstance(key, str) and key else f"#{step + 1}")
    return ".".join(names)


def _shown(value: Any) -> str:
    words = json.dumps(value, ensure_ascii=False) if isinstance(value, bool | str) else str(value)
    words = _CREDENTIALS.sub("//…@", words)
    return words if len(words) <= _LONGEST_VALUE else f"{words[:_LONGEST_VALUE]}…"


def _secret(kind: shape.Type) -> bool:
    kind = _bare(kind)
    if isinstance(kind, shape.UnionType):
        return any(_secret(each) for each in kind.types)
    return isinstance(kind, shape.CustomType) or (isinstance(kind, shape.VarTupleType) and _secret(kind.item_type))


def _guarded(kind: shape.Type) -> bool:
    """Whether somebody may have put a secret where something else belongs, such as a password in place of its hash."""
    return isinstance(kind, shape.Metadata) and bool((kind.extra or {}).get("secret"))


def _allowed(kind: shape.Type) -> str:
    """What a value of this type may be, in words."""
    match kind:
        case shape.Metadata(extra_json_schema={"description": str(words)}):
            return words
        case shape.LiteralType(values=values):
            return _listed([str(value) for value in values], "or")
        case shape.UnionType(types=types):
            return " or ".join(_allowed(each) for each in types if not isinstance(each, shape.NoneType))
        case shape.IntType(ge=low, le=high):
            return f"a whole number from {low} to {high}"
        case shape.StrType(max_length=longest):
            return f"a text of at most {longest} characters" if longest else "a text"
        case shape.VarTupleType(item_type=item, min_length=fewest):
            return f"a list{' of at least one' if fewest else ''}, each {_allowed(item)}"
    return _PLAIN.get(type(kind), "something else")


_PLAIN = {
    shape.BoolType: "true or false",
    shape.DecimalType: "an amount such as 50000",
    shape.DateType: "a day such as 2026-12-24",
    shape.CustomType: FORM,
    shape.StructType: "a table",
}


def _listed(words: Sequence[str], last: str) -> str:
    quoted = [f'"{word}"' for word in words]
    return f" {last} ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
