"""Which organisations the connections reach, and giving one up."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from billwatch.config import Config
from billwatch.wiring import House
from reconciler.errors import ConnectionLost, InputError, XeroError
from reconciler.xero.connections import Connection, Connections, Tenant
from reconciler.xero.parsing import connected_at


@dataclass(frozen=True, slots=True)
class Reach:
    """An organisation in Xero that a connection may see; `organisation` is its key here, empty when it has none."""

    connection: str
    grant: str
    name: str
    tenant_id: str
    organisation: str
    since: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Cut:
    """A connection that does not work, and why."""

    connection: str
    why: str


def every(config: Config) -> dict[str, Connection]:
    """The connections by name; organisations of one app share one."""
    return {connection.name: connection for connection in config.connections().values()}


def reaches(config: Config, connections: Connections) -> Iterator[Reach | Cut]:
    """What each connection may see, or why it cannot tell."""
    for connection in every(config).values():
        try:
            tenants = connections.tenants(connection)
        except XeroError as error:
            yield Cut(connection.name, str(error))
            continue
        for one in tenants:
            key = _key(config, connection, one, len(tenants))
            name = one.tenant_name or ""
            yield Reach(connection.name, connection.grant, name, one.tenant_id, key, connected_at(one))


def disconnect(house: House, key: str) -> Tenant:
    """Take billwatch's access to that organisation away, and forget the tokens when it was the last.

    What the organisation holds is decided at once on the fact that its connection is lost. Raises InputError when it is
    not connected.
    """
    connection = house.config.connection(key)
    tenants = house.connections.tenants(connection)
    found = [one for one in tenants if _key(house.config, connection, one, len(tenants)) == key]
    if not found:
        raise InputError(f"{key} is not connected.")
    house.connections.disconnect(connection, found[0])
    if not _left(house, connection):
        house.ledger.tokens.delete(connection.kept_as)
    with house.cycles[key].in_person():
        house.cycles[key].turn(sweep=True)
    return found[0]


def _left(house: House, connection: Connection) -> bool:
    try:
        return bool(house.connections.tenants(connection))
    except ConnectionLost:
        return False


def _key(config: Config, connection: Connection, one: Tenant, count: int) -> str:
    """The organisation here that this one in Xero is: the one that names it, or that its client alone leads to."""
    ours = [each for each in config.organisation if each.client_id == connection.client_id]
    named = [each.key for each in ours if each.tenant_id.lower() == one.tenant_id]
    alone = [each.key for each in ours if not each.tenant_id and each.grant == "client_credentials" and count == 1]
    return next(iter(named + alone), "")
