"""A configuration on disk for the sandbox, as an operator has one, and the house and the commands that go by it."""

import contextlib
import dataclasses
import datetime as dt
import os
import socket
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import CliRunner, Result
from consenting import consent
from world import LEASE_SECONDS

from billwatch.cli import main
from billwatch.config import Config, load
from billwatch.connecting.consent import Consent, ask
from billwatch.connecting.joining import Found, Joining
from billwatch.initialise import Start, initialise
from billwatch.sandbox import Sandbox
from billwatch.wiring import House
from reconciler.model import Decision, Milestone
from reconciler.reasons import Reason

ORGANISATION = "example"
BESIDE = Path(__file__).parent
BILLWATCH = str(Path(sys.executable).with_name("billwatch"))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@dataclasses.dataclass
class Place:
    """The directory of a configuration. Houses opened here close with the `stack`."""

    xero: Sandbox
    path: Path
    database: str
    stack: contextlib.ExitStack

    @classmethod
    def make(cls, xero: Sandbox, folder: Path, database: str, stack: contextlib.ExitStack) -> "Place":
        path = initialise(folder / "home", Start(ORGANISATION, "Example Trust", "", "app", "ops@example.org", "480"))
        return cls(xero, path, database, stack)

    def write(self, *organisations: str, extra: str = "") -> "Place":
        """Write the configuration anew, with these tables."""
        secrets = self.path.parent / "secrets"
        (secrets / "client-secret").write_text(self.xero.client_secret, encoding="utf-8")
        (secrets / "webhook-key").write_text("a webhook key", encoding="utf-8")
        addresses = "".join(f'{name} = "{self.xero.url}"\n' for name in ("api_url", "identity_url", "login_url"))
        self.path.write_text(
            f'[storage]\nurl = "{self.database}"\nlease_seconds = {LEASE_SECONDS}\n'
            f'[keys]\nencryption = ["file:secrets/encryption-key"]\nlinks = ["file:secrets/link-key"]\n'
            f'[xero]\n{addresses}redirect_port = {free_port()}\nwebhook_keys = ["file:secrets/webhook-key"]\n'
            f"[reconciler]\nquiet_seconds = 0\n{extra}\n{''.join(organisations)}",
            encoding="utf-8",
        )
        return self

    def table(self, tenant_id: str, key: str = ORGANISATION, **options: str) -> str:
        """An `[[organisation]]` of the sandbox's app, connected by consent unless the options say otherwise."""
        stated = {
            "key": key,
            "name": key.title(),
            "tenant_id": tenant_id,
            "client_id": self.xero.client_id,
            "client_secret": "file:secrets/client-secret",
            "grant": "refresh_token",
            "mode": "sync",
            "account": "480",
            "tax": "NONE",
        } | options
        people = '[organisation.people]\naccounting = ["accounts@example.org"]\noperator = ["ops@example.org"]\n'
        return "[[organisation]]\n" + "".join(f'{name} = "{value}"\n' for name, value in stated.items()) + people

    def custom(self, org: Any, tenant_id: str = "") -> str:
        """An `[[organisation]]` reached by a custom connection."""
        (self.path.parent / "secrets" / "custom").write_text(org.client_secret, encoding="utf-8")
        secret = "file:secrets/custom"
        return self.table(tenant_id, client_id=org.client_id, client_secret=secret, grant="client_credentials")

    @property
    def config(self) -> Config:
        return load(self.path)

    def open(self) -> House:
        """A house on the sandbox's clock that never waits."""
        clock = lambda: self.xero.now().astimezone(dt.UTC)  # noqa: E731 -- as short as it is
        return self.stack.enter_context(House(self.config, clock=clock, wait=lambda _seconds: None))

    def question(self) -> Consent:
        config = self.config
        return ask(config.connection(config.organisation[0].key), config.xero.redirect_port)

    def join(self, house: House, *tenants: str) -> Found:
        """What `billwatch connect` does once the person has ticked these organisations (all by default)."""
        question = self.question()
        code = question.code(consent(question.address, tenants=tenants or None))
        return Joining(self.config, house.ledger, house.clock).by_consent(question, code)

    def run(self, *arguments: str, **more: Any) -> Result:
        """A command, in this very process, with logging as a process of its own would find it."""
        structlog.reset_defaults()
        return CliRunner().invoke(main, ["--config", str(self.path), *arguments], **more)


def sweep(place: Place, house: House, key: str = ORGANISATION) -> Any:
    place.xero.advance(seconds=1)
    return house.cycles[key].turn(sweep=True)


def put(house: House, key: str = "M-1", organisation: str = ORGANISATION) -> None:
    """A milestone that is due."""
    today = house.clock().date()
    stages = frozenset({"approved"})
    milestone = Milestone(organisation, key, f"Stage of {key}", f"Payee of {key}", Decimal(1200), today, stages=stages)
    house.ledger.milestones.put([milestone], house.clock())


def standing(house: House, key: str = "M-1", organisation: str = ORGANISATION) -> Decision:
    (decision,) = house.ledger.milestones.standing(organisation, [key])
    return decision


def reason(house: House, key: str = "M-1") -> Reason:
    return standing(house, key).verdict.reason


def alerts(house: House) -> list[Reason]:
    """The open flags of the organisation itself."""
    found = house.ledger.overview.open_flags(ORGANISATION, limit=100)
    return [flag.reason for flag in found if not flag.key]


def kept(house: House) -> dict[str, tuple[bytes, int] | None]:
    """The sealed tokens by name."""
    tokens = house.ledger.tokens
    return {name: tokens.get(name) for name in tokens.names()}


def environment(**more: str) -> dict[str, str]:
    """The environment of a command that runs as a process of its own."""
    return os.environ | {"PYTHONPATH": f"{Path.cwd()}{os.pathsep}{Path(__file__).parent}"} | more


@pytest.fixture
def org(xero: Sandbox) -> Any:
    return xero.organisation("Example Trust")


@pytest.fixture
def place(xero: Sandbox, org: Any, tmp_path: Path, new_database: Callable[..., str]) -> Iterator[Place]:
    """A configuration of one organisation that a person is to connect."""
    with contextlib.ExitStack() as stack:
        made = Place.make(xero, tmp_path, new_database(), stack)
        yield made.write(made.table(org.tenant_id))


@pytest.fixture
def house(place: Place) -> House:
    """Connected by a person, and swept once."""
    house = place.open()
    place.join(house)
    sweep(place, house)
    return house
