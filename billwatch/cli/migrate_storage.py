"""`billwatch migrate-storage`."""

import click

from billwatch.cli.session import Session, pass_session


@click.command(name="migrate-storage")
@click.option(
    "--from", "source", required=True, metavar="URL", help="Such as sqlite:////var/lib/billwatch/billwatch.db."
)
@click.option("--to", "target", required=True, metavar="URL", help="Such as postgresql://billwatch@db/billwatch.")
@pass_session
def command(session: Session, source: str, target: str) -> None:
    """Copy the database to another place, and see that all of it arrived.

    Stop the daemon first. A copy that was cut off goes on where it was when you run it again. The password of a server
    comes from the configuration, if that names it already, or from PGPASSWORD. Afterwards set storage.url.
    """
    from storage.moving import move

    rows, tables = 0, 0
    for step in move(_place(session, source), _place(session, target)):
        if step.checked:
            rows, tables = rows + step.rows, tables + 1
            continue
        click.echo(f"{step.table}: {step.rows:,} of {step.of:,} rows", err=True)
    click.echo(f"All {rows:,} rows of {tables} tables have arrived; counts and checksums agree on both sides.")
    click.echo(f'Set url = "{target.partition("?")[0]}" in [storage] now, and start billwatch again.')


def _place(session: Session, url: str) -> str:
    """The URL with the configured password, where it is that of the configured database."""
    if not session.path.exists():
        return url
    storage = session.config.storage
    return storage.place() if url == storage.url else url
