"""What a connection's answers say: who it reaches, since when, what it may do, and what time it is at Xero."""

import base64
import datetime as dt

import pytest

from reconciler.errors import UnreadableAnswer
from reconciler.xero import parsing
from reconciler.xero.shapes import Tenant

TENANT = "45e4708e-d862-4111-ab3a-dd8cd03913e1"


def listed(**changes: str) -> bytes:
    fields = {"id": "c-1", "tenantId": TENANT, "tenantType": "ORGANISATION", **changes}
    return ("[{" + ",".join(f'"{name}":"{value}"' for name, value in fields.items()) + "}]").encode()


def token(payload: str) -> str:
    return f"head.{base64.urlsafe_b64encode(payload.encode()).decode().rstrip('=')}.signature"


def test_tenant_ids_come_in_small_letters_whatever_xero_writes() -> None:
    (one,) = parsing.tenants(listed(tenantId=TENANT.upper()))
    assert (one.tenant_id, one.tenant_name) == (TENANT, None)


def test_only_organisations_are_followed() -> None:
    assert parsing.tenants(listed(tenantType="PRACTICE")) == []


@pytest.mark.parametrize("body", [b"", b"{}", b'[{"id":"c-1"}]'])
def test_a_list_of_another_shape_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableAnswer):
        parsing.tenants(body)


@pytest.mark.parametrize(
    ("written", "since"),
    [
        ("2019-12-07T18:46:19.5165400", dt.datetime(2019, 12, 7, 18, 46, 19, 516540, dt.UTC)),
        ("2019-12-07T18:46:19", dt.datetime(2019, 12, 7, 18, 46, 19, tzinfo=dt.UTC)),
        ("yesterday", None),
        (None, None),
    ],
)
def test_the_time_of_connecting_has_seven_digits_and_no_zone(written: str | None, since: dt.datetime | None) -> None:
    assert parsing.connected_at(Tenant("c-1", TENANT, created_date_utc=written)) == since


@pytest.mark.parametrize(
    ("payload", "scopes"),
    [
        ('{"scope":["a","b.read"]}', {"a", "b.read"}),
        ('{"scope":"a b.read","exp":1}', {"a", "b.read"}),
        ('{"scope":[]}', None),
        ('{"sub":"x"}', None),
        ('{"scope":7}', None),
        ("[]", None),
        ("not json", None),
    ],
)
def test_scopes_are_read_off_the_token_in_either_form(payload: str, scopes: set[str] | None) -> None:
    assert parsing.scopes(token(payload)) == scopes


@pytest.mark.parametrize("text", ["", "opaque", "a.b", "a.é.c", "a.%%%.c"])
def test_a_token_that_cannot_be_read_names_no_scopes(text: str) -> None:
    assert parsing.scopes(text) is None


@pytest.mark.parametrize(
    ("header", "served"),
    [
        ("Sun, 22 Nov 2026 19:08:33 GMT", dt.datetime(2026, 11, 22, 19, 8, 33, tzinfo=dt.UTC)),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_the_time_at_xero_is_that_of_the_answer(header: str | None, served: dt.datetime | None) -> None:
    assert parsing.served_at(header) == served
