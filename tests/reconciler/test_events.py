"""Events are read leniently: what is missing costs that item only, and no bytes at all raise."""

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.events import read_events
from reconciler.records import Event

ITEM: dict[str, Any] = {
    "resourceUrl": "https://api.xero.com/api.xro/2.0/Invoices/717f2bfc-c6d4-41fd-b238-3f2f0c0cf777",
    "resourceId": "717f2bfc-c6d4-41fd-b238-3f2f0c0cf777",
    "tenantId": "c2cc9b6e-9458-4c7d-93cc-f02b81b0594f",
    "tenantType": "ORGANISATION",
    "eventCategory": "INVOICE",
    "eventType": "UPDATE",
    "eventDateUtc": "2025-12-02T00:44:09.923",
}
EVENT = Event(
    tenant_id="c2cc9b6e-9458-4c7d-93cc-f02b81b0594f",
    category="INVOICE",
    resource_id="717f2bfc-c6d4-41fd-b238-3f2f0c0cf777",
    kind="UPDATE",
    at=dt.datetime(2025, 12, 2, 0, 44, 9, 923000, tzinfo=dt.UTC),
)


def _body(*items: object, **more: object) -> bytes:
    return json.dumps({"events": items, "firstEventSequence": 1, "entropy": "X", **more}).encode()


def read(body: bytes) -> list[Event] | None:
    delivery = read_events(body)
    return list(delivery.events) if delivery else None


def test_an_event_is_read() -> None:
    assert read(_body(ITEM)) == [EVENT]


def test_an_intent_to_receive_has_no_events() -> None:
    assert read(_body()) == []


def test_order_and_repetition_are_kept() -> None:
    other = ITEM | {"resourceId": "b"}
    events = read(_body(other, ITEM, other))
    assert events is not None
    assert [event.resource_id for event in events] == ["b", ITEM["resourceId"], "b"]


def test_unknown_categories_and_fields_are_no_obstacle() -> None:
    item = ITEM | {"eventCategory": "Overpayment", "data": {"Type": "X", "Status": [1e300]}, "news": 10**30}
    events = read(_body(item, ITEM, unheard=[{"of": None}]))
    assert events is not None
    assert [event.category for event in events] == ["OVERPAYMENT", "INVOICE"]


@pytest.mark.parametrize("kind", ["UPDATE", "Update", "update", " update "])
def test_the_type_is_read_in_any_case(kind: str) -> None:
    assert read(_body(ITEM | {"eventType": kind})) == [EVENT]


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [
        ("2025-12-02T00:44:09", 0),
        ("2025-12-02T00:44:09Z", 0),
        ("2025-12-02T00:44:09.9", 900_000),
        ("2025-12-02T00:44:09.92", 920_000),
        ("2025-12-02T00:44:09.923Z", 923_000),
        ("2025-12-02T00:44:09.9231234", 923_123),
        ("2025-12-02T00:44:09.923123456z", 923_123),
        ("2025-12-02T13:44:09.923+13:00", 923_000),
        ("2025-12-02 00:44:09.923", 923_000),
    ],
)
def test_a_time_is_utc_in_every_form(text: str, microsecond: int) -> None:
    events = read(_body(ITEM | {"eventDateUtc": text}))
    assert events is not None
    assert events[0].at == dt.datetime(2025, 12, 2, 0, 44, 9, microsecond, tzinfo=dt.UTC)
    assert events[0].at.tzinfo is dt.UTC


@pytest.mark.parametrize("name", ["resourceId", "tenantId", "eventCategory", "eventType", "eventDateUtc"])
@pytest.mark.parametrize("value", [None, "", "  ", 7, ["x"], {}, True])
def test_an_item_without_what_we_need_is_left_out_alone(name: str, value: object) -> None:
    assert read(_body(ITEM | {name: value}, ITEM)) == [EVENT]


@pytest.mark.parametrize("text", ["yesterday", "2025-13-01T00:00:00", "0001-01-01T00:00:00+14:00", "9" * 40])
def test_an_item_with_an_impossible_time_is_left_out(text: str) -> None:
    assert read(_body(ITEM | {"eventDateUtc": text}, ITEM)) == [EVENT]


@pytest.mark.parametrize("item", [None, 1, "x", [], [ITEM]])
def test_an_item_that_is_no_object_is_left_out(item: object) -> None:
    assert read(_body(item, ITEM)) == [EVENT]


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"{}", b'{"events":null}', b'{"events":{}}', b"\xff", b"[" * 100_000, b'{"events":[}', b"no"],
)
def test_what_is_not_of_the_published_shape_is_unreadable(body: bytes) -> None:
    assert read(body) is None


@given(st.binary())
def test_no_bytes_raise(body: bytes) -> None:
    read(body)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=3)
)


@given(st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(ITEM, json_values))))
def test_no_item_raises_and_whatever_is_read_is_complete(items: list[dict[str, object]]) -> None:
    events = read(_body(*items))
    assert events is None or all(e.tenant_id and e.resource_id and e.category and e.kind for e in events)


@pytest.mark.parametrize(
    ("stated", "numbers"),
    [
        ({"firstEventSequence": 7, "lastEventSequence": 9}, (7, 9)),
        ({"firstEventSequence": 0, "lastEventSequence": 0}, (0, 0)),
        ({"firstEventSequence": "7", "lastEventSequence": True}, (0, 0)),
        ({"firstEventSequence": -1, "lastEventSequence": 1 << 70}, (0, 0)),
        ({"lastEventSequence": None}, (1, 0)),
    ],
)
def test_the_numbers_of_a_request_are_read_and_what_is_none_counts_as_none(
    stated: dict[str, object], numbers: tuple[int, int]
) -> None:
    delivery = read_events(_body(ITEM, **stated))
    assert delivery is not None
    assert (delivery.first, delivery.last) == numbers
