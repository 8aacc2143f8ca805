"""`billwatch mail`: the mails of today as files, and one mail to try the way."""

import base64
import os
import secrets
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner, Result
from mail_doubles import Inbox, MailServer
from mail_samples import BOOKS, MILESTONE, NOW
from msgspec.structs import replace

from billwatch.cli import main
from reconciler.milestone_port import Notice
from reconciler.model import Decision, Link, Sifted, Verdict
from reconciler.reasons import Action, Reason
from storage.ledger import Ledger

CONFIG = """
[storage]
url = "{database}"
[keys]
encryption = ["env:BILLWATCH_TEST_KEY"]
links = ["env:BILLWATCH_TEST_LINK"]
[mail]
host = "{host}"
port = {port}
security = "none"
sender = "billwatch@example.org"
[[organisation]]
key = "example"
name = "Example Trust"
client_id = "app"
client_secret = "env:BILLWATCH_TEST_LINK"
lock_day = 14
[organisation.people]
accounting = ["ana@example.org"]
grants = ["grants@example.org"]
operator = ["ops@example.org"]
"""


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("BILLWATCH_TEST_KEY", base64.urlsafe_b64encode(os.urandom(32)).decode())
    monkeypatch.setenv("BILLWATCH_TEST_LINK", secrets.token_urlsafe(32))
    yield
    structlog.reset_defaults()


@pytest.fixture
def database(new_database: Callable[..., str]) -> str:
    return new_database()


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    with Ledger.open(database) as ledger:
        ledger.mirror.store_books("example", BOOKS)
        yield ledger


@pytest.fixture
def run(tmp_path: Path, database: str, mail_server: Callable[..., MailServer]) -> Callable[..., Result]:
    port = mail_server().port

    def run(*arguments: str, host: str = "127.0.0.1") -> Result:
        path = tmp_path / "billwatch.toml"
        path.write_text(CONFIG.format(port=port, host=host, database=database), encoding="utf-8")
        return CliRunner().invoke(main, ["--config", str(path), "mail", *arguments])

    return run


def flagged(ledger: Ledger) -> None:
    ledger.milestones.put([replace(MILESTONE, key=key) for key in ("M-1", "M-2")], NOW)
    cases = ledger.milestones.gather("example", ["M-1", "M-2"], 31)
    verdict = Verdict(Action.FLAG, Reason.BILL_MISSING, Link())
    news = tuple(Decision(case, verdict) for case in cases)
    sifted = Sifted(news=news, books=ledger.mirror.books("example").version)
    ledger.milestones.keep("example", sifted, Notice(lambda _: (), NOW), NOW)
    lost = Verdict(Action.HOLD, Reason.CONNECTION_LOST, Link())
    ledger.milestones.raise_alert("example", lost, Notice(lambda _: (), NOW), NOW)


def test_a_preview_writes_the_mails_of_the_present_state_and_sends_none(
    ledger: Ledger, run: Callable[..., Result], tmp_path: Path, inbox: Inbox
) -> None:
    flagged(ledger)
    folder = tmp_path / "looked-at"
    done = run("preview", "--to", str(folder))
    assert done.exit_code == 0, done.output
    assert "Nothing was sent, and their links lead nowhere." in done.output
    assert {path.suffix for path in folder.iterdir()} == {".txt", ".html", ".eml"}
    mails = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in folder.glob("*.eml")]
    assert {(str(mail["To"]), str(mail["Subject"]).partition(";")[0]) for mail in mails} == {
        ("ana@example.org", "2 bills not found in Xero: bill again? (NZ$30,000.00)"),
        ("ana@example.org", "This week: 2 to decide"),
        ("grants@example.org", "This week: 2 to decide"),
        ("ops@example.org", "Example Trust: connection to Xero lost, nothing is synced"),
    }
    assert inbox.messages == []
    assert ledger.overview.health().mails_owed == 0


def test_a_preview_of_nothing_but_the_week_is_short(ledger: Ledger, run: Callable[..., Result], tmp_path: Path) -> None:
    assert ledger.alive()
    done = run("preview", "--to", str(tmp_path / "looked-at"))
    assert done.output.splitlines()[-1].startswith("2 mails written to")


def test_a_trial_tells_what_the_server_said_and_opens_an_address_again(
    ledger: Ledger, run: Callable[..., Result], inbox: Inbox
) -> None:
    inbox.refuse_recipient["ana@example.org"] = "550 5.1.1 no such user"
    done = run("test", "ana@example.org")
    assert done.exit_code == 1
    assert "refused the mail: 550 5.1.1 no such user" in done.output
    assert [bounce.address for bounce in ledger.outbox.bounced()] == ["ana@example.org"]
    inbox.refuse_recipient.clear()
    done = run("test", "ana@example.org")
    assert "accepted a mail to ana@example.org: 250 OK" in done.output
    assert ledger.outbox.bounced() == []
    (mail,) = inbox.messages
    assert (mail["To"], mail["Auto-Submitted"]) == ("ana@example.org", "auto-generated")


@pytest.mark.parametrize(
    ("address", "host", "sentence"),
    [
        ("not an address", "127.0.0.1", "“not an address” is not a mail address."),
        ("a@x.org\nBcc: b@x.org", "127.0.0.1", "is not a mail address."),
        ("ana@example.org", "", "There is no mail server in the configuration: set host and sender in [mail]."),
    ],
)
def test_a_trial_that_cannot_be_made_is_one_sentence(
    ledger: Ledger, run: Callable[..., Result], address: str, host: str, sentence: str
) -> None:
    assert ledger.alive()
    done = run("test", address, host=host)
    assert done.exit_code == 1
    assert sentence in done.output
    assert "Traceback" not in done.output
