"""`billwatch init`."""

import shlex
import sys
from pathlib import Path
from urllib.parse import urlsplit

import click

from billwatch.initialise import (
    CLIENT_SECRET,
    FILE,
    NO_CLIENT,
    SECRETS,
    Start,
    initialise,
    manual,
    sandboxed,
    short_name,
    strangers,
)
from billwatch.sandbox import known
from reconciler.errors import InputError


@click.command(name="init")
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=".",
    show_default=True,
    help="Where to write billwatch.toml and secrets/.",
)
@click.option("--name", default="", help="The organisation's name; asked for on a terminal.")
@click.option("--key", default="", help="Its short name for commands; made from the name when not given.")
@click.option("--tenant-id", default="", help="Xero's id of the organisation.")
@click.option("--client-id", default=NO_CLIENT, help="The client id of your app at Xero.")
@click.option("--account", default="", help="The account code that bills are coded to.")
@click.option("--accounting", default="", metavar="ADDRESS", help="The accountant's mail address.")
@click.option(
    "--sandbox",
    is_flag=False,
    flag_value=known.URL,
    default="",
    metavar="[URL]",
    help=f'To try things out on "billwatch sandbox", at {known.URL} unless said otherwise.',
)
@click.option("--manual", "print_manual", is_flag=True, help="Print the manual of every option, and write nothing.")
def command(
    directory: Path,
    name: str,
    key: str,
    tenant_id: str,
    client_id: str,
    account: str,
    accounting: str,
    sandbox: str,
    print_manual: bool,
) -> None:
    """Write a configuration with fresh keys."""
    if print_manual:
        click.echo(manual(), nl=False)
        return
    if sandbox:
        start = sandboxed(sandbox, name or known.ORGANISATION, accounting)
    else:
        named = name or _asked()
        start = Start(key or short_name(named), named, tenant_id, client_id, accounting, account)
    path = initialise(directory, start)
    click.echo(f"Wrote {path}, and fresh keys in {path.parent / SECRETS}; back both up, and keep the keys private.")
    _warn(path, start.key)
    click.echo()
    for number, step in enumerate(_steps(path, start), 1):
        click.echo(f"{number}. {step}")


def _asked() -> str:
    """The organisation's name, from whoever sits at the terminal. Raises InputError when nobody does."""
    if not sys.stdin.isatty():
        raise InputError('Say what the organisation is called, such as --name "Example Trust".')
    return str(click.prompt("What is the organisation called?"))


def _warn(path: Path, key: str) -> None:
    """A database that was there before may be another's."""
    others = strangers(path, key)
    if others:
        click.echo(
            f"Warning: {path.parent / 'billwatch.db'} holds {', '.join(others)}, which this configuration does not; "
            "they are left alone. Move the file away to begin anew.",
            err=True,
        )


def _steps(path: Path, start: Start) -> list[str]:
    billwatch = "billwatch" if path == Path(FILE) else f"billwatch --config {path}"
    client = f"the client id of your app at Xero into {path} and " if start.client_id == NO_CLIENT else ""
    secret = f"Put {client}the client secret into {path.parent / CLIENT_SECRET}, which is empty so far."
    return [
        f"Run: {_sandbox(start)}, in another terminal, and keep it running." if start.sandbox else secret,
        f"Run: {billwatch} connect, which sees whether Xero lets billwatch in.",
        f"Run: {billwatch} doctor, which checks the rest.",
        f"Run: {billwatch} serve",
    ]


def _sandbox(start: Start) -> str:
    port = urlsplit(start.sandbox).port
    there = "" if start.sandbox == known.URL or not port else f" --port {port}"
    name = "" if start.name == known.ORGANISATION else f" --organisation {shlex.quote(start.name)}"
    return f"billwatch sandbox{there}{name}"
