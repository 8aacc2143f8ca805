"""What can be seen on this machine: files, database, mail server, people, and the way in from outside.

To add a check: a function from Machine to Finding, and its line in `CHECKS`.
"""

import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from billwatch.config import Config
from billwatch.doctor.findings import Finding, failed, ok, warning
from billwatch.doctor.outside import SILENCE_SECONDS, Door
from billwatch.wiring import mail_server
from notify.smtp import MailError
from reconciler.errors import ConfigurationError, NewerRelease, StorageError
from reconciler.ports import Clock
from reconciler.reasons import Role
from storage import Ledger


@dataclass(frozen=True, slots=True)
class Machine:
    """What these checks look at. `path` is the configuration file."""

    config: Config
    path: Path
    clock: Clock


def secrets(machine: Machine) -> Finding:
    """Every secret is where the configuration says, and of its form."""
    try:
        machine.config.check_secrets(str(machine.path))
    except ConfigurationError as error:
        return failed(str(error), "Put the secret there; billwatch init shows how keys of its own are made.")
    return ok("every secret is there")


def files(machine: Machine) -> Finding:
    """Nobody but their owner and group can read secrets and database."""
    open_ones = [str(place) for place in machine.config.exposed()]
    if open_ones:
        return failed(f"others on this machine may read {', '.join(open_ones)}", f"chmod o= {' '.join(open_ones)}")
    return ok("secrets and database are closed to others")


def database(machine: Machine) -> Finding:
    """The database opens, and its tables are those of this release."""
    storage = machine.config.storage
    if storage.file and not storage.file.exists():
        return ok(f"{storage.file} is made at the first start")
    try:
        with Ledger.open(storage.place()) as ledger:
            newer = ledger.newer()
    except (ConfigurationError, StorageError) as error:
        return failed(str(error), _database_mend(error, storage.file is not None))
    place = storage.file or storage.url
    if newer:
        return warning(f"{place} opens; a newer release has brought its tables up to date", "Upgrade this one, too.")
    return ok(f"{place} opens, and its tables are up to date")


def _database_mend(error: Exception, file: bool) -> str:
    if isinstance(error, NewerRelease):
        return "Install the release that was used last, or restore a copy made before it."
    mend = "Check the place, its owner and its free space" if file else "Check [storage] and the server"
    return f"{mend}, then try again."


def mail(machine: Machine) -> Finding:
    """The mail server lets us in; nothing is sent."""
    try:
        server = mail_server(machine.config.mail)
        if server is None:
            return warning("there is no mail server, so mails are kept and not sent", "Set host and sender in [mail].")
        with server.connected():
            return ok(f"{server.host}:{server.port} lets us in")
    except (ConfigurationError, MailError) as error:
        return failed(str(error), "Check [mail]: host, port, security, username and password.")


def people(machine: Machine) -> Finding:
    """Every role has somebody."""
    silent = [
        f"{each.key} ({role})"
        for each in machine.config.organisations()
        for role in Role
        if not each.addresses((role,))
    ]
    if silent:
        return warning(f"nobody is told: {', '.join(silent)}", "Name mail addresses under [organisation.people].")
    return ok("every role has somebody")


def public_url(machine: Machine) -> Finding:
    """The public address leads to this very program."""
    with Door(machine.config, machine.clock) as door:
        return door.address()


def webhooks(machine: Machine) -> Finding:
    """A signed request comes through from outside, and a wrongly signed one is turned away."""
    with Door(machine.config, machine.clock) as door:
        return door.webhooks()


def heartbeat(machine: Machine) -> Finding:
    """Whoever watches from outside can be reached. They are not called: that would say that all is well."""
    where = urlsplit(machine.config.watch.heartbeat_url)
    if not where.hostname:
        return ok("none is set, so nobody outside notices when this machine stops")
    try:
        place = (where.hostname, where.port or (443 if where.scheme == "https" else 80))
        socket.create_connection(place, timeout=SILENCE_SECONDS).close()
    except OSError as error:
        told = f"{where.hostname} cannot be reached: {error.strerror or error}"
        return failed(told, "Check heartbeat_url in [watch], and that this machine may call it.")
    return ok(f"{where.hostname} can be reached; it is called after each sweep that leaves all read")


CHECKS: dict[str, Callable[[Machine], Finding]] = {
    "secrets": secrets,
    "files": files,
    "database": database,
    "people": people,
    "mail": mail,
    "public address": public_url,
    "webhooks": webhooks,
    "heartbeat": heartbeat,
}


def examine(machine: Machine) -> Iterable[tuple[str, Finding]]:
    """Every check by name, in the order of the table."""
    for name, check in CHECKS.items():
        yield name, check(machine)
