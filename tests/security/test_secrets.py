"""No secret is in a log, an error, a repr, a page, a mail, an output or, unsealed, in the database: markers are planted
where secrets are kept, and everything that billwatch says is searched for them.
"""

import contextlib
import os
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
from click.testing import CliRunner
from databases import contents
from fort import HOOK, PASSWORD, Fort, event, sign
from letterbox import Letterbox
from world import KEY, config_text, until

from billwatch.cli import COMMANDS, main
from billwatch.config import load
from billwatch.sandbox import Sandbox
from billwatch.secret import KeyRing
from reconciler.xero.tokens import Seal
from storage import Ledger

pytestmark = pytest.mark.attack

MARKER = "MARKER-of-a-secret"


def tokens(ledger: Ledger, seal: Seal) -> list[str]:
    """Xero's tokens, as they are once they are opened."""
    opened = [msgspec.json.decode(seal.decrypt(ledger.tokens.get(name)[0])) for name in ledger.tokens.names()]
    assert opened
    return [value for one in opened for value in (one["access"], one["refresh"]) if value]


class TestRunning:
    """The daemon at work, in this process."""

    @pytest.fixture
    def secrets(self, fort: Fort, environ: dict[str, str]) -> list[str]:
        """Every secret of the fort: keys, client secret, passwords, tokens, and the hash of a password."""
        house = fort.world.house
        found = tokens(house.ledger, Seal(KeyRing(house.config.keys.encryption)))
        hashes = [user.password_hash for user in house.config.user]
        given = [environ["ENCRYPTION_KEY"], environ["LINK_KEY"], fort.world.xero.client_secret, PASSWORD]
        return [*found, *hashes, *given]

    def test_pages_mails_and_reprs_hold_none(self, fort, secrets):
        letter = fort.flagged("M-1")
        paths = ["/", "/milestones", "/milestones/example/M-1", "/exemptions", "/forecast", "/login", "/readyz"]
        said = [fort.ask("GET", path, user="ana").text for path in [*paths, f"/r/{letter.tokens[0]}"]]
        said += [letter.message.as_string() for letter in fort.letterbox.letters]
        house = fort.world.house
        parts = (
            house,
            house.config,
            house.connections,
            house.postman(),
            house.ledger,
            fort.daemon,
            fort.daemon.webhook,
        )
        said += [repr(part) + str(part) for part in (*parts, *house.config.user, *house.signing_keys())]
        said += [repr(vars(part)) for part in (fort.daemon.webhook, house.connections, house.desk)]
        holding = [each[:60] for each in said for secret in secrets if secret in each]
        assert holding == []

    def test_the_database_holds_tokens_sealed_and_links_hashed(self, fort, secrets):
        letter = fort.flagged("M-2")
        found = contents(fort.world.house.config.storage.url)
        assert letter.message["Message-ID"].encode() in found
        assert [secret for secret in [*secrets, *letter.tokens] if secret.encode() in found] == []

    @pytest.mark.file
    def test_the_database_is_for_its_owner_alone(self, fort):
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in fort.folder.glob("billwatch.db*")}
        assert {name: mode for name, mode in modes.items() if mode & 0o077 and not name.endswith("-lock")} == {}


class TestSaid:
    """The daemon and every command, as programs of their own, in good weather and bad."""

    @pytest.fixture
    def xero(self) -> Iterator[Sandbox]:
        with Sandbox() as sandbox:
            sandbox.limits(on=False)
            yield sandbox

    @pytest.fixture
    def home(self, tmp_path: Path, xero: Sandbox, new_database: Callable[..., str]) -> Iterator[Path]:
        """A configuration with a marker in each place, and a mail server that takes no login."""
        org = xero.organisation("Example Trust")
        with Letterbox() as letterbox, socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
            free.close()
            extra = f"""port = {port}
[mail]
host = "127.0.0.1"
port = {letterbox.port}
security = "none"
sender = "billwatch@example.org"
username = "somebody"
password = "env:MAIL_PASSWORD"
collect_seconds = 0
[[user]]
name = "ana"
password_hash = "scrypt$16$8$1${"M" * 22}${"K" * 43}"
"""
            text = config_text(xero, org.tenant_id, new_database(), extra=extra).replace("port = 0\n", "", 1)
            (tmp_path / "billwatch.toml").write_text(text)
            yield tmp_path

    @pytest.fixture
    def planted(self, xero: Sandbox, environ: dict[str, str]) -> dict[str, str]:
        names = ("WEBHOOK_KEY", "MAIL_PASSWORD")
        given = {name: f"{MARKER}-{name}" for name in names}
        return {**environ, **given, "CLIENT_SECRET": xero.client_secret, "PATH": os.environ["PATH"]}

    def serve(self, home: Path, planted: dict[str, str], xero: Sandbox) -> str:
        """All that the daemon logs while it is asked, attacked and failed; very talkative."""
        program = "from billwatch.cli import main; main()"
        command = [sys.executable, "-c", program, "--config", str(home / "billwatch.toml"), "serve", "--verbose"]
        config = load(home / "billwatch.toml", secrets=False)
        url = f"http://127.0.0.1:{config.server.port}"
        with (
            (home / "log").open("wb") as log,
            subprocess.Popen(command, env=planted, stderr=log, stdout=log) as process,  # noqa: S603  our own program
        ):
            try:
                until(lambda: process.poll() is not None or _answers(url))
                assert process.poll() is None, (home / "log").read_text()
                for body, signature in ((event(1), sign(event(1), planted["WEBHOOK_KEY"])), (event(2), b"no")):
                    httpx.post(url + HOOK, content=body, headers={"x-xero-signature": signature.decode()})
                httpx.post(f"{url}/login", data={"name": "ana", "password": f"{MARKER}-typed"})
                httpx.get(f"{url}/r/{MARKER}-token")
                for fault in ({"status": 401}, {"status": 500}, {"status": 403}, {"cut": "after"}):
                    xero.fault(**fault, times=2)
                with Ledger.open(config.storage.url) as ledger:
                    until(lambda: ledger.mirror.books(KEY).read_at)
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(20)
        return (home / "log").read_text()

    def test_no_log_line_output_or_error_holds_one(self, home, planted, xero):
        said = {"the daemon's log": self.serve(home, planted, xero)}
        runner = CliRunner(env=planted)
        ways = [[name] for name in ("status", "doctor", "keys", "connections", "forecast")]
        ways += [["status", "--json"], ["doctor", "--json"], ["explain", "M-1"], ["explain", MARKER], ["resync", "M-1"]]
        ways += [["reconcile", "--dry-run"], ["reconcile"], ["keys", "rotate"], ["backup", str(home / "copy.db")]]
        ways += [[name, "--help"] for name in COMMANDS]
        for words in ways:
            result = runner.invoke(main, ["--config", str(home / "billwatch.toml"), *words])
            assert "Traceback" not in result.output, words
            said[" ".join(words)] = result.output
        for broken in ("CLIENT_SECRET", "ENCRYPTION_KEY", "LINK_KEY", "MAIL_PASSWORD"):
            wrong = CliRunner(env={**planted, broken: f"{MARKER}-wrong"})
            for name in ("status", "doctor", "reconcile"):
                said[f"{name}, {broken} wrong"] = wrong.invoke(
                    main, ["--config", str(home / "billwatch.toml"), name]
                ).output
        secrets = {value for name, value in planted.items() if name != "PATH"} | {f"{MARKER}-wrong", f"{MARKER}-typed"}
        config = load(home / "billwatch.toml", environ=planted)
        with Ledger.open(config.storage.url) as ledger:
            secrets |= set(tokens(ledger, Seal(KeyRing(config.keys.encryption))))
        assert [(where, secret) for where, text in said.items() for secret in secrets if secret in text] == []
        assert f"{MARKER}-token" not in said["the daemon's log"]
        assert "xero_called" in said["the daemon's log"]

    def test_a_mistake_in_the_configuration_shows_no_secret(self, home, planted):
        path = home / "billwatch.toml"
        text = path.read_text()
        for broken in (
            text.replace('"env:MAIL_PASSWORD"', f'"{MARKER}"'),
            text.replace('["env:WEBHOOK_KEY"]', f'["{MARKER}"]'),
            text.replace('["env:LINK_KEY"]', f'"{MARKER}"'),
            re.sub(r'password_hash = "[^"]+"', f'password_hash = "{MARKER}"', text),
        ):
            path.write_text(broken)
            result = CliRunner(env=planted).invoke(main, ["--config", str(path), "status"])
            assert (result.exit_code, MARKER in result.output) == (2, False), result.output


@pytest.mark.file
def test_files_that_others_may_read_are_named_at_the_start(fort, capsys):
    path = fort.folder / "billwatch.db"
    path.chmod(0o644)
    try:
        assert fort.world.house.config.exposed() == [path]
    finally:
        path.chmod(0o600)
    assert fort.world.house.config.exposed() == []


def _answers(url: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"{url}/healthz").is_success
    return False
