"""`billwatch resync`."""

import datetime as dt

import click

from billwatch.cli.choosing import choose, made, organisation_option
from billwatch.cli.session import Session, pass_session
from reconciler.reasons import Choose

CHOICES = (Choose.KEEP, Choose.OVERWRITE, Choose.BILL_AGAIN, Choose.BILL_ANYWAY)


@click.command(name="resync")
@click.argument("key")
@click.option("--date", type=click.DateTime(["%Y-%m-%d"]), help="Use this date for the bill.")
@click.option(
    "--choose",
    "kind",
    type=click.Choice([c.value for c in CHOICES]),
    help="Decide as on the page behind a mail's link.",
)
@organisation_option
@pass_session
def command(session: Session, key: str, date: dt.datetime | None, kind: str | None, organisation: str) -> None:
    """Sync a milestone once its cause is resolved.

    Xero is read again first; nothing is written while something stands in the way. "billwatch explain KEY" names the
    choices that fit.
    """
    if date and kind:
        raise click.UsageError("--date is a choice of its own; leave --choose out.")
    chosen = Choose.DATE if date else Choose(kind) if kind else Choose.RESYNC
    choose(session, organisation, key, made(session, chosen, date=date.date() if date else None))
