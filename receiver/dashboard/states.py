"""The reasons put together into a handful of states, for overviews, filters and the chart."""

from collections.abc import Mapping
from enum import StrEnum

from reconciler.reasons import Action, Reason, words


class State(StrEnum):
    """How a milestone stands, roughly; in the order in which they are listed."""

    WAITING = "waiting"
    HELD = "held"
    TO_BILL = "to-bill"
    UNAPPROVED = "unapproved"
    APPROVED = "approved"
    PAID = "paid"
    ASIDE = "aside"
    NEW = "new"


LABELS = {
    State.WAITING: "waits for a person",
    State.HELD: "held back",
    State.TO_BILL: "to be billed",
    State.UNAPPROVED: "billed, not approved",
    State.APPROVED: "approved",
    State.PAID: "paid",
    State.ASIDE: "nothing to bill",
    State.NEW: "not decided yet",
}
_QUIET = {
    Reason.WOULD_CREATE: State.TO_BILL,
    Reason.WOULD_UPDATE: State.TO_BILL,
    Reason.AWAITING_APPROVAL: State.UNAPPROVED,
    Reason.IN_SYNC: State.UNAPPROVED,
    Reason.APPROVED: State.APPROVED,
    Reason.PART_PAID: State.APPROVED,
    Reason.PAID: State.PAID,
}
_BY_ACTION = {Action.FLAG: State.WAITING, Action.HOLD: State.HELD, Action.SYNC: State.TO_BILL}


def state_of(reason: Reason | None) -> State:
    """The state of a milestone under that reason; `None` is not decided yet."""
    if reason is None:
        return State.NEW
    return _QUIET.get(reason) or _BY_ACTION.get(words(reason).action, State.ASIDE)


def reasons_of(state: State) -> frozenset[Reason | None]:
    """The reasons that make up a state."""
    return frozenset(reason for reason in (None, *Reason) if state_of(reason) is state)


def by_state(counts: Mapping[Reason | None, int]) -> dict[State, int]:
    """Numbers by reason as numbers by state, every state named."""
    summed = dict.fromkeys(State, 0)
    for reason, number in counts.items():
        summed[state_of(reason)] += number
    return summed
