"""The platform puts milestones, reads how they stand, and acts on them."""

import json
import time
from typing import Any

import pytest
from calling import BASE, MILESTONES, Caller
from world import KEY

from receiver.api.operations import AT_ONCE


def test_a_milestone_is_made_billed_and_told_with_all_that_is_known_of_it(caller: Caller) -> None:
    made = caller.put()
    assert (made["version"], made["state"], made["undecided"], made["bill"]) == (1, "new", True, None)
    caller.world.turn()
    caller.world.org.approve("M-1")
    caller.world.sweep()
    told = caller.get()
    assert (told["action"], told["reason"], told["state"], told["undecided"]) == ("SKIP", "APPROVED", "approved", False)
    bill = told["bill"]
    assert (bill["status"], bill["total"], bill["due"], bill["number"]) == ("AUTHORISED", "1200.00", "1200.00", "M-1")
    assert told["milestone"]["amount"] == "1200.00"
    assert told["verdict"]["when_paid"].startswith("Approved; due on")
    assert [each["what"] for each in told["timeline"]][:2] == ["verdict", "attempt"]
    assert told["as_of"]


def test_the_same_put_again_changes_nothing_and_a_changed_one_counts_up(caller: Caller) -> None:
    caller.put()
    assert caller.put(status=200)["version"] == 1
    assert caller.put(status=200, amount="1200")["version"] == 1
    assert caller.put(status=200, amount="1300.5")["milestone"]["amount"] == "1300.50"
    assert caller.get()["version"] == 2


def test_every_field_comes_back_as_it_was_put(caller: Caller) -> None:
    full = {
        "title": "Stage 1",
        "payee": "Ōtautahi Choir",
        "amount": "0.01",
        "date": "2026-02-28",
        "currency": "NZD",
        "due_date": "2028-02-29",
        "stages": ["approved", "paid-out"],
        "cancelled": True,
        "description": "All of it",
        "contact_id": "45e4708e-d862-4111-ab3a-dd8cd03913e1",
        "account": "400",
        "tax": "INPUT2",
        "amounts": "exclusive",
        "tracking": {"Programme": "Youth"},
        "links": {"milestone": "https://grants.example.org/m/1", "application": "", "contract": ""},
        "documents": ["https://files.example.org/a%20b.pdf"],
    }
    told = caller.put("A", **full)["milestone"]
    assert told == full | {"documents": [{"name": "a b.pdf", "link": full["documents"][0]}]}


@pytest.mark.parametrize("key", ["2026/07/3", "a b", "a/preview", "Māori 1", "50%", "a?b#c", "..."])
def test_a_key_with_any_sign_in_it_is_one_milestone(caller: Caller, key: str) -> None:
    from urllib.parse import quote

    path = f"{MILESTONES}/{quote(key, safe='')}"
    answer = caller.client.put(path, json=caller.wish())
    assert answer.status_code == 201, answer.text
    assert answer.json()["key"] == key
    assert caller.client.get(answer.headers["location"]).json()["key"] == key


def test_a_lost_update_is_refused(caller: Caller) -> None:
    path, wish = f"{MILESTONES}/M-1", caller.wish()
    none = {"If-None-Match": "*"}
    first = caller.client.put(path, json=wish, headers=none)
    assert (first.status_code, first.headers["etag"]) == (201, '"1"')
    assert caller.client.put(path, json=wish, headers=none).status_code == 412
    changed = caller.client.put(path, json=wish | {"amount": "1"}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    for stale in ('"1"', 'W/"2"', '"x"', ""):
        late = caller.client.put(path, json=wish, headers={"If-Match": stale})
        assert (late.status_code, late.json()["type"]) == (412, "urn:billwatch:problem:changed-meanwhile")
        assert (late.headers["etag"], "“M-1” is there, in version 2" in late.json()["detail"]) == ('"2"', True)
    assert caller.client.put(path, json=wish, headers={"If-Match": '"7", "2"'}).status_code == 200
    none_there = caller.client.put(f"{MILESTONES}/M-2", json=wish, headers={"If-Match": "*"})
    assert (none_there.status_code, none_there.headers.get("etag")) == (412, None)
    assert "There is no milestone “M-2” yet" in none_there.json()["detail"]


def test_where_the_settings_say_so_a_replacement_must_name_its_version(calling: Any) -> None:
    caller = calling(extra="[api]\nrequire_if_match = true")
    caller.put(status=428)
    path = f"{MILESTONES}/M-1"
    assert caller.client.put(path, json=caller.wish(), headers={"If-None-Match": "*"}).status_code == 201
    assert caller.client.put(path, json=caller.wish(), headers={"If-Match": '"1"'}).status_code == 200


@pytest.mark.parametrize(
    ("changes", "pointer", "told"),
    [
        ({"amount": 1200}, "/amount", 'must be a text such as "1200.00"'),
        ({"amount": "1.234"}, "/amount", "at most two decimals"),
        ({"amount": "-1"}, "/amount", "0 or more"),
        ({"date": "2026-02-29"}, "/date", 'must be a day such as "2026-07-01"'),
        ({"date": "9999-12-31"}, "/date", "from 1970 to 2199"),
        ({"title": " "}, "/title", "not all of them spaces"),
        ({"titel": "x"}, "/titel", "is not a field; there are title, payee"),
        ({"stages": ["Approved"]}, "/stages/0", "must be a stage in lower-case letters"),
        ({"amounts": "gross"}, "/amounts", "must be one of exclusive, inclusive, no-tax or null"),
        ({"links": {"milestone": "javascript:x"}}, "/links/milestone", "must be a web address"),
        ({"documents": ["../secret"]}, "/documents/0", "must be the web address of a document"),
        ({"tracking": {"a": "1", "b": "2", "c": "3"}}, "/tracking", "at most two tracking categories"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_not_usable_is_told_field_by_field(caller: Caller, changes: Any, pointer: str, told: str) -> None:
    problem = caller.put(status=422, **changes)
    assert problem["type"] == "urn:billwatch:problem:not-valid"
    ((fault),) = problem["errors"]
    assert fault["pointer"] == pointer
    assert told in fault["detail"]


def test_a_document_from_a_host_that_is_not_listed_is_refused(calling: Any) -> None:
    hosts = '[organisation.documents]\nattach = true\nhosts = ["files.example.org"]\n'
    caller = calling(policy=hosts)
    assert caller.put(documents=["https://files.example.org/a.pdf"])["milestone"]["documents"]
    ((fault),) = caller.put(status=422, documents=["https://elsewhere.example.org/a.pdf"])["errors"]
    assert "documents.hosts of the configuration does not list it" in fault["detail"]


def test_a_preview_warns_before_anything_is_saved(caller: Caller) -> None:
    path = f"{MILESTONES}/M-1/preview"
    seen = caller.ask("POST", path, json=caller.wish())
    assert (seen["new"], seen["warns"], seen["verdict"]["reason"]) == (True, False, "CREATE")
    assert caller.client.get(f"{MILESTONES}/M-1").status_code == 404
    caller.put()
    caller.world.turn()
    caller.world.org.approve("M-1")
    caller.world.sweep()
    seen = caller.ask("POST", path, json=caller.wish() | {"amount": "1500.00"})
    assert (seen["warns"], seen["verdict"]["reason"], seen["bill"]["status"]) == (True, "BILL_APPROVED", "AUTHORISED")
    assert seen["verdict"]["differences"] == [{"field": "amount", "milestone": "NZ$1,500.00", "bill": "NZ$1,200.00"}]
    assert "bill-difference" in [each["choice"] for each in seen["choices"]]
    assert caller.get()["version"] == 1
    assert caller.world.open_flags() == []


def test_the_preview_is_what_is_then_decided(caller: Caller) -> None:
    wish = caller.wish() | {"cancelled": True}
    seen = caller.ask("POST", f"{MILESTONES}/M-1/preview", json=wish)
    caller.put(cancelled=True)
    caller.world.turn()
    assert caller.get()["verdict"] == seen["verdict"]


def test_a_milestone_is_resynced_exempted_and_taken_back_in(caller: Caller) -> None:
    caller.put()
    caller.world.turn()
    caller.world.org.delete("M-1")
    told = caller.ask("POST", f"{MILESTONES}/M-1/resync", json={"by": "Ana Example"})
    assert (told["state"], told["flag"]["reason"]) == ("waiting", "BILL_DELETED")
    path = f"{MILESTONES}/M-1/exemption"
    exempt = caller.ask("PUT", path, json={"reason": "Paid in kind", "by": "Ana Example"})
    assert (exempt["reason"], exempt["flag"]) == ("EXEMPT", None)
    assert (exempt["exemption"]["by"], exempt["exemption"]["reason"]) == ("Ana Example (Platform)", "Paid in kind")
    back = caller.ask("DELETE", path)
    assert (back["reason"], back["exemption"]) == ("BILL_DELETED", None)
    assert caller.ask("DELETE", path, status=404)["detail"] == "“M-1” is not exempt."


def test_an_exemption_that_has_ended_already_is_refused(caller: Caller) -> None:
    caller.put()
    past = {"reason": "x", "until": "2001-01-01"}
    problem = caller.ask("PUT", f"{MILESTONES}/M-1/exemption", json=past, status=409)
    assert "is past; name a day from today on" in problem["detail"]


def test_milestones_are_listed_a_page_at_a_time_by_state_reason_and_text(caller: Caller) -> None:
    for number in range(1, 6):
        caller.put(f"M-{number}", cancelled=number == 5)
    caller.world.turn()
    keys: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = caller.ask("GET", MILESTONES, params=query)
        keys += [each["key"] for each in page["items"]]
        if not page["next"]:
            break
        query["after"] = page["next"]
    assert keys == ["M-1", "M-2", "M-3", "M-4", "M-5"]

    def found(**asked: str) -> list[str]:
        return [each["key"] for each in caller.ask("GET", MILESTONES, params=asked)["items"]]

    assert found(state="aside") == found(reason="WITHDRAWN") == found(text="Payee of M-5") == ["M-5"]
    assert found(state="aside", reason="PAID") == []
    problem = caller.ask("GET", MILESTONES, params={"state": "lost"}, status=422)
    assert problem["errors"][0]["detail"].startswith("must be one of waiting, held")


def test_many_are_put_at_once_each_judged_by_itself(caller: Caller) -> None:
    caller.put("M-1")
    wishes = [caller.wish(key) | {"key": key} for key in ("M-1", "M-2", "M-3", "M-4", "M-4")]
    wishes[2]["amount"] = 5
    told = caller.ask("POST", MILESTONES, json=[*wishes, "nonsense"])
    assert [each["outcome"] for each in told["items"]] == ["same", "new", *["rejected"] * 4]
    assert (told["new"], told["same"], told["changed"], told["rejected"]) == (1, 1, 0, 4)
    assert told["items"][2]["key"] == "M-3"
    assert [each["errors"][0]["pointer"] for each in told["items"][2:]] == ["/amount", "/key", "/key", ""]
    lines = "\n".join(json.dumps(each) for each in wishes[:2]) + "\n\n{broken\n"
    headers = {"Content-Type": "application/x-ndjson"}
    told = caller.ask("POST", MILESTONES, content=lines, headers=headers)
    assert [each["outcome"] for each in told["items"]] == ["same", "same", "rejected"]


def test_ten_thousand_are_put_in_one_request_and_one_more_is_refused(caller: Caller) -> None:
    wishes = [caller.wish(f"M-{n}") | {"key": f"M-{n}"} for n in range(AT_ONCE)]
    began = time.monotonic()
    told = caller.ask("POST", MILESTONES, json=wishes)
    assert told["new"] == AT_ONCE
    assert time.monotonic() - began < 30
    assert caller.world.house.ledger.census.counts([KEY])[KEY] == {None: AT_ONCE}
    caller.ask("POST", MILESTONES, json=[{}] * (AT_ONCE + 1), status=422)


def test_the_organisations_that_a_key_reaches_are_told(caller: Caller) -> None:
    (told,) = caller.ask("GET", f"{BASE}/organisations")["items"]
    assert (told["key"], told["mode"], told["sync_points"], told["currency"]) == (KEY, "sync", ["approved"], "NZD")
