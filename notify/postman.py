"""Takes the mails that are owed to the mail server, one batch at a time."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import structlog

from notify.message import BadAddress, Letter, compose
from notify.ports import Facts, Ledger
from notify.render import PageLink, Rendered, render, render_digest
from notify.smtp import Connection, MailError, Server, Undeliverable, Unreachable
from reconciler.errors import BillwatchError
from reconciler.hours import wanted_at
from reconciler.model import Decision
from reconciler.organisation import Organisation
from reconciler.ports import Clock
from reconciler.reasons import Role, words
from reconciler.records import Mail, MailKind
from reconciler.tickets import page_token, token_hash

log = structlog.get_logger(__name__)

BATCH = 50
LEASE = dt.timedelta(minutes=10)
FIRST_WAIT = dt.timedelta(seconds=30)
LONGEST_WAIT = dt.timedelta(hours=1)


class Nothing(Exception):
    """There is nothing to tell any more."""


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
    address that mails come from. `link_days`: how long links work. `jitter`: a random number from 0 to 1. `facts`: what
    the digests tell.
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
    facts: Facts

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
        """The mail as it would be sent now; changes nothing. Raises `NotYet`, `Nothing` or `BadAddress`."""
        organisation = self.organisations.get(mail.organisation)
        if organisation is None:
            raise NotYet(f"The organisation {mail.organisation} is not in the configuration.")
        now = self.clock()
        try:
            rendered = self._rendered(mail, organisation, now)
        except (NotYet, Nothing, BillwatchError):
            raise
        except Exception as error:
            raise NotYet(f"It could not be written: {error!r}") from error
        return compose(mail, rendered, organisation, self.sender, now)

    def heir(self, mail: Mail, now: dt.datetime) -> tuple[str, dt.datetime]:
        """Who gets the mail in place of a recipient that is refused (empty: nobody), and from when on."""
        organisation = self.organisations[mail.organisation]
        zone, team = self.ledger.mirror.books(mail.organisation).zone, organisation.team
        shut = self.ledger.outbox.shut(now) | {mail.recipient}
        heir = team.next_to(mail.recipient, roles_of(mail), shut, now.astimezone(ZoneInfo(zone)).date())
        hurried = mail.kind is MailKind.ALERT or not heir
        return heir, now if hurried else wanted_at(team.person(heir), now, zone)

    def keep_ticket(self, mail: Mail) -> None:
        """Make the mail's link valid, before anybody can hold it."""
        link = self._link(mail)
        if not link.url or link.expires is None:
            return
        flag_ids = [flag.flag_id for flag in mail.flags]
        hashed = token_hash(self._token(mail))
        self.ledger.tickets.make(mail.mail_id, mail.recipient, flag_ids, hashed, self.clock(), link.expires)

    def _rendered(self, mail: Mail, organisation: Organisation, now: dt.datetime) -> Rendered:
        books = self.ledger.mirror.books(mail.organisation)
        if mail.kind is MailKind.WEEKLY:
            return render_digest(mail, self.facts.week(mail.organisation, mail.owed_at), organisation, books, now)
        if mail.kind is MailKind.FORECAST:
            outlook = self.facts.outlook(mail.organisation, now)
            if outlook.empty:
                raise Nothing
            return render_digest(mail, outlook, organisation, books, now)
        return render(mail, self._standing(mail), organisation, books, self._link(mail), now)

    def _standing(self, mail: Mail) -> list[Decision]:
        keys = {flag.key for flag in (*mail.flags, *mail.resolved) if flag.key}
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
        except Nothing:
            self._postman.ledger.outbox.dropped(mail.mail_id, self._postman.clock())
        except (Undeliverable, BadAddress) as error:
            self._refused(mail, error)
        except Unreachable as error:
            self._unreachable = error
            self._fail(mail, error)
        except (MailError, NotYet) as error:
            self._fail(mail, error)
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
        about = mail.reason.value if mail.reason else mail.kind.value
        log.info("mail.sent", mail=mail.mail_id, organisation=mail.organisation, reason=about)

    def _fail(self, mail: Mail, error: Exception) -> None:
        next_try_at = self._postman.clock() + backoff(mail.tries, self._postman.jitter())
        self._postman.ledger.outbox.failed(mail.mail_id, str(error), next_try_at)
        self.delivered.failed += 1
        log.warning("mail.put_off", mail=mail.mail_id, error=str(error))

    def _refused(self, mail: Mail, error: Exception) -> None:
        """The address is no good: whoever comes next gets the mail."""
        now = self._postman.clock()
        heir, send_after = self._postman.heir(mail, now)
        self._postman.ledger.outbox.refused(mail, str(error), heir, send_after, now)
        self.delivered.dropped += 1
        log.warning("mail.refused", mail=mail.mail_id, passed_on=bool(heir), error=str(error))


def backoff(tries: int, jitter: float) -> dt.timedelta:
    """How long to wait after so many earlier tries: up to 30 s doubled each time, at most an hour, fully jittered."""
    return min(LONGEST_WAIT, FIRST_WAIT * (1 << min(tries, 10))) * jitter


def roles_of(mail: Mail) -> tuple[Role, ...]:
    """The roles that the mail speaks to."""
    named = tuple(role for flag in (*mail.flags, *mail.resolved) for role in words(flag.reason).roles)
    return tuple(dict.fromkeys(named)) or (Role.ACCOUNTING, Role.GRANTS)


def _asks(mail: Mail) -> bool:
    """Whether there is anything to decide about the mail on a page."""
    return mail.kind is not MailKind.RESULT and any(words(flag.reason).choices for flag in mail.flags)
