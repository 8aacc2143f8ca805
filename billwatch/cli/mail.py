"""`billwatch mail`."""

from pathlib import Path

import click

from billwatch.cli.failures import Cannot
from billwatch.cli.session import Session, pass_session
from reconciler.errors import InputError


@click.group()
def command() -> None:
    """Look at the mails that are owed, or send one to try."""


@command.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@pass_session
def preview(session: Session, folder: Path) -> None:
    """Write the mails about all open flags to files, as they would be sent now."""
    from notify import preview as files

    with session.house() as house:
        postman = house.postman(preview=True)
        letters = [postman.letter(mail) for key in house.cycles for mail in house.ledger.outbox.imagine(key, house.clock())]
        written = files.write(folder, letters)
    click.echo(f"{len(written)} files for {len(letters)} mails in {folder}.")


@command.command()
@click.argument("address")
@pass_session
def test(session: Session, address: str) -> None:
    """Send a mail to this address over the configured server."""
    with session.house() as house:
        postman = house.postman()
        if postman is None:
            raise InputError('No mail server is configured; set "host" under [mail].')
        refused = postman.try_out(address)
    if refused:
        raise Cannot(refused)
    click.echo(f"The mail server took a mail to {address}.")
