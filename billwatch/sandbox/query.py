"""The `where` and `order` parameters: a small expression language, read once and applied to each document.

Xero publishes examples rather than a grammar (guide "Requests and responses", "HTTP GET"): comparisons of a field with
a string, number, `true`, `null`, `DateTime(y,m,d)` or `Guid("…")`, methods `Contains`, `StartsWith` and `EndsWith`,
joined by AND, OR and parentheses. An unknown field or a broken expression is a QueryError.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

Value = str | Decimal | date | bool | None
Getter = Callable[[Any], Value]
Test = Callable[[Any], bool]

_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*"|'[^']*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>[A-Za-z_][\w.]*)"""
    r"""|(?P<mark>==|!=|<>|>=|<=|&&|\|\||[><=(),!]))"""
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda left, right: left == right,
    "=": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<>": lambda left, right: left != right,
    ">": lambda left, right: left > right,
    "<": lambda left, right: left < right,
    ">=": lambda left, right: left >= right,
    "<=": lambda left, right: left <= right,
}
_METHODS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda whole, part: part in whole,
    "startswith": lambda whole, part: whole.startswith(part),
    "endswith": lambda whole, part: whole.endswith(part),
}


class QueryError(ValueError):
    """The expression cannot be read; answered with 400, `Type` and `Message`, and no `Elements`."""


def where(text: str, fields: Mapping[str, Getter]) -> Test:
    """The filter that `text` describes, over documents whose `fields` are found by name regardless of case."""
    return _Reader(text, fields).whole()


def order(text: str, fields: Mapping[str, Getter]) -> list[tuple[Getter, bool]]:
    """Sort keys, most important first, each with whether it descends."""
    return [_order_key(part, fields) for part in text.split(",") if part.strip()]


def sort(items: list[Any], keys: list[tuple[Getter, bool]]) -> list[Any]:
    """A stable sort; documents without a value come first, or last when descending."""
    for getter, descending in reversed(keys):
        items = sorted(items, key=lambda item: _sortable(getter(item)), reverse=descending)
    return items


def _order_key(part: str, fields: Mapping[str, Getter]) -> tuple[Getter, bool]:
    name, _, direction = part.strip().partition(" ")
    if direction.strip().upper() not in ("", "ASC", "DESC"):
        raise QueryError(f"Syntax error in order clause '{part.strip()}'")
    return _field(name, fields), direction.strip().upper() == "DESC"


def _sortable(value: Value) -> tuple[bool, Any]:
    return (value is not None, value if value is not None else 0)


def _field(name: str, fields: Mapping[str, Getter]) -> Getter:
    getter = fields.get(name.lower())
    if getter is None:
        raise QueryError(f"No property or field '{name}' exists")
    return getter


class _Reader:
    """Recursive descent: any → all → term; `_kind` and `_text` are the token in hand."""

    def __init__(self, text: str, fields: Mapping[str, Getter]) -> None:
        self._fields = fields
        self._tokens = _tokens(text)
        self._kind, self._text = next(self._tokens)

    def whole(self) -> Test:
        test = self._any()
        if self._kind != "end":
            raise QueryError(f"Syntax error at '{self._text}'")
        return test

    def _any(self) -> Test:
        tests = [self._all()]
        while self._text.upper() in ("OR", "||"):
            self._step()
            tests.append(self._all())
        return lambda item: any(test(item) for test in tests)

    def _all(self) -> Test:
        tests = [self._term()]
        while self._text.upper() in ("AND", "&&"):
            self._step()
            tests.append(self._term())
        return lambda item: all(test(item) for test in tests)

    def _term(self) -> Test:
        if self._text == "(" and self._kind == "mark":
            self._step()
            inside = self._any()
            self._expect(")")
            return inside
        if self._kind != "name":
            raise QueryError(f"Syntax error at '{self._text}'")
        name = self._step()
        return self._method(name) if self._text == "(" else self._comparison(_field(name, self._fields))

    def _method(self, name: str) -> Test:
        owner, _, method = name.rpartition(".")
        check = _METHODS.get(method.lower())
        if check is None:
            raise QueryError(f"No applicable method '{method}' exists")
        getter = _field(owner, self._fields)
        argument = str(self._arguments()[0])
        return lambda item: check(str(getter(item) or ""), argument)

    def _comparison(self, getter: Getter) -> Test:
        compare = _COMPARE.get(self._text)
        if compare is None or self._kind != "mark":
            raise QueryError(f"Syntax error at '{self._text}'")
        self._step()
        wanted = self._value()
        return lambda item: _compared(compare, getter(item), wanted)

    def _value(self) -> Value:
        kind, text = self._kind, self._step()
        if kind == "string":
            return text[1:-1]
        if kind == "number":
            return Decimal(text)
        words: dict[str, Value] = {"true": True, "false": False, "null": None}
        if kind == "name" and text.lower() in words:
            return words[text.lower()]
        if kind == "name" and self._text == "(":
            return self._call(text)
        raise QueryError(f"Syntax error at '{text}'")

    def _call(self, name: str) -> Value:
        arguments = self._arguments()
        try:
            if name.lower() == "guid":
                return str(arguments[0]).lower()
            if name.lower() == "datetime":
                return _moment([int(str(part)) for part in arguments])
            if name.lower() == "datetime.parse":
                return datetime.fromisoformat(str(arguments[0])).date()
        except (ValueError, TypeError, IndexError):
            raise QueryError(f"{name} cannot be made of {arguments}") from None
        raise QueryError(f"No applicable method '{name}' exists")

    def _arguments(self) -> list[Value]:
        self._expect("(")
        found: list[Value] = []
        while self._text != ")":
            found.append(self._value())
            if self._text == ",":
                self._step()
        self._expect(")")
        if not found:
            raise QueryError("An argument is missing")
        return found

    def _expect(self, mark: str) -> None:
        if self._text != mark:
            raise QueryError(f"'{mark}' expected")
        self._step()

    def _step(self) -> str:
        text = self._text
        if self._kind == "end":
            raise QueryError("Expression expected")
        self._kind, self._text = next(self._tokens)
        return text


def _compared(compare: Callable[[Any, Any], bool], value: Value, wanted: Value) -> bool:
    if isinstance(value, datetime) and isinstance(wanted, date) and not isinstance(wanted, datetime):
        wanted = datetime(wanted.year, wanted.month, wanted.day, tzinfo=UTC)
    try:
        return compare(value, wanted)
    except TypeError:
        return False


def _moment(parts: list[int]) -> date:
    """`DateTime(y,m,d)` is a day; with hours, minutes and seconds it is an instant in UTC."""
    year, month, day, *rest = parts
    hour, minute, second = ([*rest, 0, 0, 0])[:3]
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC) if rest else date(year, month, day)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    place = 0
    while text[place:].strip():
        match = _TOKEN.match(text, place)
        if match is None:
            raise QueryError(f"Syntax error at position {place}")
        yield match.lastgroup or "", match[match.lastgroup or 0]
        place = match.end()
    yield "end", ""
