"""What is offered for deploying names commands, roles and paths that there are."""

import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from billwatch.cli import main
from billwatch.daemon import Role
from receiver.body import BodyLimits
from receiver.webhook import PATH

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted(DEPLOY.glob("systemd/*.service"))
COMPOSE: Any = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
NGINX = sorted(DEPLOY.glob("nginx*.conf"))


def _given(words: list[str]) -> None:
    context = click.Context(main)
    _, rest, _ = main.make_parser(context).parse_args(words)
    command = main.get_command(context, rest[0])
    assert command is not None
    command.make_context(rest[0], rest[1:])


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_starts_a_command_that_there_is(unit: Path) -> None:
    (start,) = [line for line in unit.read_text().splitlines() if line.startswith("ExecStart=")]
    for role in Role:
        _given(shlex.split(start.partition("/bin/billwatch")[2].replace("%i", role)))


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_leaves_little_to_attack(unit: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=yes", "--threshold=20", str(unit)]
    assert subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0  # noqa: S603


def test_every_service_of_ours_has_a_role_and_more_than_one_replica() -> None:
    ours = [each for each in COMPOSE["services"].values() if each["image"] == "billwatch"]
    for service in ours:
        _given(service["command"])
        assert service["deploy"]["replicas"] == 2
    assert {service["command"][2] for service in ours} == {Role.RECEIVER, Role.RECONCILER}


@pytest.mark.parametrize("conf", NGINX, ids=lambda conf: conf.name)
def test_the_proxy_takes_what_we_take_and_answers_before_xero_gives_up(conf: Path) -> None:
    text = conf.read_text()
    assert f"location = {PATH} {{" in text
    assert "proxy_read_timeout 4s;" in text
    (size,) = [line.split()[1] for line in text.splitlines() if "client_max_body_size" in line]
    assert int(size.removesuffix("m;")) * 1024 * 1024 >= BodyLimits().size
