"""What bears on every milestone may change while very many of them are being decided."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from msgspec.structs import replace
from world import KEY

from reconciler import cycle
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


@pytest.mark.parametrize("known", [False, True], ids=["decided first", "decided again"])
def test_after_a_pause_nothing_is_kept_that_was_decided_without_it(world, monkeypatch, known):
    milestones, clock = world.house.ledger.milestones, world.house.clock
    milestones.put([world.milestone(key) for key in KEYS], clock())
    world.sweep()
    if known:
        milestones.touch(KEY)
    else:
        milestones.put([replace(world.milestone(key), title="Another stage") for key in KEYS], clock())
    monkeypatch.setattr(cycle, "CHUNK", PORTION)
    deciders = Interrupted(milestones, world.pause)
    monkeypatch.setattr(world.cycle, "_deciders", deciders)
    writes = world.writes()
    world.turn()
    assert {world.reason(key) for key in KEYS} == {Reason.PAUSED}
    assert set(milestones.dirty_keys(KEY, clock(), len(KEYS))) == set(KEYS)
    assert deciders.answered == 2 + -(-len(KEYS) // PORTION), "nor was the rest decided in vain"
    assert world.writes() == writes
