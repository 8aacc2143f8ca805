"""Mails owed: claimed for a while, sent, passed on where they were refused, or owed no longer."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from peewee import fn

from reconciler.milestone_port import Notice
from reconciler.reasons import Reason
from reconciler.records import Bounce, Choice, Flag, Mail, MailKind
from storage.database import Store
from storage.flags import Flags
from storage.mailing import Mailing
from storage.models import DirtyRow, FlagRow
from storage.queues import BounceRow, MailFlagRow, MailRow, StateRow
from storage.shapes import values

ORDER = (MailRow.send_after, MailRow.id)
UNDECIDED = dt.timedelta(minutes=10)
SHUT = dt.timedelta(days=7)
SILENCING = (Reason.CONNECTION_LOST, Reason.WRONG_ORGANISATION)
AT_ALL_TIMES = (MailKind.ALERT, MailKind.RESULT, MailKind.WATCH)
ROUNDS = (MailKind.WEEKLY, MailKind.FORECAST, MailKind.WATCH)
BOUNCED = values(BounceRow.select(BounceRow.address, BounceRow.at, BounceRow.said).order_by(BounceRow.at.desc()))


class Outbox:
    """`notify.ports.Outbox` on tables."""

    def __init__(self, store: Store, mail_domain: str) -> None:
        self._store = store
        self._flags = Flags(store, mail_domain)
        self._mailing = Mailing(store)

    def claim(self, now: dt.datetime, limit: int, lease: dt.timedelta) -> list[Mail]:
        """Mails whose time has come, claimed for the length of the lease: nobody else gets them until it ends.

        A result waits until its milestones were decided on the choice, for ten minutes at the most. While an
        organisation is not connected, nothing of its milestones is mailed but results. A claimed mail collects no more
        flags, and one that has nothing to tell any more is dropped. `tries` counts earlier claims.
        """
        claimed: list[Mail] = []
        while len(claimed) < limit and (rows := self._take(now, limit - len(claimed), now + lease)):
            with self._store.read():
                found = self._mailing.mails(rows)
            telling = [mail for mail in found if _tells(mail)]
            claimed += telling
            with self._store.write():
                self._update([mail.mail_id for mail in found if mail not in telling], _drop(now))
        return claimed

    def owed(self, organisation: str) -> list[Mail]:
        """What is owed as it would be written now, whether or not its time has come; changes nothing."""
        mine = (MailRow.organisation == organisation) & (MailRow.done == False)  # noqa: E712  an expression of SQL
        with self._store.read():
            found = self._mailing.mails(self._store.rows(MailRow.select().where(mine).order_by(*ORDER)))
        return [mail for mail in found if _tells(mail)]

    def sent(self, mail_id: int, now: dt.datetime) -> None:
        """The server has accepted the mail, and with it the address."""
        with self._store.write():
            self._update([mail_id], {"done": True, "sent_at": now, "error": ""})
            reached = MailRow.select(MailRow.recipient).where(MailRow.id == mail_id)
            self._store.run(BounceRow.delete().where(BounceRow.address.in_(reached)))

    def failed(self, mail_id: int, error: str, next_try_at: dt.datetime, now: dt.datetime) -> None:
        """It has not; try again then."""
        since = fn.COALESCE(MailRow.failing_since, MailRow.failing_since.db_value(now))
        again = {"send_after": next_try_at, "claimed_until": next_try_at}
        with self._store.write():
            self._update([mail_id], {"error": error, "failing_since": since, **again})

    def failing_since(self) -> dict[str, dt.datetime]:
        """By organisation, since when the server has not taken the mail that it refuses for longest."""
        failing = (MailRow.done == False) & MailRow.failing_since.is_null(is_null=False)  # noqa: E712  SQL
        oldest = fn.MIN(MailRow.failing_since)
        query = MailRow.select(MailRow.organisation, oldest).where(failing).group_by(MailRow.organisation)
        return self._store.pairs(query)

    def dropped(self, mail_id: int, now: dt.datetime) -> None:
        """There is nothing to tell any more."""
        with self._store.write():
            self._update([mail_id], _drop(now))

    def refused(self, mail: Mail, said: str, heir: str, send_after: dt.datetime, now: dt.datetime) -> None:
        """The server has refused the recipient for good: remember it, and owe the mail to the heir, if there is one.

        Nothing is owed twice: what the heir was told or is owed already is left out.
        """
        with self._store.write():
            self._update([mail.mail_id], (_drop(now) if heir else {"done": True}) | {"error": said})
            self._remember(mail.recipient, said, now)
            if heir:
                self._pass_on(mail, heir, send_after, now)

    def bounced(self) -> list[Bounce]:
        """The addresses that the server refused for good and has not taken a mail for since, newest first."""
        return [Bounce(*row) for row in self._store.ask(BOUNCED)]

    def shut(self, now: dt.datetime) -> frozenset[str]:
        """The addresses that were refused within the last seven days; after that, they are tried again."""
        return frozenset(bounce.address for bounce in self.bounced() if bounce.at > now - SHUT)

    def reached(self, address: str) -> None:
        """A mail to that address was accepted."""
        with self._store.write():
            self._store.run(BounceRow.delete().where(BounceRow.address == address))

    def bounce(self, address: str, said: str, now: dt.datetime) -> None:
        """A mail to that address was refused for good."""
        with self._store.write():
            self._remember(address, said, now)

    def owe_result(self, organisation: str, flags: Sequence[Flag], choice: Choice, notice: Notice) -> None:
        """Owe a mail about a choice to all who were warned of these flags, and to whoever `notice` names."""
        if not flags:
            return
        reason = flags[0].reason
        with self._store.write():
            warned = self._flags.told([flag.flag_id for flag in flags])
            for recipient in dict.fromkeys([*warned, *notice.recipients(reason)]):
                mail = _row(organisation, recipient, MailKind.RESULT, reason) | {"choice": choice}
                self._owe(mail, flags, notice.wanted(recipient, reason, notice.send_after), choice.at)

    def owe_again(self, organisation: str, recipient: str, flags: Sequence[Flag], notice: Notice) -> None:
        """Owe one recipient a fresh warning, with a link of its own, about flags that are still open."""
        mail = _row(organisation, recipient, MailKind.WARNING, flags[0].reason)
        with self._store.write():
            self._owe(mail, flags, notice.send_after, notice.send_after)

    def owe_round(
        self,
        name: str,
        round_: str,
        organisation: str,
        kind: MailKind,
        recipients: Mapping[str, dt.datetime],
        now: dt.datetime,
    ) -> bool:
        """Owe a mail that comes round by itself, to each recipient at their time; `False` when this round was owed.

        `round_` names the round, and `name` what goes round; only the round owed last is remembered.
        """
        with self._store.write():
            other = (StateRow.name == name) & (StateRow.value != round_)
            new = StateRow.insert(name=name, value=round_).on_conflict_ignore().as_rowcount()
            if not self._store.run(StateRow.update(value=round_).where(other)) and not self._store.run(new):
                return False
            for recipient, send_after in recipients.items():
                self._flags.owe(_row(organisation, recipient, kind), send_after, now)
        return True

    def _take(self, now: dt.datetime, limit: int, until: dt.datetime) -> list[dict[str, Any]]:
        with self._store.write():
            rows = self._store.rows(MailRow.select().where(_due(now)).order_by(*ORDER).limit(limit))
            self._update([row["id"] for row in rows], {"claimed_until": until, "tries": MailRow.tries + 1})
        return rows

    def _update(self, mail_ids: Sequence[int], changes: dict[str, Any]) -> None:
        if mail_ids:
            owed = MailRow.id.in_(list(mail_ids)) & (MailRow.done == False)  # noqa: E712  an expression of SQL
            self._store.run(MailRow.update(**changes).where(owed))

    def _owe(self, mail: dict[str, Any], flags: Sequence[Flag], send_after: dt.datetime, now: dt.datetime) -> None:
        mail_id = self._flags.owe(mail, send_after, now)
        rows = [{"mail": mail_id, "flag": flag.flag_id} for flag in flags]
        self._store.insert(MailFlagRow, rows)

    def _remember(self, address: str, said: str, now: dt.datetime) -> None:
        row = BounceRow.insert(address=address, at=now, said=said)
        self._store.run(row.on_conflict(conflict_target=["address"], update={"at": now, "said": said}).as_rowcount())

    def _pass_on(self, mail: Mail, heir: str, send_after: dt.datetime, now: dt.datetime) -> None:
        row = _row(mail.organisation, heir, mail.kind, mail.reason) | {"choice": mail.choice}
        if mail.kind in ROUNDS:
            if not self._store.row(_copies(mail, heir).limit(1)):
                self._flags.owe(row, send_after, mail.owed_at)
        elif mail.kind is MailKind.RESULT:
            known = self._mailing.of([flag.flag_id for flag in mail.flags], heir, results=True)
            new = [flag for flag in mail.flags if flag.flag_id not in known]
            if new:
                self._owe(row, new, send_after, mail.owed_at)
        else:
            known = self._mailing.of([flag.flag_id for flag in mail.flags], heir)
            if new := [flag for flag in mail.flags if flag.flag_id not in known]:
                self._flags.tell(new, heir, mail.kind, send_after, now)


def _row(organisation: str, recipient: str, kind: MailKind, reason: Reason | None = None) -> dict[str, Any]:
    return {"organisation": organisation, "recipient": recipient, "kind": kind, "reason": reason}


def _drop(now: dt.datetime) -> dict[str, Any]:
    return {"done": True, "dropped_at": now}


def _tells(mail: Mail) -> bool:
    """Whether there is anything to tell: a report always, a warning or alert while flags are open or newly closed."""
    return mail.kind in (MailKind.RESULT, *ROUNDS) or bool(mail.flags or mail.resolved)


def _copies(mail: Mail, recipient: str) -> Any:
    same = (MailRow.organisation == mail.organisation) & (MailRow.kind == mail.kind)
    return MailRow.select(MailRow.id).where(same & (MailRow.recipient == recipient) & (MailRow.owed_at == mail.owed_at))


def _due(now: dt.datetime) -> Any:
    free = MailRow.claimed_until.is_null() | (MailRow.claimed_until <= now)
    owed = (MailRow.done == False) & (MailRow.send_after <= now)  # noqa: E712  an expression of SQL
    decided = (MailRow.kind != MailKind.RESULT) | (MailRow.owed_at <= now - UNDECIDED) | MailRow.id.not_in(_undecided())
    heard = MailRow.kind.in_(AT_ALL_TIMES) | MailRow.organisation.not_in(_silenced())
    return owed & free & decided & heard


def _silenced() -> Any:
    """Organisations that are not connected: what was last read of their bills may not be so any more."""
    lost = (FlagRow.key == "") & FlagRow.closed_at.is_null() & FlagRow.reason.in_(SILENCING)
    return FlagRow.select(FlagRow.organisation).where(lost)


def _undecided() -> Any:
    """Mails about milestones that are due to be decided."""
    same = (DirtyRow.organisation == FlagRow.organisation) & (DirtyRow.key == FlagRow.key)
    return (
        MailFlagRow.select(MailFlagRow.mail).join(FlagRow, on=(MailFlagRow.flag == FlagRow.id)).join(DirtyRow, on=same)
    )
