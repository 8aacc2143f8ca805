"""The OpenAPI 3.1 document, made from the table of operations and the shapes."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from receiver.api import shapes
from receiver.api.fields import Key
from receiver.api.operations import ALWAYS, AT_ONCE, JSON, OPERATIONS, Operation
from receiver.api.problems import MEDIA

TEMPLATE = "#/components/schemas/{name}"
ABOUT = """\
The interface between a grants platform and billwatch, which keeps milestones and their bills in Xero in step.

Milestones are put; what becomes of them is read, as one milestone, as a list, or as the feed of changes. Amounts are
texts with two decimals, so that they stay exact. Enumerations only ever grow. Whatever goes wrong comes as a problem
(RFC 9457) with one sentence in `detail`.
"""
ETAG = {"ETag": {"description": "Names the version of what the platform put.", "schema": {"type": "string"}}}
LOCATION = {"Location": {"description": "The milestone.", "schema": {"type": "string"}}}
CONDITIONS = {
    "If-Match": ("Only the version that this ETag names is replaced.", '"3"'),
    "If-None-Match": ("With *, the milestone is only made, and never replaced.", "*"),
}
RETRY = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}


def document(version: str, public_url: str) -> bytes:
    """The document as JSON."""
    kinds: list[Any] = [shapes.Problem, shapes.KeyedWish]
    for one in OPERATIONS:
        kinds += [kind for kind in (one.answer, one.body) if kind]
    _, components = msgspec.json.schema_components(kinds, ref_template=TEMPLATE)
    paths: dict[str, dict[str, Any]] = {}
    for one in OPERATIONS:
        paths.setdefault(one.path, {"parameters": _path_parameters(one.path)})[one.method.lower()] = _operation(one)
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {"title": "billwatch", "version": version, "description": ABOUT},
            "servers": [{"url": f"{public_url}/api/v1"}],
            "security": [{"key": []}],
            "paths": paths,
            "components": {
                "schemas": components,
                "securitySchemes": {
                    "key": {
                        "type": "http",
                        "scheme": "bearer",
                        "description": "A key that “billwatch keys new” has made.",
                    }
                },
            },
        }
    )


def _operation(one: Operation) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary,
        "description": " ".join(filter(None, (one.told, f"Needs a key of the scope “{one.scope.value}”."))),
        "responses": _responses(one),
    }
    if parameters := [*_query_parameters(one.query), *_conditions(one)]:
        told["parameters"] = parameters
    if one.body:
        told["requestBody"] = {"required": one.body_needed, "content": _bodies(one)}
    return told


def _bodies(one: Operation) -> dict[str, Any]:
    single = {"$ref": TEMPLATE.format(name=one.body.__name__ if one.body else "")}
    if not one.many:
        return {media: {"schema": single, "examples": {"one": {"value": one.example}}} for media in one.media}
    # Any item is taken: one that is not usable is rejected by itself, and the request is not.
    anything = {"description": "Anything else is taken note of as rejected."}
    several = {"type": "array", "maxItems": AT_ONCE, "items": {"anyOf": [single, anything]}}
    lines = {"type": "string", "description": "One milestone on each line, as JSON."}
    bodies: dict[str, Any] = {media: {"schema": lines} for media in one.media}
    return bodies | {JSON: {"schema": several, "examples": {"one": {"value": [one.example]}}}}


def _responses(one: Operation) -> dict[str, Any]:
    content = {JSON: {"schema": {"$ref": TEMPLATE.format(name=one.answer.__name__)}}}
    responses: dict[str, Any] = {}
    for status in one.statuses:
        headers = (ETAG if one.answer is shapes.Full else {}) | (LOCATION if status == HTTPStatus.CREATED else {})
        responses[str(status)] = {"description": HTTPStatus(status).phrase, "content": content}
        if headers:
            responses[str(status)]["headers"] = headers
    for status in sorted({*one.problems, *ALWAYS}):
        responses[str(status)] = _problem(status)
    return responses


def _problem(status: int) -> dict[str, Any]:
    told: dict[str, Any] = {
        "description": HTTPStatus(status).phrase,
        "content": {MEDIA: {"schema": {"$ref": TEMPLATE.format(name="Problem")}}},
    }
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        told["headers"] = RETRY
    if status == HTTPStatus.PRECONDITION_FAILED:
        told["headers"] = ETAG
    return told


def _path_parameters(path: str) -> list[dict[str, Any]]:
    known = {
        "organisation": {
            "schema": {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,63}$"},
            "description": "The organisation's key in the configuration.",
            "example": "example-trust",
        },
        "key": {
            "schema": msgspec.json.schema(Key) | {"description": "The milestone's key on the platform."},
            "description": "The milestone's key on the platform, percent-encoded.",
            "example": "M-0412",
        },
    }
    named = [name for name in known if f"{{{name}}}" in path]
    return [{"name": name, "in": "path", "required": True} | known[name] for name in named]


def _conditions(one: Operation) -> list[dict[str, Any]]:
    shared = {"in": "header", "required": False, "schema": {"type": "string"}}
    return [
        {"name": name, **shared, "description": words, "example": example}
        for name, (words, example) in CONDITIONS.items()
        if one.conditional
    ]


def _query_parameters(query: type[msgspec.Struct] | None) -> Sequence[dict[str, Any]]:
    if query is None:
        return []
    _, components = msgspec.json.schema_components([query], ref_template="{name}")
    parameters = []
    for name, schema in components[query.__name__]["properties"].items():
        kinds = [kind for kind in schema.get("anyOf", [schema]) if kind.get("type") != "null"]
        kind = components[kinds[0]["$ref"]] if "$ref" in kinds[0] else dict(kinds[0])
        kind = {key: value for key, value in kind.items() if key not in ("default", "title")}
        parameters.append({"name": name, "in": "query", "required": False, "schema": kind})
    return parameters
