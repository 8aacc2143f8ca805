"""What goes wrong, in the form of RFC 9457: one sentence in `detail`, and a kind that programs can tell apart."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

import msgspec
import msgspec.inspect as shape
from starlette.responses import Response

from receiver.api.shapes import Fault, Problem
from receiver.ports import Changed
from reconciler.errors import BillwatchError, InputError, NoMilestone, RateLimited, StorageError, Temporary

MEDIA = "application/problem+json"
KINDS = {
    400: ("malformed", "The request cannot be read."),
    401: ("no-key", "A valid key is needed."),
    403: ("not-allowed", "The key does not allow this."),
    404: ("not-found", "There is nothing here."),
    405: ("wrong-method", "This address takes no requests of that kind."),
    408: ("too-slow", "The request did not come in completely in time."),
    409: ("conflict", "That does not go together with how things stand."),
    410: ("cursor-too-old", "What came after that cursor is not kept any more in full."),
    412: ("changed-meanwhile", "The milestone is not what the request presumes."),
    413: ("too-large", "The request is too large."),
    415: ("wrong-media-type", "The body is not of a kind that is taken here."),
    422: ("not-valid", "Something in the request is not valid."),
    428: ("precondition-required", "The request must say which version it replaces."),
    429: ("too-many-requests", "That was asked too often; please wait for a moment."),
    500: ("failed", "Something went wrong on our side. Nothing was lost; please try again in a minute."),
    503: ("unavailable", "That cannot be done right now."),
}
TYPE = "urn:billwatch:problem:"
RETRY_SECONDS = 30

_AT = re.compile(r" - at `(?:key in )?\$(?P<path>[^`]*)`$")
_STEP = re.compile(r"\[(?P<index>\d+|\.\.\.)\]|\.(?P<name>[^.\[\]]+)")
_FIELD = re.compile(r"field `(?P<name>.*?)`(?: - at |$)")


@dataclass
class Refusal(Exception):
    """A request that is not done: the status, why, and what is wrong with which field."""

    status: int
    detail: str = ""
    errors: Sequence[Fault] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


def answer(refusal: Refusal) -> Response:
    """The refusal as an answer."""
    name, sentence = KINDS.get(refusal.status, ("refused", "The request was refused."))
    problem = Problem(
        type=TYPE + name,
        title=HTTPStatus(refusal.status).phrase,
        status=refusal.status,
        detail=refusal.detail or sentence,
        errors=list(refusal.errors),
    )
    return Response(msgspec.json.encode(problem), refusal.status, media_type=MEDIA, headers=dict(refusal.headers))


def refusal_of(error: Exception, now: dt.datetime) -> Refusal:
    """What an error of the house comes to for whoever asked."""
    match error:
        case Refusal():
            return error
        case NoMilestone():
            return Refusal(404, str(error))
        case Changed():
            return Refusal(409, "The milestone changed meanwhile. Nothing was done; look at it again.")
        case InputError():
            return Refusal(409, str(error))
        case Temporary(retry_at=retry_at):
            seconds = RETRY_SECONDS if retry_at is None else max(1, int((retry_at - now).total_seconds()) + 1)
            status = 429 if isinstance(error, RateLimited) else 503
            return Refusal(status, str(error), headers={"Retry-After": str(seconds)})
        case StorageError():
            return Refusal(503, headers={"Retry-After": str(RETRY_SECONDS)})
        case BillwatchError():
            return Refusal(503, str(error))
    return Refusal(500)


def fault_of(error: msgspec.ValidationError, kind: type) -> Fault:
    """What msgspec found wrong with a value of that kind, in words: what the field must be."""
    text = str(error)
    steps = _steps(text)
    if named := _FIELD.search(text):
        within = _kind(shape.type_info(kind), steps)
        if "unknown field" in text:
            return Fault(pointer=_pointer([*steps, named["name"]]), detail=f"is not a field{_known(within)}.")
        missing = _must(_kind(within, [named["name"]]))
        return Fault(pointer=_pointer([*steps, named["name"]]), detail=f"is missing; it must be {missing}.")
    return Fault(pointer=_pointer(steps), detail=f"must be {_must(_kind(shape.type_info(kind), steps))}.")


def _steps(text: str) -> list[str]:
    found = _AT.search(text)
    steps = [each["index"] or each["name"] for each in _STEP.finditer(found["path"])] if found else []
    return steps[: steps.index("...")] if "..." in steps else steps


def _pointer(steps: Sequence[str]) -> str:
    return "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in steps)


def _kind(kind: shape.Type, steps: Sequence[str]) -> shape.Type:
    for step in steps:
        bare = _bare(kind)
        if isinstance(bare, shape.StructType):
            kind = next((each.type for each in bare.fields if each.encode_name == step), shape.AnyType())
        else:
            kind = bare.item_type if isinstance(bare, shape.VarTupleType) else shape.AnyType()
    return kind


def _bare(kind: shape.Type) -> shape.Type:
    """Without what is said about it, and without `null` as the other possibility."""
    if isinstance(kind, shape.Metadata):
        return _bare(kind.type)
    if isinstance(kind, shape.UnionType):
        return _bare(next(each for each in kind.types if not isinstance(each, shape.NoneType)))
    return kind


def _known(kind: shape.Type) -> str:
    bare = _bare(kind)
    names = [each.encode_name for each in bare.fields] if isinstance(bare, shape.StructType) else []
    return f"; there are {', '.join(names)}" if names else ""


def _must(kind: shape.Type) -> str:
    match kind:
        case shape.Metadata(extra_json_schema={"description": str(words)}):
            return words
        case shape.Metadata(type=inner):
            return _must(inner)
        case shape.UnionType(types=types):
            return " or ".join("null" if isinstance(each, shape.NoneType) else _must(each) for each in types)
        case shape.LiteralType(values=values):
            return f"one of {', '.join(map(str, values))}"
        case shape.EnumType(cls=kind_):
            return f"one of {', '.join(each.value for each in kind_)}"
        case shape.BoolType():
            return "true or false"
        case shape.StructType():
            return "an object of named fields"
    return "of another form"
