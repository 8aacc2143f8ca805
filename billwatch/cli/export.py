"""`billwatch export`."""

from pathlib import Path

import click

from billwatch.cli.output import echo_table
from billwatch.cli.session import Session, pass_session
from reconciler.errors import InputError


@click.command(name="export")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--organisation", default="", metavar="KEY", help="Only this one; by default all that there are.")
@pass_session
def command(session: Session, folder: Path, organisation: str) -> None:
    """Write everything that is kept into open files.

    They are JSON lines in DIR: a folder for each organisation, and in it a file for each table. "billwatch import"
    takes milestones.jsonl as it is. No keys, tokens or links of mails are in them; names, amounts and mail addresses
    are. The daemon may run meanwhile.
    """
    from billwatch.exporting import write_out

    with session.view() as ledger:
        organisations = ledger.export.organisations()
        if organisation and organisation not in organisations:
            raise InputError(f"Nothing is kept of {organisation}, only of {', '.join(organisations) or 'none'}.")
        organisations = [organisation] if organisation else organisations
        written = [(key, table, f"{rows:,}") for key, table, rows in write_out(ledger, organisations, folder)]
    echo_table(("ORGANISATION", "TABLE", "ROWS"), written, right={2})
    click.echo(f"Written into {folder}.")
