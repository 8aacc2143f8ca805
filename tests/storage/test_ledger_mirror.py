"""Bills and contacts are kept as last read; a change of one makes due exactly the milestones that it bears upon."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from ledger_samples import (
    DAY,
    HOUR,
    NOW,
    ORG,
    bill,
    bind,
    case_of,
    choice,
    decide,
    dirty,
    hear,
    milestone,
    put_settled,
    settle,
)
from msgspec.structs import replace

from reconciler.model import Contact, Line, Link, Links, Status
from reconciler.reasons import EXEMPTED, Choose, Reason
from storage import mirror
from storage.ledger import Ledger

LATER = NOW + HOUR
AROHA = Contact("c1", "Aroha Trust")

SOON = NOW + dt.timedelta(minutes=2)


def test_a_bill_is_kept_whole(ledger: Ledger) -> None:
    line = Line(
        "l1", "Grant “Ōtaki”", Decimal("1.5"), Decimal("12.3456"), Decimal("18.52"), "400", "INPUT2", Decimal(2)
    )
    whole = bill(
        lines=(line, replace(line, line_id="l2", tracking=(("Region", "North"),))),
        url="https://x/1",
        paid=Decimal("0.01"),
        credited=Decimal("0.02"),
        due=Decimal("-5.50"),
        paid_on=DAY,
        due_date=DAY,
        status=Status.AUTHORISED,
    )
    ledger.mirror.store_bills(ORG, [whole])
    assert ledger.mirror.bill(ORG, "b1") == whole
    assert ledger.mirror.bill("other", "b1") is None


def test_an_older_reading_never_replaces_a_newer_one(ledger: Ledger) -> None:
    ledger.mirror.store_bills(ORG, [bill(read_at=SOON, status=Status.PAID)])
    ledger.mirror.store_bills(ORG, [bill(read_at=NOW, status=Status.DRAFT)])
    held = ledger.mirror.bill(ORG, "b1")
    assert held is not None
    assert (held.status, held.read_at) == (Status.PAID, SOON)


def test_what_was_read_before_the_clock_was_set_back_gives_way(ledger: Ledger) -> None:
    ledger.mirror.store_bills(ORG, [bill(read_at=NOW + dt.timedelta(hours=1), status=Status.DRAFT)])
    ledger.mirror.store_bills(ORG, [bill(read_at=NOW, status=Status.PAID)])
    held = ledger.mirror.bill(ORG, "b1")
    assert held is not None
    assert (held.status, held.read_at) == (Status.PAID, NOW)


def test_of_a_bill_given_twice_the_newer_reading_counts(ledger: Ledger) -> None:
    ledger.mirror.store_bills(ORG, [bill(read_at=LATER, status=Status.PAID), bill(read_at=NOW)])
    held = ledger.mirror.bill(ORG, "b1")
    assert held is not None
    assert held.status is Status.PAID


def test_many_bills_are_kept(ledger: Ledger) -> None:
    ledger.mirror.store_bills(ORG, [bill(f"b{number}", number=f"N{number % 2}") for number in range(250)])
    assert len(ledger.mirror.numbered(ORG, ["N0"])) == 125
    assert ledger.mirror.numbered(ORG, ["N0", "N1"])[0].bill_id == "b0"
    assert ledger.mirror.numbered("other", ["N0"]) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"status": Status.VOIDED},
        {"total": Decimal("1000.01")},
        {"paid": Decimal(1)},
        {"due_date": DAY},
        {"contact_id": "c2"},
        {"url": "https://elsewhere"},
        {"lines": (Line("l", "", Decimal(1), Decimal(1), Decimal(1), "", "", Decimal(0)),)},
    ],
)
def test_a_changed_bill_makes_its_milestone_due(ledger: Ledger, changes: dict[str, Any]) -> None:
    ledger.milestones.put([milestone()], NOW)
    ledger.mirror.store_bills(ORG, [bill()])
    bind(ledger, "b1")
    ledger.mirror.store_bills(ORG, [bill(read_at=LATER, **changes)])
    assert dirty(ledger)


def test_a_bill_that_was_only_read_again_makes_nothing_due(ledger: Ledger) -> None:
    ledger.milestones.put([milestone()], NOW)
    ledger.mirror.store_bills(ORG, [bill()])
    bind(ledger, "b1")
    ledger.mirror.store_bills(ORG, [bill(read_at=LATER, updated_at=LATER)])
    assert not dirty(ledger)


@pytest.mark.parametrize(
    "changes",
    [
        {"number": "GM-M1", "total": Decimal(5)},
        {"number": "GM-M1-2", "total": Decimal(5)},
        {"url": "https://x/1", "contact_id": "c9", "total": Decimal(5)},
        {},
        {"total": Decimal(5), "subtotal": Decimal(1000)},
        {"contact_id": "c9"},
        {"contact_name": "", "contact_id": "c1"},
        {"contact_name": "", "contact_id": "c-survivor"},
    ],
    ids=["number", "number again", "url", "total", "subtotal", "name", "contact", "merged contact"],
)
def test_a_bill_that_a_milestone_may_take_for_its_own_makes_it_due(ledger: Ledger, changes: dict[str, Any]) -> None:
    ledger.mirror.store_contacts(ORG, [replace(AROHA, merged_to="c-survivor"), Contact("c-survivor", "Another")])
    put_settled(ledger, links=Links("https://x/1"))
    ledger.mirror.store_bills(ORG, [bill(**changes)])
    assert dirty(ledger)
    settle(ledger)
    ledger.mirror.store_bills(ORG, [bill(**changes, read_at=LATER, status=Status.VOIDED)])
    assert dirty(ledger)


@pytest.mark.parametrize(
    "changes",
    [
        {"number": "M1", "total": Decimal(5)},
        {"number": "GM-M1x", "total": Decimal(5)},
        {"contact_id": "c9", "contact_name": "Other"},
        {"total": Decimal("999.99")},
    ],
)
def test_a_bill_that_is_not_like_a_milestone_makes_nothing_due(ledger: Ledger, changes: dict[str, Any]) -> None:
    ledger.mirror.store_contacts(ORG, [AROHA])
    put_settled(ledger, links=Links("https://x/1"))
    ledger.mirror.store_bills(ORG, [bill(**changes)])
    assert not dirty(ledger)


def test_a_bill_like_that_of_a_linked_milestone_makes_nothing_due(ledger: Ledger) -> None:
    ledger.milestones.put([milestone()], NOW)
    ledger.mirror.store_bills(ORG, [bill()])
    bind(ledger, "b1")
    ledger.mirror.store_bills(ORG, [bill("b2", number="GM-M1")])
    assert not dirty(ledger)


def test_a_missing_bill_makes_its_milestone_due_once(ledger: Ledger) -> None:
    ledger.milestones.put([milestone()], NOW)
    ledger.mirror.store_bills(ORG, [bill()])
    bind(ledger, "b1")
    ledger.mirror.store_missing(ORG, "b1", LATER)
    assert dirty(ledger)
    case = case_of(ledger)
    assert case.missing
    assert case.bill == bill()
    assert ledger.mirror.missing_count(ORG) == 1
    settle(ledger)
    ledger.mirror.store_missing(ORG, "b1", LATER)
    assert not dirty(ledger)


def test_a_bill_read_later_than_it_was_missing_is_found_again(ledger: Ledger) -> None:
    ledger.milestones.put([milestone()], NOW)
    ledger.mirror.store_bills(ORG, [bill()])
    bind(ledger, "b1")
    ledger.mirror.store_missing(ORG, "b1", LATER)
    settle(ledger)
    ledger.mirror.store_bills(ORG, [bill(read_at=LATER)])
    assert not case_of(ledger).missing
    assert dirty(ledger)
    assert ledger.mirror.missing_count(ORG) == 0


def test_a_bill_read_after_the_question_is_not_missing(ledger: Ledger) -> None:
    ledger.milestones.put([milestone()], NOW)
    ledger.mirror.store_bills(ORG, [bill(read_at=SOON)])
    bind(ledger, "b1")
    ledger.mirror.store_missing(ORG, "b1", NOW)
    assert not case_of(ledger).missing
    assert not dirty(ledger)


def test_a_missing_bill_that_nobody_is_linked_to_is_not_counted(ledger: Ledger) -> None:
    ledger.mirror.store_missing(ORG, "b1", NOW)
    assert ledger.mirror.missing_count(ORG) == 0


@pytest.mark.parametrize("many", [0, 3, 4, 5])
def test_linked_bills_that_were_never_read_are_named(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    monkeypatch.setattr(mirror, "MARKS", many)
    ledger.milestones.put([milestone(key) for key in ("M1", "M2", "M3", "M4")], NOW)
    ledger.mirror.store_bills(ORG, [bill("b2")])
    for number in (1, 2, 3):
        bind(ledger, f"b{number}", f"M{number}")
    ledger.mirror.store_missing(ORG, "b3", NOW)
    ledger.milestones.touch(ORG)
    assert ledger.mirror.linked_unread(ORG, 10) == ["b1"]
    assert ledger.mirror.linked_unread("other", 10) == []
    settle(ledger)
    assert ledger.mirror.linked_unread(ORG, 10) == []


@pytest.mark.parametrize("reason", EXEMPTED)
def test_the_bill_of_an_exempt_milestone_is_read_as_well(ledger: Ledger, reason: Reason) -> None:
    ledger.milestones.put([milestone("M1")], NOW)
    bind(ledger, "b1", "M1")
    decide(ledger, reason)
    assert not dirty(ledger)
    assert ledger.mirror.linked_unread(ORG, 10) == ["b1"]


@pytest.mark.parametrize("changes", [{"archived": True}, {"name": "Renamed"}, {"merged_to": "c2"}])
def test_a_changed_contact_makes_its_payee_due(ledger: Ledger, changes: dict[str, Any]) -> None:
    ledger.mirror.store_contacts(ORG, [AROHA])
    put_settled(ledger, payee="  aroha   TRUST ")
    ledger.mirror.store_contacts(ORG, [replace(AROHA, **changes)])
    assert dirty(ledger)


def test_a_contact_that_now_bears_the_payees_name_makes_it_due(ledger: Ledger) -> None:
    put_settled(ledger)
    ledger.mirror.store_contacts(ORG, [Contact("c7", "AROHA TRUST")])
    assert dirty(ledger)


def test_a_contact_mapped_by_hand_makes_its_milestone_due(ledger: Ledger) -> None:
    put_settled(ledger, contact_id="c7", payee="Whoever")
    ledger.mirror.store_contacts(ORG, [Contact("c7", "Somebody")])
    assert dirty(ledger)


def test_an_unchanged_or_unrelated_contact_makes_nothing_due(ledger: Ledger) -> None:
    ledger.mirror.store_contacts(ORG, [AROHA])
    put_settled(ledger)
    ledger.mirror.store_contacts(ORG, [AROHA, Contact("c2", "Somebody else")])
    assert not dirty(ledger)


def test_an_event_of_a_linked_bill_is_read_until_it_is_clean(ledger: Ledger, url: str) -> None:
    ledger.milestones.put([milestone()], NOW)
    bind(ledger, "b1")
    hear(url, ledger, "b1", NOW)
    ((bill_id, mark),) = ledger.mirror.dirty_bills(ORG, 10)
    assert bill_id == "b1"
    ledger.mirror.clean(ORG, [(bill_id, mark)])
    assert ledger.mirror.dirty_bills(ORG, 10) == []


def test_an_event_that_came_after_the_mark_stays(ledger: Ledger, url: str) -> None:
    ledger.milestones.put([milestone()], NOW)
    bind(ledger, "b1")
    hear(url, ledger, "b1", NOW)
    marks = ledger.mirror.dirty_bills(ORG, 10)
    hear(url, ledger, "b1", LATER)
    ledger.mirror.clean(ORG, marks)
    assert [bill_id for bill_id, _ in ledger.mirror.dirty_bills(ORG, 10)] == ["b1"]


def test_an_event_that_came_before_the_link_is_matched_by_it(ledger: Ledger, url: str) -> None:
    ledger.milestones.put([milestone()], NOW)
    hear(url, ledger, "b1", NOW)
    assert ledger.mirror.dirty_bills(ORG, 10) == []
    link = Link(bill_id="b1")
    ledger.milestones.choose(ORG, "M1", link, choice(Choose.LINK), None, None)
    assert [bill_id for bill_id, _ in ledger.mirror.dirty_bills(ORG, 10)] == ["b1"]
    assert ledger.mirror.dirty_bills("other", 10) == []
