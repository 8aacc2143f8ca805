"""Each choice on the page behind a link does what it says, and nothing is asked or mailed afterwards."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from all_roads import ROADS
from desk_world import act, deliver, letterbox, make, refused
from roads import by_hand
from world import KEY

from receiver.ports import LinkRefused
from reconciler.reasons import Action, Choose, Reason, words

DAY = dt.timedelta(days=1)

__all__ = ["letterbox", "make"]

Extra = Callable[[Any], dict[str, Any]]


def nothing(_world: Any) -> dict[str, Any]:
    return {}


def proposed(world: Any) -> dict[str, Any]:
    return {"date": world.standing().verdict.proposed or world.xero.now().date() + DAY}


def other_bill(world: Any) -> dict[str, Any]:
    return {"bill_id": by_hand(world, number="INV-99").bill_id}


def shown_bill(world: Any) -> dict[str, Any]:
    return {"bill_id": world.standing().verdict.others[0]}


CHOICES: list[tuple[Reason, Choose, Extra, Reason]] = [
    (Reason.BILL_NOT_WANTED, Choose.KEEP, nothing, Reason.WITHDRAWN),
    (Reason.PAID_NOT_WANTED, Choose.KEEP, nothing, Reason.NOTHING_TO_PAY),
    (Reason.DUPLICATE_BILL, Choose.LINK, shown_bill, Reason.APPROVED),
    (Reason.POSSIBLE_DUPLICATE, Choose.LINK, shown_bill, Reason.APPROVED),
    (Reason.POSSIBLE_DUPLICATE, Choose.BILL_ANYWAY, nothing, Reason.AWAITING_APPROVAL),
    (Reason.LINK_DIFFERS, Choose.KEEP, nothing, Reason.APPROVED),
    (Reason.BILL_MISSING, Choose.BILL_AGAIN, nothing, Reason.AWAITING_APPROVAL),
    (Reason.BILL_MISSING, Choose.REPLACED_BY, other_bill, Reason.APPROVED),
    (Reason.BILL_VOIDED, Choose.BILL_AGAIN, nothing, Reason.AWAITING_APPROVAL),
    (Reason.BILL_VOIDED, Choose.REPLACED_BY, other_bill, Reason.APPROVED),
    (Reason.BILL_DELETED, Choose.BILL_AGAIN, nothing, Reason.AWAITING_APPROVAL),
    (Reason.BILL_DELETED, Choose.REPLACED_BY, other_bill, Reason.APPROVED),
    (Reason.CHANGED_IN_XERO, Choose.KEEP, nothing, Reason.AWAITING_APPROVAL),
    (Reason.CHANGED_IN_XERO, Choose.OVERWRITE, nothing, Reason.AWAITING_APPROVAL),
    (Reason.PAYMENT_REVERSED, Choose.KEEP, nothing, Reason.APPROVED),
    (Reason.LOCKED_DRAFT, Choose.DATE, proposed, Reason.AWAITING_APPROVAL),
    (Reason.BILL_READ_ONLY, Choose.KEEP, nothing, Reason.APPROVED),
    (Reason.BILL_PAID, Choose.KEEP, nothing, Reason.PAID),
    (Reason.BILL_PART_PAID, Choose.KEEP, nothing, Reason.PART_PAID),
    (Reason.BILL_CREDITED, Choose.KEEP, nothing, Reason.PART_PAID),
    (Reason.BILL_APPROVED, Choose.KEEP, nothing, Reason.APPROVED),
    (Reason.BILL_PAID, Choose.BILL_DIFFERENCE, nothing, Reason.AWAITING_APPROVAL),
    (Reason.BILL_PART_PAID, Choose.BILL_DIFFERENCE, nothing, Reason.AWAITING_APPROVAL),
    (Reason.BILL_CREDITED, Choose.BILL_DIFFERENCE, nothing, Reason.AWAITING_APPROVAL),
    (Reason.BILL_APPROVED, Choose.BILL_DIFFERENCE, nothing, Reason.AWAITING_APPROVAL),
    (Reason.EDITED_IN_XERO, Choose.KEEP, nothing, Reason.AWAITING_APPROVAL),
    (Reason.EDITED_IN_XERO, Choose.OVERWRITE, nothing, Reason.AWAITING_APPROVAL),
    (Reason.PERIOD_LOCKED, Choose.DATE, proposed, Reason.APPROVED),
    (Reason.YEAR_LOCKED, Choose.DATE, proposed, Reason.APPROVED),
    (Reason.LOCK_LIFTED, Choose.RESYNC, nothing, Reason.APPROVED),
    (Reason.LOCK_LIFTED, Choose.DATE, proposed, Reason.APPROVED),
    (Reason.CURRENCY_CHANGED, Choose.KEEP, nothing, Reason.AWAITING_APPROVAL),
]


@pytest.mark.parametrize(("reason", "kind", "extra", "after"), CHOICES, ids=lambda x: getattr(x, "value", None))
def test_each_choice_on_a_page_does_what_it_says(make, letterbox, reason, kind, extra, after):
    world = ROADS[reason](make).world
    letter = next(one for one in deliver(world, letterbox) if one.tokens and refusal(world, one.tokens[0]) is None)
    act(world, letter.tokens[0], kind, **extra(world))
    assert world.reason() is after
    assert world.open_flags() == []
    assert deliver(world, letterbox)[0].tokens == []
    world.sweep()
    assert (world.reason(), world.open_flags(), deliver(world, letterbox)) == (after, [], [])


def refusal(world: Any, token: str) -> str | None:
    try:
        world.house.desk.show(token)
    except LinkRefused as refused:
        return refused.why
    return None


def test_every_choice_that_a_flag_offers_is_walked_on_a_page_or_is_the_same_everywhere():
    # That it is voided, Xero says, and not the page: `test_said_of_xero`.
    everywhere = {
        Choose.EXEMPT,
        Choose.RESYNC,
        Choose.OVERWRITE,
        Choose.DATE,
        Choose.KEEP,
        Choose.REMIND,
        Choose.VOIDED,
    }
    flags = [reason for reason in Reason if words(reason).action is Action.FLAG]
    offered = {(reason, kind) for reason in flags for kind in words(reason).choices if kind not in everywhere}
    assert offered <= {(reason, kind) for reason, kind, _, _ in CHOICES}


def test_the_page_of_an_alert_lets_through_what_it_holds(make, letterbox):
    world = make(policy="new_bills_per_hour = 1")
    world.sweep()
    for n in range(1, 5):
        world.put(f"M-{n}")
    world.turn()
    letters = deliver(world, letterbox)
    assert {letter.recipient for letter in letters} == {"ops@example.org", "accounts@example.org"}
    act(world, letters[0].tokens[0], Choose.GO_AHEAD)
    assert len(world.org.bills()) == 4
    assert world.open_flags() == []
    assert {letter.recipient for letter in deliver(world, letterbox)} == {"ops@example.org", "accounts@example.org"}
    assert {refused(world, letter.tokens[0]) for letter in letters} <= {"used", "closed"}
    assert KEY in world.house.cycles
