"""What bears on every milestone may change while very many of them are being decided."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from msgspec.structs import replace
from world import KEY

from reconciler import cycle, push
from reconciler.deciding import Here, Question
from reconciler.model import Sifted
from reconciler.reasons import Reason

KEYS = [f"M-{number}" for number in range(9)]
PORTION = 2


class Interrupted(Here):
    """Deciders during whose second answer something happens."""

    def __init__(self, milestones: Any, happens: Callable[[], None]) -> None:
        super().__init__(milestones)
        self._happens = happens
        self.answered = 0

    def answer(self, questions: Iterable[Question]) -> Iterator[Sifted]:
        for sifted in super().answer(questions):
            self.answered += 1
            if self.answered == 2:
                self._happens()
            yield sifted


@pytest.fixture
def interrupted(world: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], Interrupted]:
    """The cycle's deciders, during whose second answer that happens; all is billed and decided before."""
    milestones = world.house.ledger.milestones
    milestones.put([world.milestone(key) for key in KEYS], world.house.clock())
    world.sweep()

    def make(happens: Callable[[], None]) -> Interrupted:
        deciders = Interrupted(milestones, happens)
        monkeypatch.setattr(cycle, "CHUNK", PORTION)
        monkeypatch.setattr(world.cycle, "_deciders", deciders)
        return deciders

    return make


@pytest.mark.parametrize("known", [False, True], ids=["decided first", "decided again"])
def test_after_a_pause_nothing_is_kept_that_was_decided_without_it(world, interrupted, known):
    milestones, clock = world.house.ledger.milestones, world.house.clock
    if known:
        milestones.touch(KEY)
    else:
        milestones.put([replace(world.milestone(key), title="Another stage") for key in KEYS], clock())
    deciders, writes = interrupted(world.pause), world.writes()
    world.turn()
    assert {world.reason(key) for key in KEYS} == {Reason.PAUSED}
    assert set(milestones.dirty_keys(KEY, clock(), len(KEYS))) == set(KEYS)
    assert deciders.answered == 2 + -(-len(KEYS) // PORTION), "nor was the rest decided in vain"
    assert world.writes() == writes


def test_a_stop_ends_deciding_after_a_portion_and_the_rest_is_decided_after_the_next_start(world, interrupted):
    milestones, clock = world.house.ledger.milestones, world.house.clock
    milestones.touch(KEY)
    interrupted(world.house.halt.set)
    world.turn()
    assert milestones.dirty_keys(KEY, clock(), len(KEYS)) == KEYS[2 * PORTION :]
    world.house = world.reopen()
    world.turn()
    assert world.house.ledger.milestones.dirty_keys(KEY, world.house.clock(), len(KEYS)) == []


def test_once_the_books_move_on_nothing_more_is_read_or_written_on_what_was_decided_before(world, monkeypatch):
    """What remains of it is for the next turn, which decides it anew."""
    monkeypatch.setattr(push, "UPDATE_BATCH", PORTION)
    milestones, clock = world.house.ledger.milestones, world.house.clock
    milestones.put([world.milestone(key) for key in KEYS], clock())
    world.sweep()
    milestones.put([replace(world.milestone(key), title="Another stage") for key in KEYS], clock())
    client, before = world.cycle._pusher._xero, world.writes()
    send = client.send

    def sent(attempt: Any) -> Any:
        milestones.touch(KEY)
        monkeypatch.setattr(client, "send", send)
        calls.append(world.xero.calls("/Invoices"))
        return send(attempt)

    calls: list[int] = []
    monkeypatch.setattr(client, "send", sent)
    world.turn()
    assert world.writes() == before + 1
    assert world.xero.calls("/Invoices") - calls[0] <= 2, "the write itself, and its look back"
    world.turn()
    assert world.writes() == before + -(-len(KEYS) // PORTION)
    assert {world.reason(key) for key in KEYS} == {Reason.AWAITING_APPROVAL}


def test_of_two_alike_the_other_one_is_billed_once_one_of_them_has_taken_the_bill(world):
    """Which of them a bill is of is seen only as the first one is decided, in the same transaction."""
    world.org.add_bill(contact="The same payee", total="1200.00", date=world.xero.now().date(), number="M-1")
    alike = [replace(world.milestone(key), payee="The same payee") for key in ("M-1", "M-2")]
    world.house.ledger.milestones.put(alike, world.house.clock())
    world.sweep()
    world.sweep()
    assert [world.reason(key) for key in ("M-1", "M-2")] == [Reason.APPROVED, Reason.AWAITING_APPROVAL]
    assert sorted(bill.number for bill in world.org.bills()) == ["M-1", "M-2"]
