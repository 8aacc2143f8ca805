"""Each choice that `billwatch explain` names comes with a command that there is, and that takes it."""

import click
import pytest

from billwatch.cli import main
from billwatch.cli.explain import COMMANDS
from reconciler.reasons import Choose


@pytest.mark.parametrize("kind", Choose)
def test_a_choice_is_named_with_a_command_that_takes_it(kind: Choose) -> None:
    name, *arguments = COMMANDS[kind].format("M-1").split()
    command = main.get_command(click.Context(main), name)
    assert command is not None
    filled = [{"DAY": "2026-07-01", "WHY": "Paid in kind"}.get(each, each) for each in arguments]
    context = command.make_context(name, filled, obj=None, resilient_parsing=False)
    assert context.params
