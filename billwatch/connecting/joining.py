"""From a consent to connected organisations: tried out first, and kept only if it leads where the books came from."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from msgspec.structs import replace

from billwatch.config import Config
from billwatch.connecting.consent import Consent
from billwatch.secret import KeyRing
from billwatch.wiring import tenant
from reconciler.errors import InputError, WrongOrganisation
from reconciler.organisation import Books
from reconciler.ports import Clock
from reconciler.reading import connected
from reconciler.xero.connections import Connection, Connections, Tenant
from reconciler.xero.limits import for_person
from storage import Ledger


class Scratch:
    """A token store that lasts as long as a trial (the Protocol `reconciler.xero.tokens.TokenStore`)."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[bytes, int]] = {}

    def get(self, name: str) -> tuple[bytes, int] | None:
        """The blob of this connection and its version."""
        return self.kept.get(name)

    def put(self, name: str, blob: bytes, version: int) -> bool:
        """Keep the blob if its version is still this one."""
        if self.kept.get(name, (b"", 0))[1] != version:
            return False
        self.kept[name] = (blob, version + 1)
        return True

    def alone(self, _name: str) -> AbstractContextManager[None]:
        """Nobody shares it."""
        return nullcontext()


@dataclass(frozen=True, slots=True)
class Joined:
    """A configured organisation and the one in Xero that it leads to."""

    key: str
    tenant_id: str
    books: Books


@dataclass(frozen=True, slots=True)
class Found:
    """What a consent led to, by organisation: connected; configured, but not let in; configured without saying which
    one is meant; let in, but not configured.
    """

    joined: tuple[Joined, ...] = ()
    left_out: tuple[str, ...] = ()
    unnamed: tuple[str, ...] = ()
    unknown: tuple[Tenant, ...] = ()

    @property
    def useful(self) -> bool:
        """Whether anything that is configured can work with it."""
        return bool(self.joined or self.unnamed)


class Joining:
    """Tries connections out, and keeps their tokens when they lead to the right organisations.

    Every method may raise `reconciler.errors.XeroError`; then nothing has changed.
    """

    def __init__(self, config: Config, ledger: Ledger, clock: Clock) -> None:
        self._config, self._ledger, self._clock = config, ledger, clock

    def by_consent(self, consent: Consent, code: str) -> Found:
        """Redeem the code, see where it leads, and keep it if that is where it led before.

        Raises WrongOrganisation when an organisation would get other books than those it had.
        """

        def redeemed(trial: Connections) -> Found:
            trial.tokens(consent.connection).redeem(code, consent.redirect_uri, consent.verifier)
            return self._sorted(trial, consent.connection)

        return self._kept(consent.connection, redeemed)

    def by_credentials(self, key: str) -> Found:
        """Prove that a custom connection works, and see where it leads. Raises WrongOrganisation as above."""
        connection = self._config.connection(key)

        def proved(trial: Connections) -> Found:
            only = self._only(trial, connection)
            return Found((self._joined(trial, key, only),))

        found = self._kept(connection, proved)
        self._ledger.state.put(tenant(connection.client_id), found.joined[0].tenant_id)
        return found

    def _kept(self, connection: Connection, attempt: Callable[[Connections], Found]) -> Found:
        """What the attempt finds with tokens of its own, which become the connection's if it is of use."""
        scratch, keys = Scratch(), KeyRing(self._config.keys.encryption)
        with for_person(), Connections(scratch, keys, self._clock, budgets=self._ledger.budgets) as trial:
            found = attempt(trial)
        if found.useful:
            self._adopt(connection.kept_as, scratch.kept[connection.kept_as][0])
        for each in found.joined:
            self._ledger.state.put(connected(each.key), self._clock().isoformat())
        return found

    def _adopt(self, name: str, blob: bytes) -> None:
        """A person's consent counts, whatever refresh is under way meanwhile."""
        tokens = self._ledger.tokens
        while not tokens.put(name, blob, (tokens.get(name) or (b"", 0))[1]):
            continue

    def _sorted(self, trial: Connections, connection: Connection) -> Found:
        tenants = {one.tenant_id: one for one in trial.tenants(connection)}
        ours = {o.key: o.tenant_id.lower() for o in self._config.organisation if self._shares(o.key, connection)}
        known = {o.tenant_id.lower() for o in self._config.organisation}
        return Found(
            joined=tuple(self._joined(trial, key, tenants[told]) for key, told in ours.items() if told in tenants),
            left_out=tuple(key for key, told in ours.items() if told and told not in tenants),
            unnamed=tuple(key for key, told in ours.items() if not told),
            unknown=tuple(one for one in tenants.values() if one.tenant_id not in known),
        )

    def _shares(self, key: str, connection: Connection) -> bool:
        return self._config.connection(key).name == connection.name

    def _only(self, trial: Connections, connection: Connection) -> Tenant:
        """The organisation behind a custom connection; of several, the one that the configuration names."""
        tenants = trial.tenants(connection)
        meant = [one for one in tenants if connection.tenant_id in ("", one.tenant_id)]
        if len(meant) != 1:
            raise InputError(_not_the_one(connection, tenants))
        return meant[0]

    def _joined(self, trial: Connections, key: str, one: Tenant) -> Joined:
        organisation = next(o for o in self._config.organisations() if o.key == key)
        client = trial.client(self._config.connection(key), replace(organisation, tenant_id=one.tenant_id))
        before, now = self._ledger.mirror.books(key), client.read_organisation(Books())
        if before.organisation_id and now.organisation_id != before.organisation_id:
            raise WrongOrganisation(
                f"{key} was connected to “{before.name}” before, and this leads to “{now.name}”. Nothing was changed: "
                f"connect “{before.name}” again, or give “{now.name}” an [[organisation]] with a key of its own."
            )
        return Joined(key, one.tenant_id, now)


def _not_the_one(connection: Connection, tenants: Sequence[Tenant]) -> str:
    """What a custom connection leads to instead of the organisation that is meant, and what helps."""
    if not tenants:
        mend = "on the app's page at Xero, have its user let billwatch in, then connect again"
        return f"{connection.name} leads to no organisation: {mend}."
    names = ", ".join(f"{one.tenant_name} ({one.tenant_id})" for one in tenants)
    return f"{connection.name} leads to {names}, but tenant_id is {connection.tenant_id or 'not set'}."
