"""The configuration: one TOML file, checked once, then a value that never changes.

Every option is described in `config.example.toml`; a test holds that file against the defaults here.
"""

import os
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from billwatch.complaints import Unfit, complain, nearest
from billwatch.keeping import Keep
from billwatch.organisation import Organisation
from billwatch.people import Person
from billwatch.secret import Secret, encryption_flaw, hook_flaw, link_key_flaw, no_flaw, open_to_others
from billwatch.sections import (
    Api,
    Hook,
    KeyRing,
    Mail,
    Reconciler,
    Section,
    Server,
    Storage,
    User,
    Watch,
    Xero,
)
from reconciler.errors import ConfigurationError, InputError
from reconciler.organisation import Organisation as KnownOrganisation
from reconciler.xero.settings import Connection

_NAME = re.compile(r"'([^']*)'")
_TUPLE = re.compile(r"\((?:'[^']*',? ?)+\)")


class Config(Section, frozen=True):
    """The whole file. `organisation` holds its `[[organisation]]` tables in their order."""

    keys: KeyRing
    organisation: Annotated[tuple[Organisation, ...], Meta(min_length=1)]
    server: Server = Server()
    api: Api = Api()
    storage: Storage = Storage()
    xero: Xero = Xero()
    reconciler: Reconciler = Reconciler()
    mail: Mail = Mail()
    user: tuple[User, ...] = ()
    person: tuple[Person, ...] = ()
    hook: tuple[Hook, ...] = ()
    watch: Watch = Watch()
    keep: Keep = Keep()

    def __post_init__(self) -> None:
        _refuse_twins(self.organisation)
        for name, count in Counter(each.name for each in self.user).items():
            if count > 1:
                raise Unfit("user", f"names “{name}” twice, but each user has a name of their own")
        _check_persons(self.person, self.organisation)
        _check_hooks(self.hook, self.organisation)
        for each in self.organisation:
            if self.mail.host and not each.people.accounting:
                raise Unfit(f"organisation.{each.key}.people.accounting", "names nobody, so nobody would be warned")

    def organisations(self) -> tuple[KnownOrganisation, ...]:
        """The organisations as the reconciler knows them."""
        told = (self.reconciler.fresh_minutes, self.person, self.xero.web)
        return tuple(each.facts(*told) for each in self.organisation)

    def settings(self, key: str) -> Organisation:
        """One organisation's settings, connection included. Raises InputError for an unknown key."""
        for each in self.organisation:
            if each.key == key:
                return each
        raise InputError(f'There is no organisation "{key}"; {nearest(key, [o.key for o in self.organisation])}')

    def connection(self, key: str) -> Connection:
        """How to reach that organisation, secret included; organisations of one authorised app share its `name`."""
        each = self.settings(key)
        sharing = [o for o in self.organisation if o.app == each.app]
        return self._connection(each, sharing[0].key, _scopes(sharing))

    def connections(self) -> dict[str, Connection]:
        """How to reach every organisation, by key: all at once, as there may be thousands that share an app."""
        apps: dict[tuple[str, str], list[Organisation]] = {}
        for each in self.organisation:
            apps.setdefault(each.app, []).append(each)
        scopes = {app: _scopes(sharing) for app, sharing in apps.items()}
        return {o.key: self._connection(o, apps[o.app][0].key, scopes[o.app]) for o in self.organisation}

    def _connection(self, each: Organisation, name: str, scopes: tuple[str, ...]) -> Connection:
        return Connection(
            name=name,
            grant=each.grant,
            client_id=each.client_id,
            client_secret=each.client_secret.reveal() if each.client_secret else "",
            api_url=self.xero.api_url,
            identity_url=self.xero.identity_url,
            scopes=scopes,
            tenant_id=each.tenant_id.lower(),
            login_url=self.xero.login_url,
            # Not by organisation, whose order in the file may change.
            kept_as=each.client_id,
        )

    def check_tenant(self, key: str) -> None:
        """See that an organisation can be told from others of its app. Raises ConfigurationError."""
        _check_tenant(self.settings(key))

    def check_tenants(self) -> None:
        """See that every organisation can be told from others of its app. Raises ConfigurationError."""
        for each in self.organisation:
            _check_tenant(each)

    def check_secrets(self, file: str) -> None:
        """See that every secret is there and of its form. Raises ConfigurationError."""
        for each in self.organisation:
            if each.grant == "client_credentials" and not each.client_secret:
                fault = "is missing; a custom connection has one"
                raise ConfigurationError(f"{file}: organisation.{each.key}.client_secret {fault}.")
        for place, secret, flaw in self._secrets():
            try:
                reason = next(filter(None, map(flaw, secret.every())), "")
            except ConfigurationError as error:
                raise ConfigurationError(f"{file}: {place}: {error}") from None
            if reason:
                raise ConfigurationError(f"{file}: {place}: {secret.reference} {reason}.")

    def secret_files(self) -> list[Path]:
        """The files that hold secrets, each once."""
        return list(dict.fromkeys(secret.file for _, secret, _ in self._secrets() if secret.file))

    def exposed(self) -> list[Path]:
        """Files with secrets, and the database, that others on this machine may read or change."""
        places = [*self.secret_files(), *filter(None, [self.storage.file])]
        return [place for place in places if open_to_others(place)]

    def _secrets(self) -> Iterator[tuple[str, Secret, Callable[[str], str]]]:
        yield from (("keys.encryption", secret, encryption_flaw) for secret in self.keys.encryption)
        yield from (("keys.links", secret, link_key_flaw) for secret in self.keys.links)
        yield from (("xero.webhook_keys", secret, no_flaw) for secret in self.xero.webhook_keys)
        if self.storage.password:
            yield "storage.password", self.storage.password, no_flaw
        yield from ((f"hook.{each.name}.secrets", secret, hook_flaw) for each in self.hook for secret in each.secrets)
        if self.mail.password:
            yield "mail.password", self.mail.password, no_flaw
        for each in self.organisation:
            if each.client_secret:
                yield f"organisation.{each.key}.client_secret", each.client_secret, no_flaw


def load(path: Path, *, secrets: bool = True, environ: Mapping[str, str] = os.environ) -> Config:
    """Read and check the file; relative paths in it are relative to it.

    With `secrets=False` they need not be there yet; their references are checked all the same. Raises
    ConfigurationError: one sentence that names file, key, value and what is allowed.
    """
    return checked(_content(path), path, secrets=secrets, environ=environ)


def checked(content: bytes, path: Path, *, secrets: bool = True, environ: Mapping[str, str] = os.environ) -> Config:
    """What `load` makes of the content of the file at that path."""
    raw = _parsed(content, path)
    base = path.absolute().parent
    try:
        config = msgspec.convert(raw, Config, dec_hook=lambda _, value: Secret(_string(value), base, environ))
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{path}: {complain(error, raw, Config)}") from None
    if secrets:
        config.check_secrets(str(path))
    return _settled(config, base)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ConfigurationError(f'There is no configuration at {path}; "billwatch init" writes one.') from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}.") from None


def _parsed(content: bytes, path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(content.decode("utf-8-sig"), parse_float=Decimal)
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not UTF-8 text (byte {error.start + 1}).") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} is not valid TOML: {_lower(error)}.") from None


def _lower(error: Exception) -> str:
    """The parser's words, with tables named as they are in the file rather than as tuples."""
    words = _TUPLE.sub(lambda found: f"[{'.'.join(_NAME.findall(found[0]))}]", str(error))
    return words[:1].lower() + words[1:]


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def _settled(config: Config, base: Path) -> Config:
    """With the database's path made absolute, and no slash at the end of addresses that paths are added to."""
    replace = msgspec.structs.replace
    url = f"sqlite:///{base / config.storage.file}" if config.storage.file else config.storage.url
    addresses = ("api_url", "identity_url", "login_url", "web_url")
    return replace(
        config,
        storage=replace(config.storage, url=url),
        server=replace(config.server, public_url=config.server.public_url.rstrip("/")),
        xero=replace(config.xero, **{name: getattr(config.xero, name).rstrip("/") for name in addresses}),
    )


def _scopes(sharing: Iterable[Organisation]) -> tuple[str, ...]:
    """What an app asks for, for all organisations that share it."""
    return tuple(dict.fromkeys(scope for each in sharing for scope in each.needs()))


def _check_tenant(each: Organisation) -> None:
    if each.grant == "refresh_token" and not each.tenant_id:
        raise ConfigurationError(f'organisation.{each.key}.tenant_id is missing; "billwatch connect" finds it.')


def _check_hooks(hooks: tuple[Hook, ...], organisations: tuple[Organisation, ...]) -> None:
    """Each endpoint by a name of its own, for organisations that there are."""
    keys = {each.key for each in organisations}
    for name, count in Counter(each.name for each in hooks).items():
        if count > 1:
            raise Unfit("hook", f'names "{name}" twice, but each endpoint has a name of its own')
    for each in hooks:
        if strange := next((key for key in each.organisations if key not in keys), None):
            raise Unfit(f"hook.{each.name}", f'names the organisation "{strange}", which is not there')


def _check_persons(persons: tuple[Person, ...], organisations: tuple[Organisation, ...]) -> None:
    """Each person once, and of some organisation: an address with a slip of the pen would be nobody's."""
    people = [each.people for each in organisations]
    named = {address for each in people for address in (*each.accounting, *each.grants, *each.operator)}
    named |= {person.second for person in persons} | {person.away.to for person in persons if person.away}
    for address, count in Counter(each.address for each in persons).items():
        if count > 1:
            raise Unfit("person", f'names "{address}" twice, but each address is one person')
        if address not in named:
            raise Unfit("person", f'names "{address}", but no organisation has that address among its people')


def _refuse_twins(organisations: tuple[Organisation, ...]) -> None:
    keys: set[str] = set()
    connections: dict[str, str] = {}
    for each in organisations:
        if each.key in keys:
            raise Unfit(f"organisation.{each.key}", "is there twice, but a key must be unique")
        keys.add(each.key)
        for connection in each.leads_to():
            if connection in connections:
                raise Unfit(f"organisation.{each.key}", f"is the same Xero organisation as {connections[connection]}")
            connections[connection] = each.key
