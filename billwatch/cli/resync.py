"""`billwatch resync`."""

import click

from billwatch.cli.choosing import choose, made, organisation_option
from billwatch.cli.session import Session, pass_session
from reconciler.reasons import Choose


@click.command(name="resync")
@click.argument("key")
@click.option("--date", type=click.DateTime(["%Y-%m-%d"]), help="Use this date for the bill instead.")
@organisation_option
@pass_session
def command(session: Session, key: str, date: object, organisation: str) -> None:
    """Sync a milestone once its cause is resolved.

    Xero is read again first; nothing is written while something stands in the way.
    """
    day = date.date() if hasattr(date, "date") else None
    kind = Choose.DATE if day else Choose.RESYNC
    choose(session, organisation, key, made(session, kind, date=day))
