"""`billwatch restore`."""

from pathlib import Path

import click

from billwatch.cli.session import Session, pass_session


@click.command(name="restore")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def command(session: Session, file: Path, yes: bool) -> None:
    """Put a copy made by "billwatch backup" in place of the database.

    Stop the daemon first. The database of now is kept beside it. At its next start billwatch reads from Xero what the
    copy does not know, and bills nothing twice.
    """
    from storage.backup import restore, see_restorable
    from storage.sqlite import path_of

    url = session.config.storage.url
    path = path_of(url)
    aside = path.with_name(f"{path.name}.before-{session.now():%Y%m%dT%H%M%SZ}")
    if not yes:
        see_restorable(url, file)
        click.confirm(f"Put {file} in place of {path}?", abort=True)
    had = path.exists()
    restore(url, file, aside)
    click.echo(f"{path} is what {file} holds." + (f" What it was before is kept in {aside}." if had else ""))
    click.echo("What came in or was decided since then is not in it: import milestones again, if some are missing.")
