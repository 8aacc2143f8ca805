"""The Tab key: scripts that a shell takes, and the words that they offer."""

import shutil
import subprocess

import pytest
from click.shell_completion import get_completion_class
from click.testing import CliRunner

from billwatch.cli import COMMANDS, main
from billwatch.cli.completion import NAME, VARIABLE


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_what_is_printed_is_a_script_for_that_shell(shell: str) -> None:
    done = CliRunner().invoke(main, ["completion", shell])
    assert done.exit_code == 0, done.output
    assert f"{VARIABLE}={shell}_complete" in done.output
    if found := shutil.which(shell):
        subprocess.run([found, "-n", "-c", done.output], check=True, timeout=10)  # noqa: S603


def test_an_unknown_shell_is_refused_with_those_that_are_known() -> None:
    done = CliRunner().invoke(main, ["completion", "csh"])
    assert done.exit_code == 2
    assert "'bash', 'zsh', 'fish'" in done.output


def test_every_command_is_offered_and_the_options_of_each() -> None:
    kind = get_completion_class("bash")
    assert kind
    offered = kind(main, {}, NAME, VARIABLE)
    assert {item.value for item in offered.get_completions([], "")} == set(COMMANDS)
    assert "--dry-run" in {item.value for item in offered.get_completions(["import"], "--")}
