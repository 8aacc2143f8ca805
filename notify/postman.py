"""Takes the mails that are owed to the mail server, one batch at a time."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import structlog

from notify.message import BadAddress, Letter, compose
from notify.ports import Ledger
from notify.render import PageLink, render
from notify.smtp import Connection, MailError, Server, Undeliverable, Unreachable
from reconciler.model import Decision
from reconciler.organisation import Organisation
from reconciler.ports import Clock
from reconciler.reasons import words
from reconciler.records import Mail, MailKind
from reconciler.tickets import page_token, token_hash

log = structlog.get_logger(__name__)

BATCH = 50
LEASE = dt.timedelta(minutes=10)
FIRST_WAIT = dt.timedelta(seconds=30)
LONGEST_WAIT = dt.timedelta(hours=1)


class NotYet(Exception):
    """A mail cannot be written on what is known now; the text says what is missing."""


@dataclass(slots=True)
class Delivered:
    """What became of a batch: accepted by the server, put off, given up."""

    sent: int = 0
    failed: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Postman:
    """Delivers what the ledger says is owed.

    `link_keys`: newest first. `public_url`: where the pages are, empty when there are none. `sender`: the bare
    address that mails come from. `link_days`: how long links work. `jitter`: a random number from 0 to 1.
    """

    ledger: Ledger
    organisations: Mapping[str, Organisation]
    server: Server
    link_keys: Sequence[str] = field(repr=False)
    public_url: str
    sender: str
    clock: Clock
    link_days: int
    jitter: Callable[[], float]

    def deliver(self) -> Delivered:
        """Claim, write and send one batch of mails that are due.

        1. Claim mails. What is not begun within half of the lease is left to the end of it, so that nobody else
           can send the same mail meanwhile.
        2. For each: write it, keep its ticket, send it, and mark it sent as soon as the server has accepted it.
           A crash in between repeats the mail with the same Message-ID and the same link.
        3. What fails is put off on its own; once the server cannot be reached, so is the rest of the batch.
        """
        began = self.clock()
        mails = self.ledger.outbox.claim(began, BATCH, LEASE)
        with ExitStack() as stack:
            round_ = _Round(self, stack)
            for mail in mails:
                if self.clock() - began < LEASE / 2:
                    round_.handle(mail)
        return round_.delivered

    def letter(self, mail: Mail) -> Letter:
        """The mail as it would be sent now; changes nothing. Raises `NotYet` or `BadAddress`."""
        organisation = self.organisations.get(mail.organisation)
        if organisation is None:
            raise NotYet(f"The organisation {mail.organisation} is not in the configuration.")
        now = self.clock()
        books = self.ledger.mirror.books(mail.organisation)
        standing = self._standing(mail)
        try:
            rendered = render(mail, standing, organisation, books, self._link(mail), now)
        except Exception as error:
            raise NotYet(f"It could not be written: {error!r}") from error
        return compose(mail, rendered, organisation, self.sender, now)

    def keep_ticket(self, mail: Mail) -> None:
        """Make the mail's link valid, before anybody can hold it."""
        link = self._link(mail)
        if not link.url or link.expires is None:
            return
        flag_ids = [flag.flag_id for flag in mail.flags]
        hashed = token_hash(self._token(mail))
        self.ledger.tickets.make(mail.mail_id, mail.recipient, flag_ids, hashed, self.clock(), link.expires)

    def _standing(self, mail: Mail) -> list[Decision]:
        keys = {flag.key for flag in mail.flags if flag.key}
        standing = self.ledger.milestones.standing(mail.organisation, keys) if keys else []
        if missing := keys - {decision.case.milestone.key for decision in standing}:
            raise NotYet(f"How {min(missing)} stands is not decided yet.")
        return standing

    def _link(self, mail: Mail) -> PageLink:
        if not self.public_url or not _asks(mail):
            return PageLink()
        expires = mail.owed_at + dt.timedelta(days=self.link_days)
        return PageLink(f"{self.public_url.rstrip('/')}/r/{self._token(mail)}", expires)

    def _token(self, mail: Mail) -> str:
        return page_token(self.link_keys[0], mail.message_id, mail.recipient)


class _Round:
    """One batch: a connection opened when the first mail needs it, and the tally."""

    def __init__(self, postman: Postman, stack: ExitStack) -> None:
        self.delivered = Delivered()
        self._postman = postman
        self._stack = stack
        self._connection: Connection | None = None
        self._unreachable: Unreachable | None = None

    def handle(self, mail: Mail) -> None:
        """Deliver one mail, or put it off."""
        try:
            self._send(mail)
        except (Undeliverable, BadAddress) as error:
            self._fail(mail, error, lasting=True)
        except Unreachable as error:
            self._unreachable = error
            self._fail(mail, error, lasting=False)
        except (MailError, NotYet) as error:
            self._fail(mail, error, lasting=False)
        else:
            self._sent(mail)

    def _send(self, mail: Mail) -> None:
        if self._unreachable:
            raise self._unreachable
        letter = self._postman.letter(mail)
        connection = self._connect()
        self._postman.keep_ticket(mail)
        connection.send(letter.message, mail.recipient)

    def _connect(self) -> Connection:
        if self._connection is None:
            self._connection = self._stack.enter_context(self._postman.server.connected())
        return self._connection

    def _sent(self, mail: Mail) -> None:
        self._postman.ledger.outbox.sent(mail.mail_id, self._postman.clock())
        self.delivered.sent += 1
        log.info("mail.sent", mail=mail.mail_id, organisation=mail.organisation, reason=mail.reason.value)

    def _fail(self, mail: Mail, error: Exception, *, lasting: bool) -> None:
        now = self._postman.clock()
        next_try_at = None if lasting else now + backoff(mail.tries, self._postman.jitter())
        self._postman.ledger.outbox.failed(mail.mail_id, str(error), next_try_at)
        if lasting:
            self.delivered.dropped += 1
        else:
            self.delivered.failed += 1
        log.warning("mail.dropped" if lasting else "mail.put_off", mail=mail.mail_id, error=str(error))


def backoff(tries: int, jitter: float) -> dt.timedelta:
    """How long to wait after so many earlier tries: up to 30 s doubled each time, at most an hour, fully jittered."""
    return min(LONGEST_WAIT, FIRST_WAIT * (1 << min(tries, 10))) * jitter


def _asks(mail: Mail) -> bool:
    """Whether there is anything to decide about the mail on a page."""
    return mail.kind is not MailKind.RESULT and any(words(flag.reason).choices for flag in mail.flags)
