"""The postman and the real ledger: from a flag that opens to a mail with a link that is found again."""

import datetime as dt
import re
from collections.abc import Callable, Iterator

import pytest
from mail_doubles import Clock, Facts, Inbox, MailServer
from mail_samples import BOOKS, LOCK, MILESTONE, NAMES, NOW, ORGANISATION, choice
from msgspec.structs import replace

from notify.postman import Delivered, Postman
from notify.smtp import Security, Server
from notify.writer import Writer
from reconciler.milestone_port import Notice
from reconciler.model import Decision, Link, Sifted, Verdict
from reconciler.reasons import Action, Choose, Reason
from reconciler.records import Flag
from reconciler.tickets import token_hash
from storage import Ledger

TO = "accounts@example.org"
NOTICE = Notice(lambda _: (TO,), NOW)
FLAGGED = Verdict(Action.FLAG, Reason.PERIOD_LOCKED, Link(), **LOCK)


@pytest.fixture
def ledger(new_database: Callable[..., str]) -> Iterator[Ledger]:
    with Ledger.open(new_database()) as ledger:
        ledger.mirror.store_books("example", BOOKS)
        yield ledger


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def postman(ledger: Ledger, clock: Clock, mail_server: Callable[..., MailServer]) -> Postman:
    server = Server("127.0.0.1", mail_server().port, Security.NONE, timeout=5)
    page, sender = "https://billwatch.example.org", "billwatch@example.org"
    writer = Writer(ledger, {"example": ORGANISATION}, ["key"], page, sender, clock, 30, Facts())
    return Postman(writer, server, lambda: 1.0)


def flagged(ledger: Ledger, verdict: Verdict = FLAGGED) -> tuple[Flag, ...]:
    milestones = [replace(MILESTONE, key=f"M-{n}", payee=payee) for n, (payee, _) in enumerate(NAMES[:3])]
    ledger.milestones.put(milestones, NOW)
    cases = ledger.milestones.gather("example", [each.key for each in milestones], 31)
    news = tuple(Decision(case, verdict) for case in cases)
    sifted = Sifted(news=news, books=ledger.mirror.books("example").version)
    return ledger.milestones.keep("example", sifted, NOTICE, NOW).opened


def test_flags_of_one_cause_make_one_mail_whose_link_leads_back_to_them(
    ledger: Ledger, postman: Postman, inbox: Inbox
) -> None:
    opened = flagged(ledger)
    assert postman.deliver() == Delivered(sent=1)
    assert postman.deliver() == Delivered()
    (message,) = inbox.messages
    assert message["Subject"] == "3 bills blocked by the lock to 30 June 2026 (NZ$45,000.00)"
    found = re.search(r"/r/(\S+)", message.get_body(("plain",)).get_content())  # type: ignore[union-attr]
    assert found is not None
    ticket = ledger.tickets.find(token_hash(found.group(1)))
    assert ticket is not None
    assert (ticket.address, len(ticket.flags)) == (TO, len(opened))
    assert ticket.expires_at == NOW + dt.timedelta(days=30)


def test_flags_that_closed_before_the_mail_left_are_not_mailed(ledger: Ledger, postman: Postman, inbox: Inbox) -> None:
    flagged(ledger)
    flagged(ledger, Verdict(Action.SKIP, Reason.NOT_DUE, Link()))
    assert postman.deliver() == Delivered()
    assert inbox.messages == []


def test_a_refused_mail_comes_back_when_its_time_has_come(
    ledger: Ledger, postman: Postman, inbox: Inbox, clock: Clock
) -> None:
    flagged(ledger)
    inbox.refuse_recipient[TO] = "450 busy"
    assert postman.deliver() == Delivered(failed=1)
    inbox.refuse_recipient.clear()
    assert postman.deliver() == Delivered()
    clock.move(seconds=30)
    assert postman.deliver() == Delivered(sent=1)


def test_the_result_goes_to_those_who_were_warned(ledger: Ledger, postman: Postman, inbox: Inbox) -> None:
    opened = flagged(ledger)
    postman.deliver()
    ledger.outbox.owe_result("example", opened[:1], choice(Choose.EXEMPT, reason="Paid by hand"), NOTICE)
    assert postman.deliver() == Delivered(sent=1)
    assert inbox.messages[1]["Subject"] == "Example Choir M-0: Kim Example decided: exempt it"
