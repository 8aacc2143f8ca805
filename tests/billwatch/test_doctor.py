"""Every check of the doctor, when all is well and when it is not."""

import datetime as dt
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
import stamina
from click.testing import CliRunner

from billwatch.cli import main
from billwatch.config import Config, load
from billwatch.doctor import books, examine, machine
from billwatch.doctor.books import Visit
from billwatch.doctor.findings import Level
from billwatch.doctor.machine import Machine
from reconciler.organisation import Books
from reconciler.xero.connections import Look
from reconciler.xero.settings import SCOPES
from reconciler.xero.shapes import Tenant
from storage.ledger import Ledger

TENANT = "45e4708e-d862-4111-ab3a-dd8cd03913e1"
NOW = dt.datetime(2026, 7, 9, 10, 0, tzinfo=dt.UTC)
BOOKS = Books(
    organisation_id="o-1",
    name="Acme",
    currency="NZD",
    accounts=frozenset({"450", "480"}),
    taxes=frozenset({"NONE", "INPUT2"}),
    currencies=frozenset({"NZD", "EUR"}),
    tracking=frozenset({("Region", "North")}),
)
Change = Callable[[Visit], Visit]


@pytest.fixture(autouse=True)
def _impatient() -> Iterator[None]:
    """Reads are tried three times all the same, without real waiting in between."""
    stamina.set_testing(True, attempts=3, cap=True)
    yield
    stamina.set_testing(False)


def wall() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@pytest.fixture
def config(configured: Path) -> Config:
    (configured.parent / "secrets/client-secret").write_text("there", encoding="utf-8")
    return load(configured)


@pytest.fixture
def visit(config: Config) -> Visit:
    """A visit on which nothing is wrong."""
    look = Look((Tenant("c-1", TENANT, "ORGANISATION", "Acme"),), frozenset(SCOPES), dt.timedelta(seconds=1))
    return Visit(config.organisation[0], config.connection("acme"), look, Books(), BOOKS, 4_000, 100)


def settings(**changes: Any) -> Change:
    return lambda visit: replace(visit, settings=msgspec.structs.replace(visit.settings, **changes))


def policy(**changes: Any) -> Change:
    def change(visit: Visit) -> Visit:
        return settings(policy=msgspec.structs.replace(visit.settings.policy, **changes))(visit)

    return change


def look(**changes: Any) -> Change:
    return lambda visit: replace(visit, look=replace(visit.look, **changes))


def found(**changes: Any) -> Change:
    return lambda visit: replace(visit, books=replace(visit.books, **changes))


def both(*changes: Change) -> Change:
    def change(visit: Visit) -> Visit:
        for each in changes:
            visit = each(visit)
        return visit

    return change


def by_consent(visit: Visit) -> Visit:
    return replace(visit, connection=replace(visit.connection, grant="refresh_token"))


FAULTS: list[tuple[str, Change, str, str, str]] = [
    (
        "organisation",
        lambda v: replace(v, before=Books(organisation_id="o-0", name="Acme 2")),
        "failed",
        "leads to “Acme” instead of “Acme 2”",
        "Connect “Acme 2” again.",
    ),
    (
        "organisation",
        settings(tenant_id=TENANT.replace("4", "5")),
        "failed",
        "is not among those connected",
        "Run billwatch connect --organisation acme.",
    ),
    (
        "scopes",
        look(scopes=frozenset(SCOPES[1:])),
        "failed",
        "not granted: accounting.invoices",
        "Tick them for the custom connection",
    ),
    (
        "scopes",
        both(by_consent, look(scopes=frozenset(SCOPES[:1]))),
        "failed",
        "not granted: accounting.settings.read, accounting.contacts.read",
        "Run billwatch connect --organisation acme.",
    ),
    ("scopes", look(scopes=None), "warning", "does not say what it allows", "Nothing, unless"),
    ("clock", look(ahead=dt.timedelta(minutes=6)), "failed", "is 360 s ahead of Xero's", "Set the clock"),
    ("clock", look(ahead=dt.timedelta(seconds=-40)), "warning", "is 40 s behind Xero's", "NTP"),
    (
        "rights",
        both(settings(bill_status="authorised"), found(may_approve=False)),
        "failed",
        "may not approve them",
        'bill_status = "submitted"',
    ),
    ("rights", policy(adviser_may_post=True), "warning", "whoever connected is no adviser", "Let an adviser connect"),
    ("account", settings(account="999"), "failed", 'account "999" cannot be used', "Xero has: 450, 480"),
    ("account", settings(account=""), "warning", "no account is set", "Set account"),
    ("tax", settings(tax="OUTPUT9"), "failed", 'tax "OUTPUT9" cannot be used', "Xero has: INPUT2, NONE"),
    ("currency", settings(currency="JPY"), "failed", 'currency "JPY" cannot be used', "Xero has: EUR, NZD"),
    ("tracking", settings(tracking={"Region": "Nroth"}), "failed", "not in Xero: Region: Nroth", "Make it under"),
    (
        "calls left",
        lambda v: replace(v, day_left=100),
        "warning",
        "100 calls are left today, so only",
        "every 24 hours",
    ),
]


@pytest.mark.parametrize(("check", "change", "level", "said", "mend"), FAULTS)
def test_a_fault_of_an_organisation_is_found_and_its_mend_stands_beside_it(
    visit: Visit, check: str, change: Change, level: str, said: str, mend: str
) -> None:
    finding = books.CHECKS[check](change(visit))
    assert finding.level == level
    assert said in finding.words
    assert mend in finding.mend


@pytest.mark.parametrize(("check", "change", "level", "said", "mend"), FAULTS)
def test_a_fault_of_an_organisation_is_found_by_its_own_check_alone(
    visit: Visit, check: str, change: Change, level: str, said: str, mend: str
) -> None:
    assert [name for name, finding in books.examine(change(visit)) if finding.level is not Level.OK] == [check]


def test_every_check_of_an_organisation_can_find_something() -> None:
    assert {fault[0] for fault in FAULTS} == set(books.CHECKS)


@pytest.mark.parametrize(
    "change",
    [
        look(ahead=None),
        look(scopes=frozenset({"accounting.invoices", "accounting.settings", "accounting.contacts"})),
        settings(tracking={"Region": "North"}, tax="NONE", currency="EUR"),
        both(policy(adviser_may_post=True), found(adviser=True)),
        lambda v: replace(v, day_left=None),
        lambda v: replace(v, before=BOOKS),
    ],
)
def test_what_is_well_is_not_complained_about(visit: Visit, change: Change) -> None:
    assert {finding.level for _, finding in books.examine(change(visit))} == {Level.OK}


def test_a_long_list_of_what_xero_has_is_cut(visit: Visit) -> None:
    many = found(accounts=frozenset(str(code) for code in range(500, 600)))
    finding = books.account(many(visit))
    assert finding.mend.endswith("518, 519, …")


class Door:
    """A web server on a free port that answers as it is told, by method and by whether the signature is right."""

    def __init__(self, answers: Mapping[str, tuple[int, bytes]]) -> None:
        self.asked: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self, answers))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.port = self._server.server_port

    def __enter__(self) -> "Door":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _handler(door: Door, answers: Mapping[str, tuple[int, bytes]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(self.path)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            door.asked.append(self.headers["x-xero-signature"])
            self.answer("right" if len(door.asked) == 1 else "wrong")

        def answer(self, what: str) -> None:
            status, body = answers.get(what, (404, b""))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    return Handler


HEALTHY = {"/healthz": (200, b"ok\n"), "right": (200, b""), "wrong": (401, b"")}


def seen(config: Config, path: Path, check: str) -> tuple[str, str, str]:
    finding = machine.CHECKS[check](Machine(config, path, wall))
    return finding.level.value, finding.words, finding.mend


def at(config: Config, url: str, *, port: int = 1, keys: bool = True) -> Config:
    """With that public address and local port, and a signing key for webhooks."""
    change = msgspec.structs.replace
    hooks = config.keys.links if keys else ()
    server = change(config.server, public_url=url, port=port)
    return change(config, server=server, xero=change(config.xero, webhook_keys=hooks))


def test_a_public_address_that_leads_here_is_well_but_for_the_missing_encryption(
    config: Config, configured: Path
) -> None:
    with Door(HEALTHY) as door:
        level, words, mend = seen(at(config, door.url), configured, "public address")
    assert (level, words) == ("warning", f"{door.url} leads here without encryption")
    assert "https only" in mend


def test_a_public_address_that_leads_elsewhere_fails_while_billwatch_runs(config: Config, configured: Path) -> None:
    with Door(HEALTHY) as here, Door({"/healthz": (200, b"Welcome to nginx")}) as elsewhere:
        level, words, mend = seen(at(config, elsewhere.url, port=here.port), configured, "public address")
    assert (level, words) == ("failed", f"{elsewhere.url} does not lead to billwatch")
    assert mend == f"Let your web server hand it on to {here.url}."


def test_a_public_address_is_not_judged_while_billwatch_does_not_run(config: Config, configured: Path) -> None:
    level, words, mend = seen(at(config, "http://127.0.0.1:9"), configured, "public address")
    assert (level, mend) == ("warning", "Run billwatch serve, then billwatch doctor again.")
    assert "was not tested" in words


def test_without_a_public_address_there_is_nothing_to_test(config: Config, configured: Path) -> None:
    assert seen(config, configured, "public address")[0] == "ok"
    assert seen(config, configured, "webhooks") == (
        "ok",
        "none are set up; a sweep every 15 minutes finds changes",
        "",
    )


def test_a_signed_webhook_comes_through_and_a_wrongly_signed_one_does_not(config: Config, configured: Path) -> None:
    with Door(HEALTHY) as door:
        level, words, _ = seen(at(config, door.url), configured, "webhooks")
    assert (level, words) == ("ok", f"{door.url}/webhooks/xero takes what is signed and turns away what is not")
    assert len(set(door.asked)) == 2


@pytest.mark.parametrize(
    ("answers", "level", "said", "mend"),
    [
        ({**HEALTHY, "right": (401, b"")}, "failed", "signed with our key is turned away", "Restart billwatch serve"),
        ({**HEALTHY, "wrong": (200, b"")}, "failed", "answers 200 and 200 instead", "hand POST requests on unchanged"),
        ({"/healthz": (200, b"ok")}, "failed", "answers 404 and 404 instead", "hand POST requests on unchanged"),
        ({}, "warning", "the public address does not answer", "Run billwatch serve"),
    ],
)
def test_what_keeps_webhooks_out_is_found(
    config: Config, configured: Path, answers: dict[str, tuple[int, bytes]], level: str, said: str, mend: str
) -> None:
    with Door(answers) as door:
        found_level, words, found_mend = seen(at(config, door.url), configured, "webhooks")
    assert found_level == level
    assert said in words
    assert mend in found_mend


def test_a_signing_key_without_a_public_address_is_of_no_use(config: Config, configured: Path) -> None:
    level, _, mend = seen(at(config, ""), configured, "webhooks")
    assert (level, mend) == ("warning", "Set public_url under [server].")


def test_a_secret_that_is_missing_fails(config: Config, configured: Path) -> None:
    (configured.parent / "secrets/client-secret").write_text("", encoding="utf-8")
    level, words, mend = seen(config, configured, "secrets")
    assert level == "failed"
    assert "client-secret is empty" in words
    assert mend


@pytest.mark.parametrize("name", ["secrets/link-key", "secrets/client-secret", "billwatch.db"])
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


def test_a_database_is_opened(config: Config, configured: Path) -> None:
    assert "made at the first start" in seen(config, configured, "database")[1]
    (configured.parent / "billwatch.db").write_text("no database at all, but a letter to somebody", encoding="utf-8")
    level, words, mend = seen(config, configured, "database")
    assert (level, mend) == ("failed", "Check the place, its owner and its free space, then try again.")
    assert "cannot be used" in words


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
    assert set(machine.CHECKS) == {"secrets", "files", "database", "people", "mail", "public address", "webhooks"}


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
    assert result.stderr == "Error: 1 of 9 checks failed.\n"
    assert "\nacme:\n  failed   connection" in result.stdout
    assert result.stdout.endswith("\n7 ok · 1 warning · 1 failed\n")


def test_the_command_prints_json_for_machines(unreachable: Path) -> None:
    result = CliRunner().invoke(main, ["--config", str(unreachable), "doctor", "--json"])
    rows = msgspec.json.decode(result.stdout)
    assert {(row["about"], row["check"], row["level"]) for row in rows} >= {
        ("this machine", "secrets", "ok"),
        ("this machine", "mail", "warning"),
        ("acme", "connection", "failed"),
    }
    assert all(row["mend"] for row in rows if row["level"] != "ok")
