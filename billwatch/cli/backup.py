"""`billwatch backup`."""

from pathlib import Path

import click

from billwatch.cli.session import Session, pass_session


@click.command(name="backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@pass_session
def command(session: Session, file: Path) -> None:
    """Copy the database into FILE while the daemon runs.

    The keys that its secrets are encrypted with are not in it.
    """
    from storage.backup import back_up

    size = back_up(session.config.storage.url, file)
    click.echo(f"{file} holds the database as it was just now ({size / 1_000_000:,.1f} MB).")
    click.echo("It does not hold the configuration and the keys. Keep copies of these too, in another place:")
    for place in [session.path, *session.config.secret_files()]:
        click.echo(f"  {place}")
