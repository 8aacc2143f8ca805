"""The mails that the present state would make, as if nobody had been told of anything yet; nothing is stored."""

import datetime as dt
from collections.abc import Sequence
from itertools import count
from zoneinfo import ZoneInfo

from reconciler.organisation import Organisation
from reconciler.reasons import Reason, Role, words
from reconciler.records import Flag, Mail, MailKind

DIGESTS = (MailKind.WEEKLY, MailKind.FORECAST)


def mails_now(organisation: Organisation, flags: Sequence[Flag], zone: str, now: dt.datetime) -> list[Mail]:
    """For every recipient of the organisation: alerts, one warning about all open flags, and the digests."""
    today, number = now.astimezone(ZoneInfo(zone)).date(), count(1)
    asked = {reason: organisation.team.asked(words(reason).roles, (), today) for reason in Reason}
    everybody = organisation.team.asked(tuple(Role), (), today)
    readers = organisation.team.asked((Role.ACCOUNTING, Role.GRANTS), (), today)
    made: list[Mail] = []

    def add(recipient: str, kind: MailKind, about: Sequence[Flag] = ()) -> None:
        others = {address for flag in about for address in asked[flag.reason]} - {recipient}
        made.append(
            Mail(
                mail_id=0,
                organisation=organisation.key,
                recipient=recipient,
                kind=kind,
                reason=about[0].reason if about else None,
                message_id=f"<preview-{next(number)}@billwatch.invalid>",
                owed_at=now,
                flags=tuple(about),
                also=tuple(sorted(others)),
            )
        )

    for recipient in everybody:
        mine = [flag for flag in flags if recipient in asked[flag.reason]]
        for alert in [flag for flag in mine if not flag.key]:
            add(recipient, MailKind.ALERT, [alert])
        if warnings := [flag for flag in mine if flag.key]:
            add(recipient, MailKind.WARNING, warnings)
        for kind in DIGESTS if recipient in readers else ():
            add(recipient, kind)
    return made
