"""One organisation with its people, on a real database and a real mail server, and what came to them."""

import datetime as dt
from collections.abc import Sequence
from email.message import EmailMessage

from mail_doubles import Clock, Inbox, MailServer
from mail_samples import BOOKS, MILESTONE, ORGANISATION
from msgspec.structs import replace

from billwatch.almanac import Almanac
from notify.diary import Diary
from notify.postman import Postman
from notify.smtp import Security, Server
from notify.writer import Writer
from reconciler.hours import Waits, Weekly
from reconciler.milestone_port import Notice
from reconciler.model import Decision, Link, Sifted, Verdict
from reconciler.notice import make_notice
from reconciler.people import Person
from reconciler.reasons import Action, Reason, Role
from reconciler.records import Flag
from reconciler.reminding import Patience
from storage.ledger import Ledger

ANA, BEN, GRANTS, OPS = "ana@example.org", "ben@example.org", "grants@example.org", "ops@example.org"
PEOPLE = {Role.ACCOUNTING: (ANA,), Role.GRANTS: (GRANTS,), Role.OPERATOR: (OPS,)}
LOCK = dt.date(2026, 6, 30)
CAUSES = (Reason.PERIOD_LOCKED, Reason.BILL_MISSING, Reason.CONTACT_ARCHIVED, Reason.REFUSED, Reason.LOCK_LIFTED)
SECONDS, HOUR, DAY = dt.timedelta(seconds=30), dt.timedelta(hours=1), dt.timedelta(days=1)
WAITS = Waits(SECONDS, more=HOUR, resolved=15 * SECONDS)


class Office:
    """One organisation, its database, its people and a mail server; `reopen` starts billwatch anew."""

    def __init__(self, database: str, clock: Clock, server: MailServer, inbox: Inbox) -> None:
        self.database, self.clock, self.inbox = database, clock, inbox
        self.server = Server("127.0.0.1", server.port, Security.NONE, timeout=5)
        self.organisation = replace(ORGANISATION, people=PEOPLE, reply_to="")
        self.weekly: Weekly | None = None
        self.ledger = self._open()
        self.ledger.mirror.store_books("example", BOOKS)

    def _open(self) -> Ledger:
        return Ledger.open(self.database, mail_domain="mail.example.org")

    def reopen(self) -> None:
        self.ledger.close()
        self.ledger = self._open()

    def known(self, *persons: Person, **changes: object) -> None:
        """Change the settings."""
        self.organisation = replace(self.organisation, persons=persons, **changes)  # type: ignore[arg-type]

    def notice(self) -> Notice:
        now = self.clock()
        return make_notice(self.organisation, BOOKS.zone, self.ledger.outbox.shut(now), WAITS, now)

    def decide(self, keys: Sequence[str], reason: Reason, action: Action = Action.FLAG) -> tuple[Flag, ...]:
        """Put milestones if they are new, and decide them so."""
        known = {one.milestone.key for one in self.ledger.overview.listing("example", 1_000)}
        new = [replace(MILESTONE, key=key, payee=f"Payee {key}", due_date=None) for key in keys if key not in known]
        self.ledger.milestones.put(new, self.clock())
        lock = {"lock": LOCK, "proposed": LOCK + DAY} if reason is Reason.PERIOD_LOCKED else {}
        verdict = Verdict(action, reason, Link(), **lock)
        cases = self.ledger.milestones.gather("example", list(keys), 31)
        decisions = [Decision(case, replace(verdict, link=case.link)) for case in cases]
        return self.keep(decisions)

    def keep(self, decisions: Sequence[Decision]) -> tuple[Flag, ...]:
        """Keep decisions made on the books as they are; the flags that were opened."""
        sifted = Sifted(news=tuple(decisions), books=self.ledger.mirror.books("example").version)
        return self.ledger.milestones.keep("example", sifted, self.notice(), self.clock()).opened

    def clear(self, keys: Sequence[str]) -> None:
        self.decide(keys, Reason.AWAITING_APPROVAL, Action.SKIP)

    def lose_connection(self) -> None:
        verdict = Verdict(Action.HOLD, Reason.CONNECTION_LOST, Link(), message="refused")
        self.ledger.milestones.raise_alert("example", verdict, self.notice(), self.clock())

    def connect(self) -> None:
        self.ledger.milestones.clear_alerts("example", [], self.notice(), self.clock())

    def writer(self) -> Writer:
        organisations = {"example": self.organisation}
        almanac = Almanac(self.ledger, organisations, 3, 7)
        page, sender = "https://billwatch.example.org", "billwatch@example.org"
        return Writer(self.ledger, organisations, ["key"], page, sender, self.clock, 30, almanac)

    def deliver(self) -> list[EmailMessage]:
        """Half a minute later, whatever is owed by then; started anew before and after. The mails that came in."""
        before = len(self.inbox.messages)
        self.clock.now += SECONDS
        for _ in range(2):
            self.reopen()
            self.diary().look()
            self.reopen()
            Postman(self.writer(), self.server, lambda: 1.0).deliver()
        return self.inbox.messages[before:]

    def diary(self) -> Diary:
        patience = Patience(3 * DAY, 7 * DAY)
        return Diary(self.ledger, {"example": self.organisation}, self.clock, patience, self.weekly, 3)


def keys(count: int, start: int = 0) -> list[str]:
    return [f"M-{number:04}" for number in range(start, start + count)]


def text(message: EmailMessage) -> str:
    return str(message.get_body(("plain",)).get_content())  # type: ignore[union-attr]


def html(message: EmailMessage) -> str:
    return str(message.get_body(("html",)).get_content())  # type: ignore[union-attr]


def subjects(messages: Sequence[EmailMessage]) -> list[tuple[str, str]]:
    return [(str(message["To"]), str(message["Subject"])) for message in messages]
