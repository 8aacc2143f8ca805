"""What the doctor finds of this machine, and the command that shows it."""

import contextlib
import datetime as dt
import os
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import stamina
from click.testing import CliRunner

from billwatch.cli import main
from billwatch.config import Config
from billwatch.doctor import examine, machine
from billwatch.doctor.findings import Level
from billwatch.doctor.machine import Machine
from billwatch.sections import Watch
from storage.ledger import Ledger

IN_A_FILE = pytest.param("billwatch.db", marks=pytest.mark.file)


@pytest.fixture(autouse=True)
def _impatient() -> Iterator[None]:
    """Reads are tried three times all the same, without real waiting in between."""
    stamina.set_testing(True, attempts=3, cap=True)
    yield
    stamina.set_testing(False)


def wall() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def seen(config: Config, path: Path, check: str) -> tuple[str, str, str]:
    finding = machine.CHECKS[check](Machine(config, path, wall))
    return finding.level.value, finding.words, finding.mend


def test_a_secret_that_is_missing_fails(config: Config, configured: Path) -> None:
    (configured.parent / "secrets/client-secret").write_text("", encoding="utf-8")
    level, words, mend = seen(config, configured, "secrets")
    assert level == "failed"
    assert "client-secret is empty" in words
    assert mend


@pytest.mark.parametrize("name", ["secrets/link-key", "secrets/client-secret", IN_A_FILE])
@pytest.mark.skipif(os.name != "posix", reason="Windows keeps no such modes")
def test_files_that_others_may_read_fail_and_the_command_that_closes_them_is_told(
    config: Config, configured: Path, ledger: Ledger, name: str
) -> None:
    assert seen(config, configured, "files")[0] == "ok"
    place = configured.parent / name
    place.chmod(0o640)
    assert seen(config, configured, "files")[0] == "ok"
    place.chmod(0o644)
    assert seen(config, configured, "files") == (
        "failed",
        f"others on this machine may read {place}",
        f"chmod o= {place}",
    )


def test_who_watches_from_outside_is_reached_for_and_not_called(config: Config, configured: Path) -> None:
    assert seen(config, configured, "heartbeat")[0] == "ok"
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/ping/secret"
        watched = msgspec.structs.replace(config, watch=Watch(heartbeat_url=url))
        level, words, _ = seen(watched, configured, "heartbeat")
        caller, _ = server.accept()
        with caller:
            caller.settimeout(10)
            assert caller.recv(1) == b""
    assert (level, "secret" in words) == ("ok", False)
    level, words, mend = seen(watched, configured, "heartbeat")
    assert (level, "secret" in words, bool(mend)) == ("failed", False, True)


def test_a_database_is_opened(config: Config, configured: Path, ledger: Ledger) -> None:
    level, words, _ = seen(config, configured, "database")
    assert (level, words.partition(" opens")[2]) == ("ok", ", and its tables are up to date")


@pytest.mark.file
def test_a_file_that_is_no_database_fails(config: Config, configured: Path) -> None:
    assert "made at the first start" in seen(config, configured, "database")[1]
    (configured.parent / "billwatch.db").write_text("no database at all, but a letter to somebody", encoding="utf-8")
    level, words, mend = seen(config, configured, "database")
    assert (level, mend) == ("failed", "Check the place, its owner and its free space, then try again.")
    assert "cannot be used" in words


@pytest.mark.file
def test_a_database_of_a_newer_release_is_no_matter_of_disks(config: Config, configured: Path) -> None:
    Ledger.open(config.storage.place()).close()
    with contextlib.closing(sqlite3.connect(configured.parent / "billwatch.db")) as newer, newer:
        newer.execute("INSERT INTO schema_migration (name, applied) VALUES ('9999_later_breaking', '2030-01-01')")
    level, words, mend = seen(config, configured, "database")
    assert (level, "newer release" in words, mend.startswith("Install the release")) == ("failed", True, True)


def test_a_mail_server_that_cannot_be_reached_fails(config: Config, configured: Path) -> None:
    assert seen(config, configured, "mail")[0] == "warning"
    change = msgspec.structs.replace
    mail = change(config.mail, host="127.0.0.1", port=9, security="none", sender="b@example.org")
    level, words, mend = seen(change(config, mail=mail), configured, "mail")
    assert (level, mend) == ("failed", "Check [mail]: host, port, security, username and password.")
    assert "127.0.0.1:9" in words


def test_a_mail_password_that_is_not_there_ends_no_examination(configured: Path, config: Config) -> None:
    added = '[mail]\nhost = "127.0.0.1"\nusername = "me"\npassword = "env:NOWHERE"\nsender = "b@example.org"\n'
    text = configured.read_text(encoding="utf-8")
    configured.write_text(text.replace("[mail]\n", added), encoding="utf-8")
    rows = {row.check: row.finding for row in examine(configured, wall)}
    assert {name for name, finding in rows.items() if finding.level is Level.FAILED} == {"secrets", "mail"}
    assert "NOWHERE is not set" in rows["mail"].words


def test_a_role_without_anybody_is_named(config: Config, configured: Path) -> None:
    assert seen(config, configured, "people")[0] == "ok"
    change = msgspec.structs.replace
    nobody = change(config.organisation[0], people=change(config.organisation[0].people, accounting=()))
    level, words, _ = seen(change(config, organisation=(nobody,)), configured, "people")
    assert (level, words) == ("warning", "nobody is told: acme (accounting), acme (grants), acme (operator)")


def test_every_check_of_the_machine_is_tried_here() -> None:
    tried = {"secrets", "files", "database", "people", "mail", "public address", "webhooks", "heartbeat"}
    assert set(machine.CHECKS) == tried


def test_a_configuration_that_cannot_be_read_ends_the_examination(tmp_path: Path) -> None:
    (row,) = examine(tmp_path / "billwatch.toml", wall)
    assert (row.check, row.finding.level) == ("configuration", Level.FAILED)
    assert "billwatch init" in row.finding.words


def test_without_its_secrets_xero_is_not_asked(configured: Path) -> None:
    assert {row.about for row in examine(configured, wall)} == {"this machine"}


@pytest.fixture
def unreachable(config: Config, configured: Path) -> Path:
    """A configuration whose Xero does not answer."""
    text = configured.read_text(encoding="utf-8")
    for name in ("api_url", "identity_url"):
        text = text.replace(f'# {name} = "http://127.0.0.1:9900"', f'{name} = "http://127.0.0.1:9"')
    configured.write_text(text, encoding="utf-8")
    return configured


def test_an_organisation_that_cannot_be_read_is_one_failure(unreachable: Path) -> None:
    rows = [row for row in examine(unreachable, wall) if row.about == "acme"]
    assert [(row.check, row.finding.level) for row in rows] == [("connection", Level.FAILED)]
    assert "could not be reached" in rows[0].finding.words
    assert "api_url" in rows[0].finding.mend


def test_the_command_shows_every_check_and_fails_when_one_does(unreachable: Path) -> None:
    result = CliRunner().invoke(main, ["--config", str(unreachable), "doctor"])
    assert result.exit_code == 1
    assert result.stderr == "Error: 1 of 11 checks failed.\n"
    assert "\nacme:\n  failed   connection" in result.stdout
    assert result.stdout.endswith("\n9 ok · 1 warning · 1 failed\n")


def test_the_command_prints_json_for_machines(unreachable: Path) -> None:
    result = CliRunner().invoke(main, ["--config", str(unreachable), "doctor", "--json"])
    rows = msgspec.json.decode(result.stdout)
    assert {(row["about"], row["check"], row["level"]) for row in rows} >= {
        ("this machine", "secrets", "ok"),
        ("this machine", "mail", "warning"),
        ("acme", "connection", "failed"),
    }
    assert all(row["mend"] for row in rows if row["level"] != "ok")
