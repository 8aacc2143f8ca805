"""`billwatch init`."""

from pathlib import Path

import click

from billwatch.initialise import CLIENT_SECRET, FILE, NO_CLIENT, SECRETS, Start, initialise, short_name


@click.command(name="init")
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=".",
    show_default=True,
    help="Where to write billwatch.toml and secrets/.",
)
@click.option("--name", default="My organisation", show_default=True, help="The organisation's name.")
@click.option("--key", default="", help="Its short name for commands; made from the name when not given.")
@click.option("--tenant-id", default="", help="Xero's id of the organisation.")
@click.option("--client-id", default=NO_CLIENT, help="The client id of your app at Xero.")
@click.option("--account", default="", help="The account code that bills are coded to.")
@click.option("--accounting", default="", metavar="ADDRESS", help="The accountant's mail address.")
def command(
    directory: Path, name: str, key: str, tenant_id: str, client_id: str, account: str, accounting: str
) -> None:
    """Write a configuration with fresh keys."""
    start = Start(key or short_name(name), name, tenant_id, client_id, accounting, account)
    path = initialise(directory, start)
    click.echo(f"Wrote {path}, and fresh keys in {path.parent / SECRETS}; back both up, and keep the keys private.\n")
    client = f"the client id of your app at Xero into {path} and " if client_id == NO_CLIENT else ""
    click.echo(f"1. Put {client}the client secret into {path.parent / CLIENT_SECRET}, which is empty so far.")
    billwatch = "billwatch" if path == Path(FILE) else f"billwatch --config {path}"
    click.echo(f"2. Run: {billwatch} connect, which sees whether Xero lets billwatch in.")
    click.echo(f"3. Run: {billwatch} doctor, which checks the rest.")
    click.echo(f"4. Run: {billwatch} serve")
