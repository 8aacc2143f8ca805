"""Very many milestones are decided by processes beside this one: the same verdicts, whatever becomes of them."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from world import KEY

from billwatch.deciders import FEW, Deciders
from reconciler.deciding import Here, Question
from reconciler.model import Sifted
from reconciler.reasons import Reason

QUESTIONS = FEW + 6
EACH = 3
SECONDS = 60


@pytest.fixture
def milestones(world: Any) -> Any:
    """Milestones, of which the last ones are billed, and as they were decided last."""
    kept = world.house.ledger.milestones
    kept.put([world.milestone(f"M-{number:02}") for number in range(QUESTIONS * EACH)], world.house.clock())
    for number in range(EACH * FEW):
        kept.put([replace(world.milestone(f"M-{number:02}"), cancelled=True)], world.house.clock())
    world.sweep()
    return kept


@pytest.fixture
def asked(world: Any, milestones: Any) -> list[Question]:
    """Questions about all of them, some of which were changed since."""
    for number in range(0, QUESTIONS * EACH, 2):
        milestones.put([replace(world.milestone(f"M-{number:02}"), title="Another stage")], world.house.clock())
    milestones.touch(KEY)
    keys = milestones.dirty_keys(KEY, world.house.clock(), QUESTIONS * EACH)
    shared = world.house.organisations[KEY], world.cycle.books()
    portions = [tuple(keys[at : at + EACH]) for at in range(0, len(keys), EACH)]
    return [Question(*shared, portion, world.house.clock()) for portion in portions]


@pytest.fixture
def deciders(world: Any, milestones: Any) -> Deciders:
    return Deciders(milestones, world.house.config.storage.place(), {KEY: ""}, processes=2)


def _here(milestones: Any, asked: list[Question]) -> list[Sifted]:
    return list(Here(milestones).answer(asked))


def test_the_answers_are_those_of_this_process_in_their_order(
    deciders: Deciders, milestones: Any, asked: list[Question]
) -> None:
    answers, beside = [], []
    for answer in deciders.answer(asked):
        answers.append(answer)
        beside.append(len(multiprocessing.active_children()))
    assert answers == _here(milestones, asked)
    assert {len(answer.news) > 0 for answer in answers} == {True}
    assert {known.reason for answer in answers for known in answer.known} >= {Reason.AWAITING_APPROVAL}
    assert (beside[FEW - 1], beside[FEW]) == (0, 2), "a few are decided here, and only then others are begun"
    assert multiprocessing.active_children() == []


def test_when_those_beside_are_killed_the_rest_is_decided_here(
    deciders: Deciders, milestones: Any, asked: list[Question]
) -> None:
    answers = []
    for answer in deciders.answer(asked):
        answers.append(answer)
        for process in multiprocessing.active_children():
            process.kill()
    assert answers == _here(milestones, asked)


def test_while_one_organisation_has_them_another_decides_here(
    deciders: Deciders, milestones: Any, asked: list[Question]
) -> None:
    first = deciders.answer(asked)
    begun = [next(first) for _ in range(FEW + 1)]
    with_others = len(multiprocessing.active_children())
    assert list(deciders.answer(asked)) == _here(milestones, asked)
    assert len(multiprocessing.active_children()) == with_others == 2
    assert [*begun, *first] == _here(milestones, asked)


def test_who_stops_asking_leaves_nobody_behind(deciders: Deciders, asked: list[Question]) -> None:
    answers = deciders.answer(asked)
    for _ in range(FEW + 1):
        next(answers)
    answers.close()
    assert multiprocessing.active_children() == []
    assert len(list(deciders.answer(asked))) == QUESTIONS, "and whoever asks next has them again"


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks for processes under /proc")
def test_they_end_with_whoever_began_them(world: Any, tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT.format(url=world.house.config.storage.place()))
    command = [sys.executable, str(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:  # noqa: S603  our own program
        try:
            assert parent.stdout is not None
            children = [int(word) for word in parent.stdout.readline().split()]
            assert len(children) == 2
        finally:
            os.kill(parent.pid, signal.SIGKILL)
    end = time.monotonic() + SECONDS
    while any(_runs(pid) for pid in children):
        assert time.monotonic() < end, "a process is left that nobody waits for"
        time.sleep(0.05)


PARENT = """
import multiprocessing, time
from concurrent.futures import ProcessPoolExecutor
from billwatch.deciders import begin
if __name__ == "__main__":
    pool = ProcessPoolExecutor(2, multiprocessing.get_context("spawn"), begin, ({url!r}, {{}}))
    list(pool.map(abs, range(100)))
    pool.submit(time.sleep, 0.5), pool.submit(time.sleep, 0.5)
    print(*(process.pid for process in multiprocessing.active_children()), flush=True)
    time.sleep(600)
"""


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
