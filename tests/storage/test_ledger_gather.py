"""A case holds the bills, contacts and exemption that its decision is about, and no others."""

import datetime as dt
import logging
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from ledger_samples import DAY, NOW, ORG, attempt, bill, bind, case_of, choice, milestone, terms
from msgspec.structs import replace

from reconciler.model import Bill, Contact, Link, Links, Milestone, Status, part_of
from storage.gather import MANY
from storage.ledger import Ledger

AROHA = Contact("c1", "Aroha Trust")


def _ids(bills: tuple[Bill, ...]) -> list[str]:
    return [each.bill_id for each in bills]


def test_the_linked_bill_is_gathered(ledger: Ledger) -> None:
    ledger.milestones.put([milestone("M1"), milestone("M2")], NOW)
    ledger.mirror.store_bills(ORG, [bill("b1"), bill("b2")])
    bind(ledger, "b2")
    assert case_of(ledger, "M1").bill == bill("b2")
    assert case_of(ledger, "M2").bill is None


def test_a_linked_bill_that_was_never_read_is_neither_there_nor_missing(ledger: Ledger) -> None:
    ledger.milestones.put([milestone()], NOW)
    bind(ledger, "b1")
    case = case_of(ledger)
    assert (case.bill, case.missing) == (None, False)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"number": "GM-M1"}, True),
        ({"url": "https://x/1"}, True),
        ({"number": "GM-M1", "url": "https://x/1", "status": Status.PAID}, True),
        ({"number": "GM-M1", "status": Status.VOIDED}, False),
        ({"number": "GM-M1", "status": Status.DELETED}, False),
        ({"number": "GM-M1-2"}, False),
        ({"number": "M1"}, False),
        ({"url": "https://x/2"}, False),
        ({"number": "", "url": ""}, False),
    ],
)
def test_ours_are_live_bills_with_the_number_or_the_link(ledger: Ledger, changes: dict[str, Any], found: bool) -> None:
    ledger.milestones.put([milestone(links=Links("https://x/1"))], NOW)
    ledger.mirror.store_bills(ORG, [bill(contact_id="c9", **changes)])
    assert bool(case_of(ledger).ours) is found


def test_a_milestone_without_a_link_of_its_own_takes_no_bill_for_want_of_one(ledger: Ledger) -> None:
    ledger.milestones.put([milestone()], NOW)
    ledger.mirror.store_bills(ORG, [bill(url="")])
    assert case_of(ledger).ours == ()


def test_a_milestone_billed_again_looks_for_its_next_number_and_the_earlier_ones(ledger: Ledger) -> None:
    ledger.milestones.put([milestone()], NOW)
    ledger.mirror.store_bills(ORG, [bill("b1", number="GM-M1"), bill("b2", number="GM-M1-2")])
    ledger.milestones.choose(ORG, "M1", Link(generation=2, version=case_of(ledger).link.version), choice(), None, None)
    assert _ids(case_of(ledger).ours) == ["b1", "b2"]


def test_a_bill_that_somebody_is_linked_to_is_nobody_elses(ledger: Ledger) -> None:
    ledger.mirror.store_contacts(ORG, [AROHA])
    ledger.milestones.put([milestone("M1"), milestone("M2")], NOW)
    ledger.mirror.store_bills(ORG, [bill("b1", number="GM-M2"), bill("b2")])
    bind(ledger, "b1", "M1")
    case = case_of(ledger, "M2")
    assert (_ids(case.ours), _ids(case.similar)) == ([], ["b2"])


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, True),
        ({"date": DAY + dt.timedelta(days=31)}, True),
        ({"date": DAY - dt.timedelta(days=31), "status": Status.PAID}, True),
        ({"total": Decimal(1150), "subtotal": Decimal(1000)}, True),
        ({"date": DAY + dt.timedelta(days=32)}, False),
        ({"total": Decimal("1000.01"), "subtotal": Decimal("999.99")}, False),
        ({"contact_id": "c2"}, False),
        ({"status": Status.VOIDED}, False),
    ],
)
def test_similar_are_live_bills_of_contact_amount_and_near_date(
    ledger: Ledger, changes: dict[str, Any], found: bool
) -> None:
    ledger.mirror.store_contacts(ORG, [AROHA])
    ledger.milestones.put([milestone()], NOW)
    ledger.mirror.store_bills(ORG, [bill(**changes)])
    assert bool(case_of(ledger, near_days=31).similar) is found


def test_what_is_ours_is_not_similar_besides(ledger: Ledger) -> None:
    ledger.mirror.store_contacts(ORG, [AROHA])
    ledger.milestones.put([milestone()], NOW)
    ledger.mirror.store_bills(ORG, [bill("b1", number="GM-M1"), bill("b2")])
    case = case_of(ledger)
    assert (_ids(case.ours), _ids(case.similar)) == (["b1"], ["b2"])


def test_a_linked_milestone_has_nothing_similar(ledger: Ledger) -> None:
    ledger.mirror.store_contacts(ORG, [AROHA])
    ledger.milestones.put([milestone()], NOW)
    ledger.mirror.store_bills(ORG, [bill("b1"), bill("b2")])
    bind(ledger, "b1")
    assert case_of(ledger).similar == ()


def test_bills_of_another_organisation_are_not_gathered(ledger: Ledger) -> None:
    ledger.mirror.store_contacts(ORG, [AROHA])
    ledger.milestones.put([milestone()], NOW)
    ledger.mirror.store_bills("other", [bill("b1", organisation="other", number="GM-M1"), bill("b2")])
    case = case_of(ledger)
    assert (case.ours, case.similar) == ((), ())


def test_contacts_are_those_of_the_payees_name_as_people_write_it(ledger: Ledger) -> None:
    names = ["Aroha Trust", "AROHA  trust", "Aroha Trust Ltd", "Äroha Trust"]
    ledger.mirror.store_contacts(ORG, [Contact(f"c{number}", name) for number, name in enumerate(names)])
    ledger.milestones.put([milestone(payee=" aroha\u00a0trust")], NOW)
    assert [contact.contact_id for contact in case_of(ledger).contacts] == ["c0", "c1"]


def test_an_archived_contact_is_left_out_beside_an_active_one(ledger: Ledger) -> None:
    archived = Contact("c0", "Aroha Trust", archived=True)
    ledger.mirror.store_contacts(ORG, [archived])
    ledger.milestones.put([milestone()], NOW)
    assert case_of(ledger).contacts == (archived,)
    ledger.mirror.store_contacts(ORG, [AROHA])
    assert case_of(ledger).contacts == (AROHA,)


def test_a_payee_mapped_by_hand_is_that_contact_alone(ledger: Ledger) -> None:
    mapped = Contact("c7", "Another name", archived=True)
    ledger.mirror.store_contacts(ORG, [AROHA, mapped])
    ledger.milestones.put([milestone("M1", contact_id="c7"), milestone("M2", contact_id="unknown")], NOW)
    assert case_of(ledger, "M1").contacts == (mapped,)
    assert case_of(ledger, "M2").contacts == ()


def test_a_merged_contact_is_followed_to_the_one_that_took_over(ledger: Ledger) -> None:
    last = Contact("c3", "Last")
    merged = [Contact("c1", "First", archived=True, merged_to="c2"), Contact("c2", "Next", True, "c3"), last]
    ledger.mirror.store_contacts(ORG, merged)
    ledger.milestones.put([milestone(contact_id="c1")], NOW)
    assert case_of(ledger).contacts == (last,)


def test_contacts_merged_in_a_circle_end_somewhere(ledger: Ledger) -> None:
    ledger.mirror.store_contacts(ORG, [Contact("c1", "a", True, "c2"), Contact("c2", "b", True, "c1")])
    ledger.milestones.put([milestone(contact_id="c1")], NOW)
    assert len(case_of(ledger).contacts) == 1


def test_a_payee_billed_before_keeps_its_contact_when_that_is_renamed(ledger: Ledger) -> None:
    ledger.mirror.store_contacts(ORG, [AROHA])
    ledger.milestones.put([milestone("M1"), milestone("M2")], NOW)
    begun = ledger.attempts.begin(attempt(ledger, "M1"), NOW)
    assert begun is not None
    ledger.attempts.finish(
        begun.attempt_id, [("M1", Link(bill_id="b1", asked=terms(contact="c1"), seen=terms(contact="c1")))], NOW
    )
    renamed = replace(AROHA, name="Aroha Foundation")
    ledger.mirror.store_contacts(ORG, [renamed, Contact("c2", "Aroha Trust")])
    assert case_of(ledger, "M2").contacts == (renamed,)


def test_a_payee_whose_contact_was_new_when_billed_is_not_remembered(ledger: Ledger) -> None:
    ledger.milestones.put([milestone("M1"), milestone("M2")], NOW)
    begun = ledger.attempts.begin(attempt(ledger, "M1"), NOW)
    assert begun is not None
    ledger.attempts.finish(begun.attempt_id, [("M1", Link(bill_id="b1", seen=terms(contact="new:Aroha")))], NOW)
    ledger.mirror.store_contacts(ORG, [AROHA])
    assert case_of(ledger, "M2").contacts == (AROHA,)


def test_all_ended_bills_of_its_number_are_gathered_in_the_order_of_their_ids(ledger: Ledger) -> None:
    ledger.milestones.put([milestone("M1"), milestone("M2")], NOW)
    ends = {"b3": Status.VOIDED, "b1": Status.DELETED, "b2": Status.VOIDED}
    ledger.mirror.store_bills(ORG, [bill(name, number="GM-M1", status=status) for name, status in ends.items()])
    assert _ids(case_of(ledger).ended) == ["b1", "b2", "b3"]
    assert case_of(ledger, "M2").ended == ()


def test_many_cases_are_each_their_own(ledger: Ledger) -> None:
    def number(index: int) -> Milestone:
        return milestone(f"M{index:04}", payee=f"Payee {index}", amount=Decimal(index))

    ledger.milestones.put([number(index) for index in range(600)], NOW)
    ledger.mirror.store_contacts(ORG, [Contact(f"c{index}", f"Payee {index}") for index in range(600)])
    ledger.mirror.store_bills(
        ORG, [bill(f"b{index}", number=f"GM-M{index:04}", total=Decimal(index)) for index in range(600)]
    )
    cases = list(ledger.milestones.stream(ORG, 31))
    assert [_ids(case.ours) for case in cases] == [[f"b{index}"] for index in range(600)]
    assert [case.contacts[0].contact_id for case in cases] == [f"c{index}" for index in range(600)]


def test_the_number_of_queries_does_not_grow_with_that_of_milestones(
    ledger: Ledger, count_queries: Callable[[Callable[[], object]], int]
) -> None:
    ledger.mirror.store_contacts(ORG, [AROHA])
    keys = [f"M{number}" for number in range(300)]
    ledger.milestones.put([milestone(key) for key in keys], NOW)
    some = count_queries(lambda: ledger.milestones.gather(ORG, keys[:MANY], 31))
    assert count_queries(lambda: ledger.milestones.gather(ORG, keys, 31)) == some
    one = count_queries(lambda: ledger.milestones.gather(ORG, keys[:1], 31))
    assert some == one + 1  # are there others between them?
    assert count_queries(lambda: ledger.milestones.gather(ORG, keys[:2], 31)) == one


def test_what_follows_one_live_bill_asks_for_itself_its_bill_and_its_contact_alone(
    ledger: Ledger, count_queries: Callable[[Callable[[], object]], int]
) -> None:
    ledger.milestones.put([milestone("M1", contact_id="c1"), milestone("M2")], NOW)
    ledger.mirror.store_bills(ORG, [bill("b1")])
    bind(ledger, "b1", "M1")
    of_itself = ("milestone", "link", "exemption", "bill", "missing", "contact")
    assert _queries(ledger, count_queries, "M1") == len(of_itself)
    assert _queries(ledger, count_queries, "M2") > len(of_itself)
    assert _queries(ledger, count_queries, "unknown") == len(["milestone"])


def _queries(ledger: Ledger, count: Callable[[Callable[[], object]], int], key: str) -> int:
    beside = count(lambda: ledger.milestones.gather(ORG, [], 31))
    return count(lambda: ledger.milestones.gather(ORG, [key], 31)) - beside


def test_a_contact_that_only_xero_s_side_has_is_not_taken_for_the_payee(ledger: Ledger) -> None:
    ledger.milestones.put([milestone("M1"), milestone("M2")], NOW)
    begun = ledger.attempts.begin(attempt(ledger, "M1"), NOW)
    assert begun is not None
    kept = Link(bill_id="b1", asked=terms(contact="c1"), seen=terms(contact="c9"))
    ledger.attempts.finish(begun.attempt_id, [("M1", kept)], NOW)
    assert "c9" not in {contact.contact_id for contact in case_of(ledger, "M2").contacts}


@pytest.mark.parametrize("end", ["voided", "missing", "in parts"])
def test_only_beside_a_single_live_bill_no_other_is_looked_for(ledger: Ledger, end: str) -> None:
    ledger.milestones.put([milestone()], NOW)
    ledger.mirror.store_bills(ORG, [bill("b1"), bill("b2", number="GM-M1"), bill("b3", total=Decimal("1.00"))])
    bind(ledger, "b1")
    assert case_of(ledger).ours == ()
    if end == "voided":
        ledger.mirror.store_bills(ORG, [bill("b1", status=Status.VOIDED, updated_at=NOW + dt.timedelta(hours=1))])
    elif end == "missing":
        ledger.mirror.store_missing(ORG, "b1", NOW + dt.timedelta(hours=1))
    else:
        link = case_of(ledger).link
        in_parts = replace(link, bill_id="b3", parts=(part_of(bill("b1")),))
        assert ledger.milestones.choose(ORG, "M1", in_parts, choice(), None, None)
    assert _ids(case_of(ledger).ours) == ["b2"]


@pytest.mark.parametrize(
    "asked",
    [
        [f"M{number:03}" for number in range(120)],
        [f"M{number:03}" for number in range(30, 90)],
        [f"M{number:03}" for number in range(0, 120, 2)],
        [f"M{number:03}" for number in range(100) if number != 50],
        ["M000", *(f"M000-{number}" for number in range(MANY)), f"M{MANY + 1:03}"],
    ],
    ids=["all", "some that follow each other", "every other one", "one left out", "as many that there are not"],
)
@pytest.mark.parametrize("standing", [True, False])
def test_of_many_asked_for_at_once_all_and_no_others_are_gathered(
    ledger: Ledger, asked: list[str], standing: bool
) -> None:
    there = [f"M{number:03}" for number in range(120)]
    others = [milestone("M050", organisation="other"), milestone("M050x", organisation="other")]
    ledger.milestones.put([*map(milestone, there), *others], NOW)
    ledger.mirror.store_bills(ORG, [bill(f"b{key}") for key in there])
    for key in there[::3]:
        bind(ledger, f"b{key}", key)
    many = ledger.milestones.gather(ORG, asked, 3, standing=standing)
    one_by_one = [ledger.milestones.gather(ORG, [key], 3, standing=standing) for key in sorted(asked)]
    assert many == [case for cases in one_by_one for case in cases]
    assert [case.milestone.key for case in many] == sorted(set(asked) & set(there))
    assert any(case.bill for case in many)


@pytest.mark.parametrize(("left_out", "by_ends"), [((), True), ((7,), False)], ids=["all between", "not all"])
def test_all_between_two_are_asked_for_by_these_two(
    ledger: Ledger, caplog: pytest.LogCaptureFixture, left_out: tuple[int, ...], by_ends: bool
) -> None:
    keys = [f"M{number:03}" for number in range(MANY + 1)]
    ledger.milestones.put([milestone(key) for key in keys], NOW)
    asked = [key for number, key in enumerate(keys) if number not in left_out]
    with caplog.at_level(logging.DEBUG, logger="peewee"):
        ledger.milestones.gather(ORG, asked, 31, standing=True)
    ranges = [record for record in caplog.records if '."key" <= ' in record.getMessage()]
    assert len(ranges) == (len(["milestone", "link", "progress"]) if by_ends else 0)
