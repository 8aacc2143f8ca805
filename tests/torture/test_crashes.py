"""Killed at any step and started again, billwatch ends where it would have ended: nothing lost, nothing done twice.

Every life is led once without a kill; the steps that it passes are the points at which its repetitions are killed, some
of them a second time while they recover. `make torture` leads 1,000, CI 60.
"""

import random
from collections.abc import Callable, Iterator, Mapping

import pytest
from lives import Ended, Fate
from points import Point

Record = Callable[[str, object], None]
WITHIN_XERO = ("PUT Invoices:asked", "PUT Invoices:done", "POST Invoices:asked", "POST Invoices:done")


def fates(seed: int, count: int, passed: Mapping[str, int]) -> Iterator[Fate]:
    """So many ends for a life that passes these points: each point in turn, at an occurrence by dice."""
    dice = random.Random(seed)  # noqa: S311 - to be repeatable
    often = dict(passed) | {name: passed.get(f"{name.partition(':')[0]}:before", 0) for name in WITHIN_XERO}
    names = sorted(name for name, times in often.items() if times)
    for number in range(count):
        name = names[(seed * count + number) % len(names)]
        again = _point(dice, dice.choice(names), 3) if dice.random() < 0.25 else None
        yield Fate(_point(dice, name, often[name]), again if again and again[0] not in WITHIN_XERO else None)


def _point(dice: random.Random, name: str, times: int) -> Point:
    return name, dice.randint(1, times)


def alike(crashed: Ended, fair: Ended) -> None:
    """What must not differ, however often it died."""
    assert crashed.lost == 0, "an acknowledged event was lost"
    assert crashed.numbers == fair.numbers, "a bill too many or too few"
    assert max(crashed.numbers.values()) == 1, "a bill was made twice"
    assert crashed.state == fair.state
    assert crashed.unsent == [], "a mail is taken for sent that never came"
    assert crashed.told >= fair.told, "a mail was lost"
    assert crashed.told <= fair.told, "somebody was told what is not so"
    assert sum(crashed.repeats.values()) <= crashed.deaths, "more than one mail was repeated by one death"


def trial(lead: Callable[..., Ended], seed: int, count: int, record: Record) -> None:
    fair = lead(seed)
    assert (fair.lost, fair.repeats, fair.deaths) == (0, {}, 0)
    deaths, acknowledged = 0, fair.acknowledged
    for fate in fates(seed, count, fair.passed):
        try:
            crashed = lead(seed, fate)
            alike(crashed, fair)
        except AssertionError as error:
            raise AssertionError(f"life {seed}, killed at {fate}: {error}") from error
        deaths += crashed.deaths
        acknowledged += crashed.acknowledged
    assert deaths >= count * 0.8, "most of these lives were not killed at all"
    _report(record, count, acknowledged)


def _report(record: Record, runs: int, acknowledged: int) -> None:
    """What the run came to: the last three are what `alike` has just held to 0."""
    figures = {"crash_runs": runs, "acks_checked": acknowledged, "acks_lost": 0, "bills_twice": 0, "mails_lost": 0}
    for name, value in figures.items():
        record(f"figure {name}", value)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(6))
def test_a_kill_at_any_step_changes_nothing_of_the_end(lead, seed, record_property):
    trial(lead, seed, 10, record_property)


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(25))
def test_a_thousand_lives_with_a_kill_end_as_those_without(lead, seed, record_property):
    trial(lead, seed, 40, record_property)
