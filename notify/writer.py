"""Writes the mails that are owed, each with its link."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from notify.message import Letter, compose
from notify.ports import Facts, Ledger
from notify.render import PageLink, Rendered, render, render_digest
from reconciler.errors import BillwatchError
from reconciler.model import Decision
from reconciler.organisation import Organisation
from reconciler.ports import Clock
from reconciler.reasons import words
from reconciler.records import Mail, MailKind
from reconciler.tickets import page_token, token_hash


class Nothing(Exception):
    """There is nothing to tell any more."""


class NotYet(Exception):
    """A mail cannot be written on what is known now; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Writer:
    """Puts mails into words on what is known now.

    `link_keys`: newest first. `public_url`: where the pages are, empty when there are none. `sender`: the bare
    address that mails come from. `link_days`: how long links work. `facts`: what the digests tell.
    """

    ledger: Ledger
    organisations: Mapping[str, Organisation]
    link_keys: Sequence[str] = field(repr=False)
    public_url: str
    sender: str
    clock: Clock
    link_days: int
    facts: Facts

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
        if mail.kind is MailKind.WATCH:
            watched = self.facts.watched(mail.organisation)
            if not watched.signs:
                raise Nothing
            return render_digest(mail, watched, organisation, books, now)
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


def _asks(mail: Mail) -> bool:
    """Whether there is anything to decide about the mail on a page."""
    return mail.kind is not MailKind.RESULT and any(words(flag.reason).choices for flag in mail.flags)
