"""Xero's published description of its API, read into validators; it is not part of this repository.

`BILLWATCH_XERO_OPENAPI` names the folder that holds `xero_accounting.yaml`, `xero-identity.yaml` and
`xero-webhooks.yaml` of github.com/XeroAPI/Xero-OpenAPI; without it, a folder `*/facts/openapi` beside the checkout is
used when there is one.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.jsonschema import DRAFT202012

VARIABLE = "BILLWATCH_XERO_OPENAPI"
ACCOUNTING, IDENTITY, WEBHOOKS = "xero_accounting.yaml", "xero-identity.yaml", "xero-webhooks.yaml"
_CALENDAR_DAY = re.compile(r"/Date\((-?\d+)(\+0000)?\)/")


def folder() -> Path | None:
    """Where the description lies; `None` when it is not at hand."""
    if named := os.environ.get(VARIABLE):
        return Path(named)
    beside = Path(__file__).resolve().parents[3]
    return next((path.parent for path in sorted(beside.glob(f"*/facts/openapi/{ACCOUNTING}"))), None)


def _day(_validator: object, wanted: bool, instance: object, _schema: object) -> Iterator[ValidationError]:
    """`x-is-msdate` marks calendar days, which are whole days since 1970 in UTC."""
    match = _CALENDAR_DAY.fullmatch(instance) if isinstance(instance, str) else None
    if wanted and (match is None or int(match[1]) % 86_400_000):
        yield ValidationError(f"{instance!r} is not a calendar day of the form /Date(…)/")


def _instant(_validator: object, wanted: bool, instance: object, _schema: object) -> Iterator[ValidationError]:
    if wanted and not (isinstance(instance, str) and _CALENDAR_DAY.fullmatch(instance)):
        yield ValidationError(f"{instance!r} is not an instant of the form /Date(…)/")


_Validator = extend(Draft202012Validator, {"x-is-msdate": _day, "x-is-msdate-time": _instant})


@dataclass(frozen=True)
class Fault:
    """One thing in an answer that the description does not know.

    `place` has `*` for positions in lists; `said` is `not described` for a field, else the keyword that objects.
    """

    place: str
    said: str


@dataclass(frozen=True)
class Description:
    """One published file. Its objects are closed: a field that it does not name is a fault."""

    name: str
    document: Any
    registry: Registry[Any]

    def response(self, method: str, path: str, status: int) -> Any:
        """The schema of that answer's JSON. Raises KeyError when none is published."""
        found = self._followed(self.operation(method, path)["responses"][str(status)])
        return found["content"]["application/json"]["schema"]

    def request(self, method: str, path: str) -> Any:
        """The schema of the body to be sent."""
        return self._followed(self.operation(method, path)["requestBody"])["content"]["application/json"]["schema"]

    def event(self, name: str) -> Any:
        """The schema of a webhook's body."""
        return self.document["webhooks"][name]["post"]["requestBody"]["content"]["application/json"]["schema"]

    def operation(self, method: str, path: str) -> Any:
        return self.document["paths"][path][method.lower()]

    def parameters(self, method: str, path: str) -> set[str]:
        """The names of all parameters of an operation: of path, query and header."""
        listed = [
            *self.document["paths"][path].get("parameters", ()),
            *self.operation(method, path).get("parameters", ()),
        ]
        return {self._followed(one)["name"] for one in listed}

    def schema(self, name: str) -> Any:
        return {"$ref": f"#/components/schemas/{name}"}

    def faults(self, schema: Any, instance: object) -> set[Fault]:
        """All that is wrong with the instance, by the given schema."""
        rooted = _absolute(schema, self.name)
        validator = _Validator(rooted, registry=self.registry, format_checker=FormatChecker())
        return {fault for error in validator.iter_errors(instance) for fault in _faults(error)}

    def _followed(self, item: Any) -> Any:
        if "$ref" not in item:
            return item
        found = self.document
        for part in item["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return found


@cache
def description(name: str) -> Description:
    """The published file of that name."""
    where = folder()
    assert where is not None
    document = yaml.load((where / name).read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    if name != WEBHOOKS:  # there, one schema adds fields to another
        _close(document["components"]["schemas"])
    resource = DRAFT202012.create_resource(document)
    return Description(name, document, Registry().with_resource(name, resource))


def _close(node: Any) -> None:
    """Make every object that lists its properties admit no others."""
    if isinstance(node, list):
        for entry in node:
            _close(entry)
    if not isinstance(node, dict):
        return
    if isinstance(node.get("properties"), dict):
        node.setdefault("additionalProperties", False)
    for entry in node.values():
        _close(entry)


def _absolute(schema: Any, name: str) -> Any:
    """The schema with references of its own file made to name that file."""
    if isinstance(schema, dict):
        return {
            key: f"{name}{value}" if key == "$ref" and str(value).startswith("#") else _absolute(value, name)
            for key, value in schema.items()
        }
    return [_absolute(entry, name) for entry in schema] if isinstance(schema, list) else schema


def _faults(error: Any) -> Iterator[Fault]:
    place = [("*" if isinstance(part, int) else str(part)) for part in error.absolute_path]
    if error.validator == "additionalProperties":
        for field in sorted(set(error.instance) - set(error.schema["properties"])):
            yield Fault(".".join([*place, field]), "not described")
    else:
        yield Fault(".".join(place), error.validator)
