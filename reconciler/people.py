"""Who is asked: an organisation's people by role, who stands in for whom, and who comes next. Pure."""

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from reconciler.reasons import Role


@dataclass(frozen=True, slots=True)
class Away:
    """Somebody is away up to and including a day; another address gets their mail meanwhile."""

    until: dt.date
    to: str


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours of the wall clock in which somebody wants no mail, from `start` up to `end`; over midnight if need be."""

    start: dt.time
    end: dt.time


@dataclass(frozen=True, slots=True)
class Person:
    """How one address wants its mail.

    `second` is whom it is passed on to when nothing happens, or when the address is refused. `digest` is the hour of
    the wall clock at which everything comes at once. Without `weekends` nothing comes on Saturdays and Sundays.
    """

    address: str
    name: str = ""
    second: str = ""
    away: Away | None = None
    quiet: Quiet | None = None
    weekends: bool = True
    digest: dt.time | None = None


@dataclass(frozen=True)
class Team:
    """The people of one organisation: addresses by role, and what is known of some of them.

    Where `shut` is asked for, it holds the addresses that the mail server refuses; `today` is the organisation's day.
    """

    roles: Mapping[Role, tuple[str, ...]] = field(default_factory=dict)
    persons: tuple[Person, ...] = ()

    def person(self, address: str) -> Person:
        """What is known of the address."""
        return next((each for each in self.persons if each.address == address), Person(address))

    def stand_in(self, address: str, today: dt.date) -> str:
        """Who reads the mail of that address today: itself, or whoever stands in, and for them in turn."""
        seen: list[str] = []
        while address not in seen:
            seen.append(address)
            away = self.person(address).away
            if away and today <= away.until:
                address = away.to
        # All of a circle are away: then the first of them might as well be asked.
        return seen[0] if len(seen) > 1 and self._is_away(address, today) else address

    def asked(self, roles: Collection[Role], shut: Collection[str], today: dt.date) -> tuple[str, ...]:
        """Whom to mail for these roles today, each once: stand-ins for the absent, and for the unreachable the next."""
        addresses = [address for role in roles for address in self.roles.get(role, ())]
        reached = (self._reached(address, roles, shut, today) for address in addresses)
        return tuple(dict.fromkeys(reached))

    def next_to(self, address: str, roles: Collection[Role], shut: Collection[str], today: dt.date) -> str:
        """Who is asked in place of an address that is refused.

        Their second, then the others of these roles, then the operators; empty when nobody else can be reached.
        """
        for other in self._others(address, roles):
            reader = self.stand_in(other, today)
            if reader != address and reader not in shut:
                return reader
        return ""

    def second(self, address: str, shut: Collection[str], today: dt.date) -> str:
        """To whom a flag is passed on that this address has left open; empty when nobody is named or reachable."""
        other = self.person(address).second
        reader = self.stand_in(other, today) if other else ""
        return "" if reader in shut or reader == address else reader

    def reply_to(self, recipient: str) -> Person | None:
        """The person with whom the recipient would talk it over: the first of the other team."""
        order = (Role.GRANTS, Role.ACCOUNTING, Role.OPERATOR)
        for role in order:
            addresses = self.roles.get(role, ())
            if addresses and recipient not in addresses:
                return self.person(addresses[0])
        return None

    def _reached(self, address: str, roles: Collection[Role], shut: Collection[str], today: dt.date) -> str:
        reader = self.stand_in(address, today)
        return (self.next_to(reader, roles, shut, today) or reader) if reader in shut else reader

    def _others(self, address: str, roles: Collection[Role]) -> Iterator[str]:
        if second := self.person(address).second:
            yield second
        mine = [role for role in roles if address in self.roles.get(role, ())] or list(roles)
        for role in dict.fromkeys((*mine, *roles, Role.OPERATOR)):
            yield from self.roles.get(role, ())

    def _is_away(self, address: str, today: dt.date) -> bool:
        away = self.person(address).away
        return away is not None and today <= away.until
