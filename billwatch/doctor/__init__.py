"""Everything that must be right for billwatch to work, looked at one by one, each with its mend."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from billwatch.config import Config, load
from billwatch.doctor import books, machine
from billwatch.doctor.addresses import addresses
from billwatch.doctor.consent import consent
from billwatch.doctor.endpoints import endpoint
from billwatch.doctor.findings import Finding, Level, failed, ok
from billwatch.doctor.hearing import gaps, last_webhook
from billwatch.organisation import Organisation
from billwatch.secret import KeyRing
from reconciler.errors import BillwatchError, ConfigurationError, ConnectionLost
from reconciler.organisation import Books
from reconciler.ports import Clock
from reconciler.words import number_of
from reconciler.xero.connections import Connections
from reconciler.xero.limits import for_person
from storage import Ledger

__all__ = ["Finding", "Level", "Row", "examine"]
MACHINE = "this machine"
EVENTS_OUT = "events out"


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the page; `about` is this machine, events out, or the key of an organisation."""

    about: str
    check: str
    finding: Finding


def examine(path: Path, clock: Clock) -> Iterator[Row]:
    """Look at everything, in an order in which what comes first explains what comes later. Never raises."""
    try:
        config = load(path, secrets=False)
    except ConfigurationError as error:
        yield Row(
            MACHINE,
            "configuration",
            failed(str(error), 'Mend the file; "billwatch init --manual" describes every option.'),
        )
        return
    yield Row(MACHINE, "configuration", ok(f"{path}, {number_of(len(config.organisation), 'organisation')}"))
    broken = False
    for name, finding in machine.examine(machine.Machine(config, path, clock)):
        broken |= finding.level is Level.FAILED and name in ("secrets", "database")
        yield Row(MACHINE, name, finding)
    if not broken:
        yield from _organisations(config, clock)


def _organisations(config: Config, clock: Clock) -> Iterator[Row]:
    keys = KeyRing(config.keys.encryption)
    with (
        Ledger.open(config.storage.place()) as ledger,
        Connections(ledger.tokens, keys, clock, budgets=ledger.budgets) as connections,
    ):
        yield Row(MACHINE, "webhook gaps", gaps(config, ledger, clock()))
        for hook in config.hook:
            yield Row(EVENTS_OUT, hook.name, endpoint(hook, ledger.hooks.state(hook.name), clock()))
        for settings in config.organisation:
            before = consent(config, settings, connections, clock())
            try:
                with for_person():
                    visit = _visit(config, settings, ledger, connections)
            except BillwatchError as error:
                yield Row(settings.key, "connection", failed(str(error), _mend(settings, error)))
                if before.level is not Level.OK:
                    yield Row(settings.key, "consent", before)
                continue
            yield Row(settings.key, "connection", ok("Xero accepts it"))
            yield Row(settings.key, "consent", before)
            yield Row(settings.key, "last webhook", last_webhook(config, settings.key, ledger))
            yield Row(settings.key, "addresses", addresses(settings, ledger))
            for name, finding in books.examine(visit):
                yield Row(settings.key, name, finding)


def _visit(config: Config, settings: Organisation, ledger: Ledger, connections: Connections) -> books.Visit:
    """Read what the checks need, in at most 8 calls. Raises BillwatchError."""
    config.check_tenant(settings.key)
    connection = config.connection(settings.key)
    organisation = next(each for each in config.organisations() if each.key == settings.key)
    client = connections.client(connection, organisation)
    look = connections.look(connection)
    now = client.read_lists(client.read_rights(client.read_organisation(Books())))
    before = ledger.mirror.books(settings.key)
    reserve = config.reconciler.day_reserve_calls
    return books.Visit(settings, connection, look, before, now, client.remaining().day, reserve)


def _mend(settings: Organisation, error: BillwatchError) -> str:
    if isinstance(error, ConnectionLost | ConfigurationError):
        return f"Run billwatch connect --organisation {settings.key}."
    return "Try again later; if it stays, check api_url, identity_url and the way to them from this machine."
