"""A warning says who did it and when, if Xero's history tells: read once, a few at a time, and never for many."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from desk_world import deliver, letterbox, make  # noqa: F401  fixtures
from world import KEY

from receiver.sheet import view
from reconciler.reasons import Reason
from reconciler.words import moment


def reads(world: Any) -> int:
    return world.xero.calls("/Invoices/{invoice}/History", method="GET")


def deed(world: Any, key: str = "M-1") -> tuple[str, str] | None:
    found = world.standing(key).case.deed
    return (found.did, found.by) if found else None


def billed(world: Any, *keys: str) -> Any:
    world.sweep()
    for key in keys or ("M-1",):
        world.put(key)
    world.turn()
    world.xero.reset_calls()
    return world


def approve_and_change(world: Any) -> None:
    world.org.approve("M-1")
    world.put(amount=Decimal("1300.00"))


def part_pay_and_change(world: Any) -> None:
    world.org.approve("M-1")
    world.org.pay("M-1", 100)
    world.put(amount=Decimal("1300.00"))


def pay_and_take_back(world: Any) -> None:
    world.org.approve("M-1")
    world.org.pay("M-1")
    world.sweep()
    world.org.unpay("M-1")


def approve_and_void(world: Any) -> None:
    world.org.approve("M-1")
    world.org.void("M-1")


WAYS: list[tuple[Reason, Callable[[Any], object], str]] = [
    (Reason.BILL_APPROVED, approve_and_change, "approved"),
    (Reason.BILL_PART_PAID, part_pay_and_change, "paid"),
    (Reason.PAYMENT_REVERSED, pay_and_take_back, "payment removed"),
    (Reason.BILL_VOIDED, approve_and_void, "voided"),
    (Reason.BILL_DELETED, lambda world: world.org.delete("M-1"), "deleted"),
    (Reason.CHANGED_IN_XERO, lambda world: world.org.edit("M-1", total="1300.00"), "edited"),
]


@pytest.mark.parametrize(("reason", "way", "did"), WAYS, ids=lambda each: getattr(each, "value", ""))
def test_each_warning_about_a_bill_says_who_and_when_and_asks_once(
    world: Any, reason: Reason, way: Callable[[Any], object], did: str
) -> None:
    billed(world)
    world.org.settings(person="Bo Example")
    way(world)
    for _ in range(3):
        world.sweep()
    assert (world.reason(), deed(world), reads(world)) == (reason, (did, "Bo Example"), 1)


def test_the_mail_the_page_and_the_command_line_say_it(make: Any, letterbox: Any) -> None:  # noqa: F811  fixtures
    world = billed(make())
    world.org.edit("M-1", total="1300.00")
    world.sweep()
    when = moment(world.standing().case.deed.at, world.cycle.books().zone)
    (letter,) = deliver(world, letterbox)
    assert f"{when}, by Ana Example" in " ".join(letter.text.split())
    facts = view(world.house.desk.show(letter.tokens[0])).items[0].facts
    assert ("Edited in Xero", f"{when}, by Ana Example") in facts


def test_of_several_in_one_mail_each_says_it(make: Any, letterbox: Any) -> None:  # noqa: F811  fixtures
    world = billed(make(), "M-1", "M-2")
    for key, person in (("M-1", "Ana Example"), ("M-2", "Bo Example")):
        world.org.settings(person=person)
        world.org.edit(key, total="1300.00")
    world.sweep()
    (letter,) = deliver(world, letterbox)
    shown = view(world.house.desk.show(letter.tokens[0])).items
    for item, person in zip(shown, ("Ana Example", "Bo Example"), strict=True):
        assert f"by {person}" in " ".join(letter.text.split())
        assert item.who.startswith("Edited in Xero ")
        assert item.who.endswith(f", by {person}")


def test_what_an_app_did_is_told_without_a_name(world: Any) -> None:
    billed(world)
    world.org.settings(person="System Generated")
    world.org.delete("M-1")
    world.sweep()
    assert deed(world) == ("deleted", "")


def test_a_warning_that_comes_back_asks_anew(world: Any) -> None:
    billed(world)
    for person, total in (("Ana Example", "1300.00"), ("Ana Example", "1200.00"), ("Bo Example", "1400.00")):
        world.org.settings(person=person)
        world.org.edit("M-1", total=total)
        world.sweep()
    assert (deed(world), reads(world)) == (("edited", "Bo Example"), 2)


def test_warnings_that_are_not_about_a_bill_ask_nothing(world: Any) -> None:
    billed(world)
    world.put("M-2", account="999")
    world.sweep()
    assert (world.reason("M-2"), reads(world)) == (Reason.ACCOUNT_UNUSABLE, 0)


def test_of_many_with_one_cause_none_is_asked_for(world: Any) -> None:
    keys = [f"M-{number}" for number in range(1, 12)]
    billed(world, *keys)
    for key in keys:
        world.org.delete(key)
    world.sweep()
    world.sweep()
    assert {world.reason(key) for key in keys} == {Reason.BILL_DELETED}
    assert reads(world) == 0


@pytest.mark.parametrize(("setting", "counts"), [(0, [0, 0, 0]), (2, [2, 4, 5]), (10, [5, 5, 5])])
def test_no_more_are_asked_for_at_a_time_than_set(make_world: Any, setting: int, counts: list[int]) -> None:
    world = make_world(organisation=f'mode = "sync"\nhistory_reads = {setting}')
    keys = [f"M-{number}" for number in range(1, 6)]
    billed(world, *keys)
    for key in keys:
        world.org.delete(key)
    seen = []
    for _ in range(3):
        world.sweep()
        seen.append(reads(world))
    assert seen == counts


def test_the_last_calls_of_the_day_are_not_spent_on_it(world: Any) -> None:
    billed(world)
    world.xero.limits(on=True, day=200)
    world.org.delete("M-1")
    world.sweep()
    assert (world.reason(), reads(world), deed(world)) == (Reason.BILL_DELETED, 0, None)
    world.xero.limits(on=False)


def test_a_history_that_cannot_be_read_hinders_nothing_and_is_asked_for_again(world: Any) -> None:
    billed(world)
    world.org.delete("M-1")
    world.xero.fault(503, times=3, path="/History")
    world.sweep()
    assert (world.reason(), deed(world)) == (Reason.BILL_DELETED, None)
    world.sweep()
    assert deed(world) == ("deleted", "Ana Example")


def test_it_is_counted_by_itself(world: Any) -> None:
    billed(world)
    world.org.delete("M-1")
    world.sweep()
    today = world.house.clock().date()
    assert world.house.ledger.budgets.spent(KEY, today)[today]["history"].calls == 1
