"""To whom a flag is mailed, and when: the people's own wishes put together with the facts of the moment. Pure."""

import datetime as dt
from collections.abc import Collection
from zoneinfo import ZoneInfo

from reconciler.hours import Waits, wanted_at
from reconciler.milestone_port import Notice
from reconciler.organisation import Organisation
from reconciler.reasons import Action, Reason, Role, words


def make_notice(organisation: Organisation, zone: str, shut: Collection[str], waits: Waits, now: dt.datetime) -> Notice:
    """The notice for what happens now; `shut` are the addresses that the mail server refuses."""
    team, today = organisation.team, now.astimezone(ZoneInfo(zone)).date()

    def wanted(address: str, reason: Reason, ready: dt.datetime) -> dt.datetime:
        return ready if urgent(organisation, address, reason) else wanted_at(team.person(address), ready, zone)

    return Notice(
        recipients=lambda reason: team.asked(words(reason).roles, shut, today),
        send_after=now + waits.first,
        wanted=wanted,
        more=waits.more,
        resolved=waits.resolved,
    )


def urgent(organisation: Organisation, address: str, reason: Reason) -> bool:
    """Whether the address is told at any hour: an operator of what stops the whole organisation."""
    return words(reason).action is Action.HOLD and address in organisation.people.get(Role.OPERATOR, ())
