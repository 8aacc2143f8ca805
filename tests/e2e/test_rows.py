"""Every reason of the decision, reached against the sandbox over real HTTP, and the cure that makes it go away.

A road leads a fresh world to its reason; `cure` is what a person does about it, and `after` how the milestone stands
then. A flag must have closed by itself meanwhile, saying why.
"""

import pytest
from all_roads import ROADS

from reconciler.reasons import Action, Reason, words


@pytest.mark.parametrize("reason", ROADS.keys() or Reason)
def test_each_reason_is_reached_and_cured(make_world, reason):
    reached = ROADS[reason](make_world)
    world, key = reached.world, reached.key
    assert world.reason(key) is reason
    action = world.standing(key).verdict.action
    assert action is words(reason).action
    raised = [flag for flag in world.flags(key) if flag.closed_at is None]
    assert [flag.reason for flag in raised] == ([reason] if action is Action.FLAG else [])

    reached.cure()

    assert world.reason(key) is reached.after
    kept = [flag.reason for flag in world.flags(key) if flag.closed_at is None]
    assert kept == ([reached.after] if words(reached.after).action is Action.FLAG else [])
    assert all(flag.closed_because for flag in world.flags(key) if flag.closed_at is not None)


def test_every_reason_has_a_road():
    assert set(ROADS) == set(Reason)
