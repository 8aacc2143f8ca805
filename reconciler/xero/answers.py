"""What an answer's status means (developer.xero.com/documentation/api/http-response-codes). Pure."""

import msgspec

from reconciler.errors import (
    BadRequest,
    ConnectionLost,
    OutcomeUnknown,
    Unavailable,
    UnreadableAnswer,
    XeroError,
)
from reconciler.xero.http import Answer
from reconciler.xero.shapes import Problem

_NOT_FOUND = "cannot be found"
_KEY_REUSED = "is used with a different request"
_MOST_CHARACTERS = 300


def checked(answer: Answer, *, writes: bool) -> Answer:
    """The answer if it is one that a caller can read: 2xx, a 400 to a write that names elements, or a true 404.

    Raises the error that its status stands for. 401 and 429 have been dealt with before; here they are final.
    """
    if 200 <= answer.status < 300 or _names_elements(answer, writes) or _denies(answer, writes):
        return answer
    raise _error(answer, writes)


def said(answer: Answer) -> str:
    """Xero's own words in an error body, on one line and at most 300 characters; empty when there are none."""
    problem = _problem(answer)
    if problem is not None:
        return _short(problem.message or problem.detail or problem.title or "")
    kind = answer.headers.get("content-type", "").partition(";")[0]
    return _short(answer.body.decode("utf-8", "replace")) if kind in ("text/html", "text/plain") else ""


def _error(answer: Answer, writes: bool) -> XeroError:
    words, correlation = said(answer), answer.correlation
    told = f"{answer.name}: {answer.status}" + (f", Xero says: {words}" if words else "")
    match answer.status:
        case 401:
            return ConnectionLost(f"{told}. Xero does not accept the token: connect again.", correlation=correlation)
        case 403:
            return ConnectionLost(f"{told}. {_barred(answer, words)}", correlation=correlation)
        case 400 if _KEY_REUSED in words:
            return OutcomeUnknown(told, cached=True, correlation=correlation)
        case status if status >= 500:
            return _failed(told, answer, writes)
        case status if status >= 400 and status != 408 and (writes or status in (400, 412)):
            return BadRequest(told, correlation=correlation)
    return OutcomeUnknown(told, correlation=correlation) if writes else UnreadableAnswer(told, correlation=correlation)


def _failed(told: str, answer: Answer, writes: bool) -> XeroError:
    if writes:
        return OutcomeUnknown(told, cached=answer.status == 500, correlation=answer.correlation)
    return Unavailable(told, correlation=answer.correlation)


def _barred(answer: Answer, words: str) -> str:
    if "insufficient_scope" in f"{words} {answer.headers.get('www-authenticate', '')}":
        return "The connection lacks a scope that this call needs: connect again with all scopes."
    return "Xero no longer lets this connection into the organisation: connect again."


def _names_elements(answer: Answer, writes: bool) -> bool:
    if answer.status != 400 or not writes:
        return False
    problem = _problem(answer)
    return problem is not None and problem.elements is not None


def _denies(answer: Answer, writes: bool) -> bool:
    """A 404 counts as Xero's word only when Xero itself speaks, not a proxy or a wrong address."""
    return answer.status == 404 and not writes and bool(answer.correlation or _NOT_FOUND in said(answer))


def _problem(answer: Answer) -> Problem | None:
    try:
        return msgspec.json.decode(answer.body, type=Problem)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None


def _short(text: str) -> str:
    return " ".join(text.split())[:_MOST_CHARACTERS]
