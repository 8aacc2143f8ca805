"""What a webhook request says, read leniently: a field that Xero adds tomorrow must not cost us an event today."""

import datetime as dt
from typing import Any

import msgspec

from reconciler.records import Delivery, Event


class _Payload(msgspec.Struct, rename="camel"):
    events: list[msgspec.Raw]
    first_event_sequence: Any = 0
    last_event_sequence: Any = 0


class _Item(msgspec.Struct, rename="camel"):
    tenant_id: Any = None
    resource_id: Any = None
    event_category: Any = None
    event_type: Any = None
    event_date_utc: Any = None


_payloads = msgspec.json.Decoder(_Payload)
_items = msgspec.json.Decoder(_Item)


def read_events(body: bytes) -> Delivery | None:
    """What a raw request says, its events in their order; `None` when it is not of the published shape at all.

    Unknown fields and categories are no obstacle; an item without ids, category, type or time is left out. Never
    raises, whatever the bytes. Shape: "Webhooks: overview", developer.xero.com.
    """
    try:
        payload = _payloads.decode(body)
    except (ValueError, RecursionError):
        return None
    events = [event for event in map(_event, payload.events) if event is not None]
    return Delivery(events, _number(payload.first_event_sequence), _number(payload.last_event_sequence))


def _event(raw: msgspec.Raw) -> Event | None:
    try:
        item = _items.decode(raw)
    except (ValueError, RecursionError):
        return None
    tenant, resource = _text(item.tenant_id), _text(item.resource_id)
    category, kind = _text(item.event_category).upper(), _text(item.event_type).upper()
    at = _instant(_text(item.event_date_utc))
    if at is None or not (tenant and resource and category and kind):
        return None
    return Event(tenant, category, resource, kind, at)


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 63 else 0


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _instant(text: str) -> dt.datetime | None:
    """Aware UTC; Xero's times come with and without a zone, with any number of decimals, and are UTC in all forms."""
    try:
        moment = dt.datetime.fromisoformat(text.upper())
        return moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    except (ValueError, OverflowError):
        return None
