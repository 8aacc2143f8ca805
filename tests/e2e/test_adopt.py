"""Milestones find the bills that were in Xero before them; a person confirms, and no bill is linked twice."""

import json
from decimal import Decimal
from typing import Any

import pytest
from click.testing import CliRunner, Result
from here import Here
from world import KEY

from billwatch.cli import main
from reconciler.reasons import Choose, Reason
from reconciler.records import Choice


def adopt(world: Any, *arguments: str, answers: str = "") -> Result:
    return CliRunner().invoke(main, ["adopt", *arguments], input=answers, obj=Here(world), catch_exceptions=False)


def by_hand(world: Any, key: str, **changes: Any) -> str:
    """A bill made by hand for that milestone's payee; its id."""
    fields = {"contact": f"Payee of {key}", "total": "1200.00", "date": world.xero.now().date(), "status": "AUTHORISED"}
    return world.org.add_bill(**(fields | changes)).bill_id


@pytest.fixture
def watching(make_world: Any) -> Any:
    """An organisation that is only watched, with bills by hand for M-1 (equal), M-2 (another amount), M-3 (two)."""
    world = make_world(organisation='mode = "watch"')
    world.first = by_hand(world, "M-1", number="INV-1")
    world.second = by_hand(world, "M-2", number="M 2", total="1300.00")
    world.third = [by_hand(world, "M-3", number=f"INV-3{letter}") for letter in "AB"]
    for key in ("M-1", "M-2", "M-3", "M-4"):
        world.put(key)
    return world


def bills(world: Any) -> dict[str, str]:
    return {k: world.standing(k).case.link.bill_id for k in ("M-1", "M-2", "M-3", "M-4")}


def test_in_bulk_only_what_is_sure_is_linked_and_nothing_is_written_to_xero(watching: Any) -> None:
    result = adopt(watching, "--yes")
    assert result.stdout.splitlines() == [
        "M-1: APPROVED. The bill is approved, and nothing is left to write.",
        "1 linked; 4 proposed, 3 of them not sure.",
    ]
    watching.sweep()
    assert bills(watching) == {"M-1": watching.first, "M-2": "", "M-3": "", "M-4": ""}
    assert watching.writes() == 0


def test_in_bulk_twice_links_nothing_more(watching: Any) -> None:
    adopt(watching, "--yes")
    assert adopt(watching, "--yes").stdout == "0 linked; 3 proposed, 3 of them not sure.\n"


def test_a_person_confirms_one_by_one(watching: Any) -> None:
    result = adopt(watching, answers="n\ny\nn\ny\n")
    assert "Same number and contact, but NZ$1,300.00 instead of NZ$1,200.00." in result.stdout
    assert "3 linked" not in result.stdout
    watching.sweep()
    linked = bills(watching)
    assert (linked["M-1"], linked["M-2"], linked["M-4"]) == ("", watching.second, "")
    assert linked["M-3"] in watching.third
    assert watching.reason("M-2") is Reason.LINK_DIFFERS


def test_who_stops_half_way_keeps_what_was_confirmed(watching: Any) -> None:
    adopt(watching, answers="y\nq\n")
    watching.sweep()
    assert bills(watching) == {"M-1": watching.first, "M-2": "", "M-3": "", "M-4": ""}


def test_the_choice_is_kept_with_who_made_it(watching: Any) -> None:
    adopt(watching, "--yes")
    (moment,) = [m for m in watching.house.ledger.overview.timeline(KEY, "M-1") if m.what == "choice"]
    assert (moment.value.kind, moment.value.bill_id) == (Choose.LINK, watching.first)


def test_json_lists_the_proposals_and_links_nothing_without_being_told_to(watching: Any) -> None:
    told = json.loads(adopt(watching, "--json").stdout)
    assert [(one["key"], one["sure"]) for one in told["proposals"]] == [
        ("M-1", True),
        ("M-2", False),
        ("M-3", False),
        ("M-3", False),
    ]
    assert told["linked"] == {}
    assert json.loads(adopt(watching, "--json", "--yes").stdout)["linked"].keys() == {"M-1"}


def test_a_bill_is_never_linked_to_two_milestones(watching: Any) -> None:
    choice = Choice(Choose.LINK, "Ann Example", watching.house.clock())
    done, left = watching.house.desk.adopt(KEY, {"M-1": watching.first, "M-4": watching.first}, choice)
    assert ([d.case.milestone.key for d in done.items], left) == (["M-1"], ["M-4"])
    again, left = watching.house.desk.adopt(KEY, {"M-2": watching.first, "M-1": watching.second}, choice)
    assert (again.items, left) == ((), ["M-1", "M-2"])


def test_a_bill_voided_meanwhile_is_not_linked(watching: Any) -> None:
    choice = Choice(Choose.LINK, "Ann Example", watching.house.clock())
    watching.sweep()
    watching.org.void(watching.first)
    watching.xero.advance(seconds=1)
    assert watching.house.desk.adopt(KEY, {"M-1": watching.first}, choice)[1] == ["M-1"]


def test_when_xero_cannot_be_read_nothing_is_proposed(watching: Any) -> None:
    watching.xero.fault(503, times=50)
    result = CliRunner().invoke(main, ["adopt"], obj=Here(watching))
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: Xero could not be read: ")
    watching.xero.clear_faults()


def test_a_flagged_duplicate_is_resolved_by_adopting_one(make_world: Any) -> None:
    world = make_world()
    mine, other = (by_hand(world, "M-1", number="M-1", total=total) for total in ("1200.00", "1250.00"))
    world.put("M-1")
    world.sweep()
    assert world.reason() is Reason.DUPLICATE_BILL
    adopt(world, answers="y\n")
    assert (world.reason(), world.standing().case.link.bill_id) == (Reason.APPROVED, mine)
    assert world.org.bill(other).total == Decimal("1250.00")
