"""`billwatch connect`."""

import os
import sys
import webbrowser
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from billwatch.cli.failures import Cannot
from billwatch.cli.session import Session, pass_session
from reconciler.errors import InputError

if TYPE_CHECKING:
    from billwatch.config import Config
    from billwatch.connecting.consent import Consent
    from billwatch.connecting.joining import Found, Joined
    from reconciler.xero.connections import Tenant

PATIENCE_SECONDS = 600.0


@click.command(name="connect")
@click.option("--organisation", default="", metavar="KEY", help="Which one; needed when several apps are configured.")
@click.option("--paste", is_flag=True, help="For a machine without a browser: paste the address you were sent back to.")
@pass_session
def command(session: Session, organisation: str, paste: bool) -> None:
    """Connect to organisations in Xero.

    Opens Xero's page on which a person lets billwatch in. A custom connection needs nobody: it is tried out.
    """
    from billwatch.connecting.consent import ask
    from billwatch.connecting.joining import Joining

    config = session.complete()
    key = _which(config, organisation)
    connection = config.connection(key)
    with session.ledger() as ledger:
        joining = Joining(config, ledger, session.now)
        if connection.grant == "client_credentials":
            found = joining.by_credentials(key)
        else:
            consent = ask(connection, config.xero.redirect_port)
            code = _pasted(consent) if paste else _sent_back(consent, config.xero.redirect_port)
            found = joining.by_consent(consent, code)
    _tell(config, key, found)


def _which(config: "Config", organisation: str) -> str:
    """The organisation meant; when there is one app only, any of those that share it."""
    if organisation:
        return config.settings(organisation).key
    names = {config.connection(each.key).name for each in config.organisation}
    if len(names) > 1:
        keys = ", ".join(each.key for each in config.organisation)
        raise InputError(f"Say which organisation with --organisation: {keys}.")
    return config.organisation[0].key


def _sent_back(consent: "Consent", port: int) -> str:
    """The code that the browser brings back to this machine."""
    from billwatch.connecting.loopback import Loopback

    with Loopback(port, consent.code) as loopback:
        click.echo(f"Open this page in a browser on this machine, and let billwatch in:\n\n{consent.address}\n")
        if _has_browser():
            webbrowser.open(consent.address)
        else:
            click.echo('There is no browser here? Press Ctrl-C, then run "billwatch connect --paste".')
        return loopback.wait(PATIENCE_SECONDS)


def _pasted(consent: "Consent") -> str:
    """The code in the address that a person pastes."""
    click.echo(f"Open this page in a browser on any machine, and let billwatch in:\n\n{consent.address}\n")
    click.echo(f"The browser then goes to {consent.redirect_uri} and may say that it cannot: that is expected.")
    return consent.code(click.prompt("Paste the whole address from its address bar"))


def _has_browser() -> bool:
    """Whether a window can open; a browser that runs in the terminal would be in the way."""
    return sys.platform in ("darwin", "win32") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")))


def _tell(config: "Config", key: str, found: "Found") -> None:
    for joined in found.joined:
        click.echo(_connected(config, joined))
    for unnamed in found.unnamed:
        _tell_tenant(unnamed, found.unknown)
    if not found.unnamed:
        _tell_unknown(config, key, found.unknown)
    if found.left_out:
        names = ", ".join(f"{each} (tenant {config.settings(each).tenant_id})" for each in found.left_out)
        rest = "" if found.useful else " Nothing was kept."
        raise Cannot(f"Not connected, since the consent does not include it: {names}.{rest}")


def _connected(config: "Config", joined: "Joined") -> str:
    books, settings = joined.books, config.settings(joined.key)
    how = "a custom connection" if settings.grant == "client_credentials" else "consent"
    return f"{joined.key} is connected to “{books.name}” ({books.currency}, tenant {joined.tenant_id}) by {how}."


def _tell_tenant(key: str, tenants: Iterable["Tenant"]) -> None:
    """What to put as the tenant id of an organisation that states none."""
    choices = list(tenants)
    if not choices:
        raise Cannot(f"{key} states no tenant_id, and the consent includes no organisation that is not taken.")
    click.echo(f"Access was given. Say which organisation {key} is: put this under its [[organisation]].")
    for each in choices:
        click.echo(f'\ntenant_id = "{each.tenant_id}"  # {each.tenant_name or "no name given"}')


def _tell_unknown(config: "Config", key: str, tenants: Iterable["Tenant"]) -> None:
    """An `[[organisation]]` to paste for each of those that the configuration does not have."""
    from billwatch.connecting.snippet import snippet

    for each in tenants:
        click.echo(f"\n“{each.tenant_name or each.tenant_id}” let billwatch in too. To follow it, append:\n")
        click.echo(snippet(config, key, each))
