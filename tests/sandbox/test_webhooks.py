"""What leaves over the webhook: bytes, check of intent, retries, replay (S52 to S63)."""

import base64
import json
import re
import socket
from typing import Any

import pytest

from billwatch.sandbox import Org, Sandbox
from billwatch.sandbox import payload as bytes_of
from billwatch.sandbox.webhooks import Webhooks

from .conftest import KEY, START, Ear

VECTOR = b'{"events":[],"firstEventSequence": 0,"lastEventSequence": 0, "entropy": "NLDZEGWUXNHESAQVGLYF"}'


@pytest.fixture
def org(quiet: Sandbox) -> Org:
    return quiet.organisation()


@pytest.fixture
def hooks(quiet: Sandbox, ear: Ear) -> Webhooks:
    """A subscription that has passed the check, with nothing heard so far."""
    quiet.webhooks.configure(ear.url, KEY)
    assert quiet.webhooks.enable() == "OK"
    ear.heard.clear()
    return quiet.webhooks


def test_s52_the_body_has_the_bytes_of_a_real_delivery(hooks: Webhooks, ear: Ear, org: Org) -> None:
    bill = org.add_bill(contact=org.add_contact("Kea").contact_id)
    hooks.flush()
    headers, content = ear.heard[-1]
    event = (
        '{{"resourceUrl":"https://api.xero.com/api.xro/2.0/{resource}/{id}","resourceId":"{id}",'
        '"eventDateUtc":"2026-11-02T11:30:00.000","eventType":"CREATE","eventCategory":"{category}",'
        '"tenantId":"{tenant}","tenantType":"ORGANISATION"}}'
    )
    listed = ",".join(
        event.format(resource=resource, category=category, id=identity, tenant=org.tenant_id)
        for resource, category, identity in (
            ("Contacts", "CONTACT", org.contact("Kea").contact_id),
            ("Invoices", "INVOICE", bill.bill_id),
        )
    )
    shape = rf'{{"events":[{listed}],"firstEventSequence": 1,"lastEventSequence": 2, "entropy": "'
    assert content.decode().startswith(shape)
    assert re.fullmatch(r'[A-Z]{20}"\}', content.decode().removeprefix(shape))
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert (headers["Accept"], headers["Accept-Encoding"]) == ("*/*", "gzip,deflate")
    assert set(headers) == {
        *("Host", "Accept", "Accept-Encoding", "Content-Type", "x-xero-signature", "Content-Length"),
    }


@pytest.mark.parametrize(
    ("key", "signature"),
    [
        ("test_key", "ixznmr+Pdl6QymsWZM+9UkY4lu97q04sJyejmSOp25U="),
        ("dGVzdF9rZXk=", "PgJ/FlokjkepdaIwlLxhEPJHIcUxnDjoEabExW9Asz0="),
    ],
)
def test_s52_the_signature_takes_the_text_of_the_key(key: str, signature: str) -> None:
    assert bytes_of.signature(key, VECTOR) == signature


def test_s53_the_check_is_four_requests_of_which_one_is_rightly_signed(quiet: Sandbox, ear: Ear) -> None:
    quiet.webhooks.configure(ear.url, KEY)
    quiet.webhooks.set(shuffle_intent=False)
    assert quiet.webhooks.enable() == "OK"
    sent = quiet.webhooks.deliveries("intent")
    assert [one.right for one in sent] == [True, False, False, False]
    assert all(json.loads(content)["events"] == [] for _, content in ear.heard)
    assert all(content.startswith(b'{"events":[],"firstEventSequence": 0,"last') for _, content in ear.heard)


def test_s53_a_wrong_signature_differs_in_one_character_and_stands_for_other_bytes(quiet: Sandbox) -> None:
    right = bytes_of.signature("test_key", VECTOR)
    places = set()
    for _ in range(2000):
        wrong = bytes_of.spoiled(right, quiet.desk.world.dice)
        differing = [place for place in range(44) if wrong[place] != right[place]]
        assert (len(wrong), len(differing)) == (44, 1)
        assert base64.b64decode(wrong) != base64.b64decode(right)
        places |= set(differing)
    assert places == set(range(43))


@pytest.mark.parametrize(
    ("manner", "text"),
    [
        ({"good": 201}, "Response not 200"),
        ({"good": 401}, "Response not 200"),
        ({"bad": 200}, "Response to incorrectly signed payload not 401"),
        ({"body": b"{}"}, "Response contains a body"),
        ({"cookie": True}, "Response contains a cookie"),
    ],
)
def test_s54_the_check_fails_with_the_text_of_the_portal(
    quiet: Sandbox, ear: Ear, manner: dict[str, Any], text: str
) -> None:
    for name, value in manner.items():
        setattr(ear, name, value)
    quiet.webhooks.configure(ear.url, KEY)
    assert quiet.webhooks.enable() == text
    assert quiet.webhooks.status == "Intent to receive required"


def test_s54_an_answer_that_takes_too_long_fails_the_check(quiet: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        quiet.webhooks.configure(f"http://127.0.0.1:{mute.getsockname()[1]}/", KEY)
        quiet.webhooks.set(patience=0.05)
        assert quiet.webhooks.enable() == "Response not 200"


def test_s55_nothing_is_delivered_before_the_check_has_passed(quiet: Sandbox, ear: Ear, org: Org) -> None:
    quiet.webhooks.configure(ear.url, KEY)
    org.add_bill()
    assert quiet.webhooks.flush() == 0
    assert ear.heard == []


def test_s55_a_new_url_needs_the_check_again(hooks: Webhooks, ear: Ear, org: Org) -> None:
    hooks.configure(f"{ear.url}/new", KEY)
    org.add_bill()
    assert hooks.flush() == 0
    assert hooks.enable() == "OK"
    hooks.flush()
    assert ear.events()


@pytest.mark.parametrize("kind", ["ACCPAY", "ACCREC"])
def test_s56_every_change_of_an_invoice_sends_an_event_without_data(
    hooks: Webhooks, ear: Ear, org: Org, kind: str
) -> None:
    contact = org.add_contact("Kea").contact_id
    hooks.flush()
    ear.heard.clear()
    account = "480" if kind == "ACCPAY" else "200"
    bill = org.add_bill(type=kind, status="DRAFT", contact=contact, account=account).bill_id
    deeds = (org.submit, org.approve, org.pay, org.unpay, org.void)
    for deed in deeds:
        deed(bill)
    org.edit(org.add_bill(type=kind, status="DRAFT", contact=contact, account=account).bill_id, reference="x")
    hooks.flush()
    events = ear.events()
    assert [event["eventType"] for event in events] == ["CREATE", *["UPDATE"] * len(deeds), "CREATE", "UPDATE"]
    assert {event["eventCategory"] for event in events} == {"INVOICE"}
    assert not any("data" in event for event in events)


def test_s56_archiving_a_contact_sends_an_update_of_the_contact(hooks: Webhooks, ear: Ear, org: Org) -> None:
    org.add_contact("Kea")
    org.archive_contact("Kea")
    hooks.flush()
    assert [(e["eventCategory"], e["eventType"]) for e in ear.events()] == [
        ("CONTACT", "CREATE"),
        ("CONTACT", "UPDATE"),
    ]


def test_s34_lock_dates_accounts_and_disconnection_send_nothing(hooks: Webhooks, org: Org) -> None:
    org.lock(period="2026-09-30")
    org.archive_account("400")
    org.disconnect()
    org.add_bill()
    assert hooks.flush() == 0


def test_s57_a_failed_delivery_is_repeated_at_once_then_every_15_minutes_then_disabled(
    quiet: Sandbox, hooks: Webhooks, ear: Ear, org: Org
) -> None:
    ear.good = 500
    org.add_bill()
    assert hooks.flush() == 2
    assert hooks.status == "Retry"
    quiet.advance(minutes=14)
    assert hooks.flush() == 0
    quiet.advance(minutes=1)
    assert hooks.flush() == 1
    for _ in range(96):
        quiet.advance(minutes=15)
        hooks.flush()
    assert hooks.status == "Disabled"
    quiet.advance(minutes=15)
    assert hooks.flush() == 0


def test_s58_a_repeated_delivery_has_the_same_events_and_new_entropy(
    quiet: Sandbox, hooks: Webhooks, ear: Ear, org: Org
) -> None:
    ear.good = 500
    org.add_bill()
    hooks.flush()
    first, second = (json.loads(content) for _, content in ear.heard)
    assert first["events"] == second["events"]
    assert first["firstEventSequence"] == second["firstEventSequence"]
    assert first["entropy"] != second["entropy"]


def test_s59_events_wait_in_order_until_the_receiver_is_well(
    quiet: Sandbox, hooks: Webhooks, ear: Ear, org: Org
) -> None:
    ear.good = 503
    bills = [org.add_bill(contact="Kea").bill_id]
    hooks.flush()
    bills += [org.add_bill(contact="Kea").bill_id for _ in range(3)]
    assert hooks.flush() == 0
    ear.good = 200
    ear.heard.clear()
    quiet.advance(minutes=15)
    hooks.flush()
    assert hooks.status == "OK"
    assert [event["resourceId"] for event in ear.events() if event["eventCategory"] == "INVOICE"] == bills


def test_s59_a_disabled_subscription_keeps_events_for_31_days(
    quiet: Sandbox, hooks: Webhooks, ear: Ear, org: Org
) -> None:
    ear.good = 500
    org.add_bill(contact="Kea")
    for _ in range(100):
        hooks.flush()
        quiet.advance(minutes=15)
    assert hooks.status == "Disabled"
    quiet.advance(days=30)
    late = org.add_bill(contact="Kea").bill_id
    ear.good = 200
    assert hooks.enable() == "OK"
    ear.heard.clear()
    hooks.flush()
    assert [event["resourceId"] for event in ear.events()] == [late]


def test_s60_sequences_are_contiguous_and_a_payload_mixes_tenants_and_repeats_bills(
    quiet: Sandbox, hooks: Webhooks, ear: Ear, org: Org
) -> None:
    other = quiet.organisation("Other Trust")
    bill = org.add_bill(status="DRAFT").bill_id
    org.submit(bill)
    other.add_bill()
    hooks.flush()
    sent = json.loads(ear.heard[0][1])
    assert sent["lastEventSequence"] == sent["firstEventSequence"] + len(sent["events"]) - 1
    assert {event["tenantId"] for event in sent["events"]} == {org.tenant_id, other.tenant_id}
    assert [event["resourceId"] for event in sent["events"]].count(bill) == 2


def test_s61_duplicates_gaps_and_losses_can_be_switched_on(hooks: Webhooks, ear: Ear, org: Org) -> None:
    hooks.set(duplicate=True, gaps=True)
    org.add_bill()
    hooks.flush()
    first, again = (json.loads(content) for _, content in ear.heard)
    assert first["events"] == again["events"]
    assert first["firstEventSequence"] > 1
    hooks.drop(True)
    org.add_bill()
    assert hooks.flush() == 0


def test_s61_the_order_within_a_payload_can_be_mixed(quiet: Sandbox, hooks: Webhooks, ear: Ear, org: Org) -> None:
    hooks.shuffle(True)
    contact = org.add_contact("Kea").contact_id
    bills = [org.add_bill(contact=contact).bill_id for _ in range(20)]
    hooks.flush()
    heard = [event["resourceId"] for event in ear.events() if event["eventCategory"] == "INVOICE"]
    assert sorted(heard) == sorted(bills)
    assert heard != bills


def test_events_can_be_held_back_and_released(hooks: Webhooks, ear: Ear, org: Org) -> None:
    hooks.hold(True)
    org.add_bill()
    assert hooks.flush() == 0
    hooks.release()
    assert hooks.flush() == 1


def test_s62_zone_and_case_of_an_event_can_be_switched(quiet: Sandbox, hooks: Webhooks, ear: Ear, org: Org) -> None:
    quiet.switch(zulu_events=True, title_case_events=True)
    org.add_bill()
    hooks.flush()
    assert ear.events()[-1]["eventDateUtc"] == "2026-11-02T11:30:00.000Z"
    assert ear.events()[-1]["eventType"] == "Create"


@pytest.mark.parametrize("category", ["CREDITNOTE", "PREPAYMENT", "OVERPAYMENT"])
def test_s63_categories_with_data_can_be_sent(hooks: Webhooks, ear: Ear, org: Org, category: str) -> None:
    org.send(category, data={"Type": "ACCPAYCREDIT", "Status": "DRAFT"})
    hooks.flush()
    assert ear.events()[-1]["eventCategory"] == category
    assert ear.events()[-1]["data"] == {"Type": "ACCPAYCREDIT", "Status": "DRAFT"}


def test_the_worker_delivers_by_itself(ear: Ear) -> None:
    with Sandbox(lambda: START) as sandbox:
        sandbox.webhooks.configure(ear.url, KEY)
        sandbox.webhooks.enable()
        sandbox.organisation().add_bill()
        assert sandbox.webhooks.settle(seconds=5)
    assert ear.events()
