"""Bytes out and in: numbers with their digits, dates in Xero's form, the envelope and the error bodies.

Shapes follow the published description XeroAPI/Xero-OpenAPI, `xero_accounting.yaml`, and real answers quoted in
XeroAPI issues: calendar dates are midnight UTC with `+0000`, the envelope's instant has no offset.
"""

import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from billwatch.sandbox.books import new_id
from billwatch.sandbox.wish import Malformed

Json = dict[str, Any]
PROVIDER = "billwatch sandbox"
NOT_FOUND_TEXT = "The resource you're looking for cannot be found"

_encoder = msgspec.json.Encoder(decimal_format="number")
_SLASHED = re.compile(rb'"/Date\((-?\d+(?:[+-]\d{4})?)\)/"')


def dump(value: Any, *, escape_slashes: bool = True) -> bytes:
    """JSON with Decimals as plain numbers that keep their trailing zeros."""
    body = _encoder.encode(value)
    return _SLASHED.sub(rb'"\\/Date(\1)\\/"', body) if escape_slashes else body


def load(body: bytes) -> Any:
    """JSON with numbers read exactly. Raises Malformed."""
    try:
        return json.loads(body or b"null", parse_float=Decimal)
    except ValueError:
        raise Malformed("The request body could not be parsed as JSON") from None


def money(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"))


def places(amount: Decimal, count: int) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-count))


def day(value: date) -> str:
    return f"/Date({int(datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp()) * 1000}+0000)/"


def day_string(value: date) -> str:
    return f"{value.isoformat()}T00:00:00"


def instant(value: datetime) -> str:
    return f"/Date({_milliseconds(value)}+0000)/"


def instant_string(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def bare_instant(value: datetime) -> str:
    return f"/Date({_milliseconds(value)})/"


def envelope(now: datetime, **content: Any) -> Json:
    return {
        "Id": new_id(),
        "Status": "OK",
        "ProviderName": PROVIDER,
        "DateTimeUTC": bare_instant(now),
        **content,
    }


def pagination(page: int, size: int, count: int) -> Json:
    return {"page": page, "pageSize": size, "pageCount": -(-count // size), "itemCount": count}


def validation_exception(elements: list[Json]) -> Json:
    return {
        "ErrorNumber": 10,
        "Type": "ValidationException",
        "Message": "A validation exception occurred",
        "Elements": elements,
    }


def plain_error(number: int, kind: str, message: str) -> Json:
    return {"ErrorNumber": number, "Type": kind, "Message": message}


def problem(status: int, detail: str) -> Json:
    """The body of 401, 403 and 413, as seen at the live API (tests of pyxero)."""
    title = {401: "Unauthorized", 403: "Forbidden", 413: "RequestEntityTooLarge"}[status]
    return {
        "Type": None,
        "Title": title,
        "Status": status,
        "Detail": detail,
        "Instance": new_id(),
        "Extensions": {},
    }


def texts(messages: tuple[str, ...] | list[str]) -> list[Json]:
    return [{"Message": message} for message in messages]


def _milliseconds(value: datetime) -> int:
    return int(value.timestamp()) * 1000 + value.microsecond // 1000
