"""The people of the configuration: whom an organisation tells, and how each of them wants to be told."""

import datetime as dt

from billwatch.complaints import Unfit
from billwatch.sections import Section
from billwatch.values import Address, AddressOrNone, Hours, NameOrNone, TimeOrNone
from reconciler.people import Away as KnownAway
from reconciler.people import Person as KnownPerson
from reconciler.people import Quiet
from reconciler.reasons import Role


class People(Section, frozen=True):
    """Who is told, by role. Without addresses of their own, grants and operator are the accounting people."""

    accounting: tuple[Address, ...] = ()
    grants: tuple[Address, ...] = ()
    operator: tuple[Address, ...] = ()

    def by_role(self) -> dict[Role, tuple[str, ...]]:
        """Whom each role's mail goes to."""
        return {
            Role.ACCOUNTING: self.accounting,
            Role.GRANTS: self.grants or self.accounting,
            Role.OPERATOR: self.operator or self.accounting,
        }


class Away(Section, frozen=True):
    """Up to and including which day somebody is away, and who gets their mail."""

    until: dt.date
    to: Address


class Person(Section, frozen=True):
    """How one address wants its mail, in every organisation that names it."""

    address: Address
    name: NameOrNone = ""
    second: AddressOrNone = ""
    quiet: Hours = ""
    weekends: bool = True
    digest: TimeOrNone = ""
    away: Away | None = None

    def __post_init__(self) -> None:
        if self.second == self.address:
            raise Unfit("second", "is the address itself, but must be somebody else's")
        if self.away and self.away.to == self.address:
            raise Unfit("away.to", "is the address itself, but must be somebody else's")
        if self.quiet and len(set(self.quiet.split("-"))) == 1:
            raise Unfit("quiet", f'is "{self.quiet}", but must end at another time than it begins')

    def facts(self) -> KnownPerson:
        """The person as the reconciler knows them."""
        start, _, end = self.quiet.partition("-")
        return KnownPerson(
            address=self.address,
            name=self.name,
            second=self.second,
            away=KnownAway(self.away.until, self.away.to) if self.away else None,
            quiet=Quiet(dt.time.fromisoformat(start), dt.time.fromisoformat(end)) if self.quiet else None,
            weekends=self.weekends,
            digest=dt.time.fromisoformat(self.digest) if self.digest else None,
        )
