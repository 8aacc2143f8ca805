"""The platform's guide, followed to the letter: each of its commands works as it stands."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from calling import Caller
from world import KEY

from receiver.api.problems import KINDS
from receiver.dashboard.states import State
from reconciler.progress import What

GUIDE = (Path(__file__).parents[2] / "docs" / "platform.md").read_text(encoding="utf-8")
SHELL = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def table(heading: str) -> list[list[str]]:
    """The rows of the first table under a heading."""
    told = GUIDE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in re.findall(r"^\|.*\|$", told, re.MULTILINE)]
    return rows[2:]


def shell(caller: Caller, script: str) -> list[Any]:
    """What the commands answer, one after the other."""
    text = script.replace("example-trust", KEY)
    env = {"BILLWATCH": str(caller.client.base_url), "KEY": caller.client.headers["authorization"].split()[1]}
    done = subprocess.run(  # noqa: S603  the guide is ours
        ["/bin/bash", "-euc", text], env=env | {"PATH": "/usr/bin:/bin"}, capture_output=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    decoder, told, answers = json.JSONDecoder(), done.stdout.decode().strip(), []
    while told:
        answer, end = decoder.raw_decode(told)
        answers, told = [*answers, answer], told[end:].strip()
    return answers


def test_every_command_of_the_guide_does_what_it_says(caller: Caller) -> None:
    first, *others = SHELL.findall(GUIDE)
    organisations, put, _ = shell(caller, first)
    assert [each["key"] for each in organisations["items"]] == [KEY]
    assert (put["version"], put["undecided"]) == (1, True)
    caller.world.turn()
    caller.world.org.approve("M-0412")
    caller.world.sweep()
    assert caller.get("M-0412")["reason"] == "APPROVED"
    many, preview, listed, acted, changes = (shell(caller, script) for script in others)
    assert [each["outcome"] for each in many[0]["items"]] == ["new", "rejected"]
    assert preview[0]["warns"]
    assert listed == [{"items": [], "next": None}]
    assert [each["reason"] for each in acted[1:]] == ["EXEMPT_WITH_BILL", "APPROVED"]
    assert "milestone.billed" in [each["type"] for each in changes[0]["items"]]


def test_the_guide_names_all_that_there_is() -> None:
    assert [row[0].strip("`") for row in table("What became known")] == [each.value for each in What]
    states = ", ".join(f"`{state}`" for state in State)
    assert table("Words that stay")[0] == ["`state`", states]
    kinds = {row[0]: row[1].strip("`") for row in table("Keys, limits and problems")}
    assert kinds == {str(status): name for status, (name, _) in KINDS.items()}
