"""What Xero said of each element of a write. Pure.

With `summarizeErrors=false` a refusal comes with status 200; a 400 that names elements means the same. An element
echoes what was asked for, so nothing but its id and its errors is read (Xero-OpenAPI, `Element` and Stack Overflow
52517629 for a real body).
"""

from collections.abc import Sequence

from reconciler.errors import OutcomeUnknown, UnreadableAnswer
from reconciler.records import Element
from reconciler.xero.http import Answer
from reconciler.xero.parsing import NIL_ID, decode
from reconciler.xero.shapes import Echo, Message, Written
from reconciler.xero_port import Outcome

_UNSAID = "Xero refused without saying why."


def outcomes(answer: Answer, elements: Sequence[Element]) -> list[Outcome]:
    """One outcome per element, in their order.

    Raises OutcomeUnknown when the answer does not speak of exactly these elements, or neither refuses one nor says
    which bill it has become. The answer is stored with the idempotency key, so the key is spent (`cached`).
    """
    echoes = _echoes(answer)
    if len(echoes) != len(elements):
        raise _unknown(answer, f"{len(elements)} bills were sent, the answer speaks of {len(echoes)}")
    return [_outcome(answer, echo, element) for echo, element in zip(echoes, elements, strict=True)]


def _echoes(answer: Answer) -> tuple[Echo, ...]:
    try:
        written = decode(answer.body, Written)
    except UnreadableAnswer as error:
        fault = str(error)
    else:
        return written.invoices or written.elements or ()
    raise _unknown(answer, fault)


def _outcome(answer: Answer, echo: Echo, element: Element) -> Outcome:
    bill_id = "" if echo.invoice_id == NIL_ID else echo.invoice_id or ""
    if not _fits(echo, bill_id, element):
        raise _unknown(answer, f"an element of the answer is not {element.key}")
    messages = _messages(echo)
    if messages or _failed(echo):
        return Outcome(bill_id, messages or (_UNSAID,))
    if not bill_id:
        raise _unknown(answer, f"{element.key} was neither refused nor given an id")
    return Outcome(bill_id)


def _fits(echo: Echo, bill_id: str, element: Element) -> bool:
    """Whether the echo can be of this element; what it does not name cannot speak against it."""
    if element.write.bill_id:
        return bill_id.casefold() in ("", element.write.bill_id.casefold())
    return (echo.invoice_number or element.write.number) == element.write.number


def _failed(echo: Echo) -> bool:
    return echo.has_errors in (True, "true", "True") or echo.status_attribute_string == "ERROR"


def _messages(echo: Echo) -> tuple[str, ...]:
    """All messages, each once: of the bill, then of its contact, then of its lines."""
    found = [echo.validation_errors, echo.contact.validation_errors if echo.contact else None]
    found += [line.validation_errors for line in echo.line_items or ()]
    return tuple(dict.fromkeys(text for part in found for text in _texts(part)))


def _texts(errors: tuple[Message, ...] | None) -> list[str]:
    return [error.message for error in errors or () if error.message]


def _unknown(answer: Answer, why: str) -> OutcomeUnknown:
    return OutcomeUnknown(f"{answer.name}: {answer.status}, but {why}.", cached=True, correlation=answer.correlation)
