"""Takes the mails that are owed to the mail server, one batch at a time."""

import datetime as dt
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import structlog

from notify.message import BadAddress
from notify.smtp import Connection, MailError, Server, Undeliverable, Unreachable
from notify.writer import Nothing, NotYet, Writer
from reconciler.hours import wanted_at
from reconciler.reasons import Role, words
from reconciler.records import Mail, MailKind

log = structlog.get_logger(__name__)

BATCH = 50
LEASE = dt.timedelta(minutes=10)
FIRST_WAIT = dt.timedelta(seconds=30)
LONGEST_WAIT = dt.timedelta(hours=1)


@dataclass(slots=True)
class Delivered:
    """What became of a batch: accepted by the server, put off, given up."""

    sent: int = 0
    failed: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Postman:
    """Delivers what the ledger says is owed. `jitter`: a random number from 0 to 1."""

    writer: Writer
    server: Server
    jitter: Callable[[], float]

    def deliver(self) -> Delivered:
        """Claim, write and send one batch of mails that are due.

        1. Claim mails. What is not begun within half of the lease is left to the end of it, so that nobody else
           can send the same mail meanwhile.
        2. For each: write it, keep its ticket, send it, and mark it sent as soon as the server has accepted it.
           A crash in between repeats the mail with the same Message-ID and the same link.
        3. What fails is put off on its own; once the server cannot be reached, so is the rest of the batch.
        """
        began = self.writer.clock()
        mails = self.writer.ledger.outbox.claim(began, BATCH, LEASE)
        with ExitStack() as stack:
            round_ = _Round(self, stack)
            for mail in mails:
                if self.writer.clock() - began < LEASE / 2:
                    round_.handle(mail)
        return round_.delivered

    def heir(self, mail: Mail, now: dt.datetime) -> tuple[str, dt.datetime]:
        """Who gets the mail in place of a recipient that is refused (empty: nobody), and from when on."""
        organisation = self.writer.organisations[mail.organisation]
        zone, team = self.writer.ledger.mirror.books(mail.organisation).zone, organisation.team
        shut = self.writer.ledger.outbox.shut(now) | {mail.recipient}
        heir = team.next_to(mail.recipient, roles_of(mail), shut, now.astimezone(ZoneInfo(zone)).date())
        hurried = mail.kind is MailKind.ALERT or not heir
        return heir, now if hurried else wanted_at(team.person(heir), now, zone)


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
            self._postman.writer.ledger.outbox.dropped(mail.mail_id, self._postman.writer.clock())
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
        letter = self._postman.writer.letter(mail)
        connection = self._connect()
        self._postman.writer.keep_ticket(mail)
        connection.send(letter.message, mail.recipient)

    def _connect(self) -> Connection:
        if self._connection is None:
            self._connection = self._stack.enter_context(self._postman.server.connected())
        return self._connection

    def _sent(self, mail: Mail) -> None:
        self._postman.writer.ledger.outbox.sent(mail.mail_id, self._postman.writer.clock())
        self.delivered.sent += 1
        about = mail.reason.value if mail.reason else mail.kind.value
        log.info("mail.sent", mail=mail.mail_id, organisation=mail.organisation, reason=about)

    def _fail(self, mail: Mail, error: Exception) -> None:
        now = self._postman.writer.clock()
        next_try_at = now + backoff(mail.tries, self._postman.jitter())
        self._postman.writer.ledger.outbox.failed(mail.mail_id, str(error), next_try_at, now)
        self.delivered.failed += 1
        log.warning("mail.put_off", mail=mail.mail_id, error=str(error))

    def _refused(self, mail: Mail, error: Exception) -> None:
        """The address is no good: whoever comes next gets the mail."""
        now = self._postman.writer.clock()
        heir, send_after = self._postman.heir(mail, now)
        self._postman.writer.ledger.outbox.refused(mail, str(error), heir, send_after, now)
        self.delivered.dropped += 1
        log.warning("mail.refused", mail=mail.mail_id, passed_on=bool(heir), error=str(error))


def backoff(tries: int, jitter: float) -> dt.timedelta:
    """How long to wait after so many earlier tries: up to 30 s doubled each time, at most an hour, fully jittered."""
    return min(LONGEST_WAIT, FIRST_WAIT * (1 << min(tries, 10))) * jitter


def roles_of(mail: Mail) -> tuple[Role, ...]:
    """The roles that the mail speaks to."""
    named = tuple(role for flag in (*mail.flags, *mail.resolved) for role in words(flag.reason).roles)
    return tuple(dict.fromkeys(named)) or (Role.ACCOUNTING, Role.GRANTS)
