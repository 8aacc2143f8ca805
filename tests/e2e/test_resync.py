"""`billwatch resync`: what does not fit is refused in one sentence, and leaves no trace."""

from collections.abc import Sequence
from typing import Any

import pytest
from click.testing import CliRunner, Result
from here import Here
from world import KEY

from billwatch.cli import main
from billwatch.cli.resync import CHOICES
from reconciler.reasons import Choose, Reason
from reconciler.words import choice_label


def resync(world: Any, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["resync", *arguments], obj=Here(world))


def chosen(world: Any) -> Sequence[Any]:
    return [m.value for m in world.house.ledger.overview.timeline(KEY, "M-1") if m.what == "choice"]


@pytest.fixture
def healthy(make_world):
    """M-1 has its bill, and waits for nobody."""
    world = make_world()
    world.sweep()
    world.put()
    world.turn()
    assert world.reason() is Reason.AWAITING_APPROVAL
    return world


@pytest.mark.parametrize("kind", [None, *CHOICES], ids=lambda kind: kind.value if kind else "sync")
def test_on_a_milestone_that_waits_for_nobody_only_a_plain_resync_does_something(healthy, kind):
    result = resync(healthy, "M-1", *(("--choose", kind.value) if kind else ()))
    if kind is None:
        assert (result.exit_code, [choice.kind for choice in chosen(healthy)]) == (0, [Choose.RESYNC])
        return
    assert (result.exit_code, result.stdout, chosen(healthy)) == (1, "", [])
    refused = f"Error: “{choice_label(kind)}” does not fit “M-1” (awaiting approval); choose one of “Resync now”"
    assert result.stderr.startswith(refused)


@pytest.mark.parametrize("arguments", [(), *(("--choose", kind.value) for kind in CHOICES)], ids=" ".join)
def test_of_a_milestone_that_is_not_there_nothing_can_be_chosen(healthy, arguments):
    result = resync(healthy, "M-9", *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: There is no milestone “M-9”")


def test_that_a_bill_is_voided_is_believed_once_xero_says_so(healthy):
    healthy.put(amount=0)
    healthy.turn()
    assert healthy.reason() is Reason.BILL_NOT_WANTED
    refused = resync(healthy, "M-1", "--choose", "voided")
    assert (refused.exit_code, chosen(healthy)) == (1, [])
    assert "still has the bill M-1 as awaiting approval. Void or delete it there first." in refused.stderr
    healthy.org.delete("M-1")
    believed = resync(healthy, "M-1", "--choose", "voided")
    assert (believed.exit_code, [choice.kind for choice in chosen(healthy)]) == (0, [Choose.VOIDED])
    again = resync(healthy, "M-1", "--choose", "voided")
    assert (again.exit_code, len(chosen(healthy))) == (1, 1)
