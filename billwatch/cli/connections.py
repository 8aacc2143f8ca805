"""`billwatch connections`."""

from typing import TYPE_CHECKING, Any

import click

from billwatch.cli.failures import Cannot
from billwatch.cli.output import echo_json, echo_table, json_option
from billwatch.cli.session import Session, pass_session
from reconciler.words import day

if TYPE_CHECKING:
    from collections.abc import Sequence

    from billwatch.connecting.listing import Cut, Reach


@click.command(name="connections")
@click.option("--disconnect", "key", default="", metavar="KEY", help="Take billwatch's access to this one away.")
@click.option("--yes", is_flag=True, help="Disconnect without asking.")
@json_option
@pass_session
def command(session: Session, key: str, yes: bool, as_json: bool) -> None:
    """List the organisations that billwatch can reach in Xero.

    With --disconnect, one is given up: nothing is synced for it until somebody connects again.
    """
    if key:
        _disconnect(session, session.organisation(key).key, yes)
        return
    from billwatch.connecting.listing import Cut, Reach, reaches
    from billwatch.secret import KeyRing
    from reconciler.xero.connections import Connections

    config = session.complete()
    keys = KeyRing(config.keys.encryption)
    with session.ledger() as ledger, Connections(ledger.tokens, keys, session.now) as connections:
        found = list(reaches(config, connections))
    cut = [one for one in found if isinstance(one, Cut)]
    _tell([one for one in found if isinstance(one, Reach)], cut, as_json)
    if cut:
        raise Cannot(f"{len(cut)} of {len({one.connection for one in found})} connections do not work.")


def _disconnect(session: Session, key: str, yes: bool) -> None:
    from billwatch.connecting.listing import disconnect

    if not yes:
        click.confirm(f"Disconnect {key} from Xero? Nothing is synced for it until somebody connects again", abort=True)
    with session.house() as house:
        gone = disconnect(house, key)
    name = gone.tenant_name or gone.tenant_id
    again = f'"billwatch connect --organisation {key}" connects it again'
    if session.organisation(key).grant == "client_credentials":
        again = f"{again}, once its user has let the app in anew at Xero"
    click.echo(f"billwatch no longer reaches “{name}”; {again}.")


def _tell(found: "Sequence[Reach]", cut: "Sequence[Cut]", as_json: bool) -> None:
    if as_json:
        echo_json([_plain(one) for one in found] + [{"connection": c.connection, "error": c.why} for c in cut])
        return
    if found:
        rows = [(one.name, one.tenant_id, one.organisation or "not configured", _since(one)) for one in found]
        echo_table(("IN XERO", "TENANT", "ORGANISATION", "SINCE"), rows)
    for each in cut:
        click.echo(f"{each.connection}: {each.why}", err=True)


def _since(one: "Reach") -> str:
    return day(one.since.date()) if one.since else ""


def _plain(one: "Reach") -> dict[str, Any]:
    return {
        "connection": one.connection,
        "grant": one.grant,
        "name": one.name,
        "tenant_id": one.tenant_id,
        "organisation": one.organisation or None,
        "since": one.since,
    }
