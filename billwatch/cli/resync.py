"""`billwatch resync`."""

import datetime as dt

import click

from billwatch.cli.choosing import Day, choose, made, organisation_option
from billwatch.cli.session import Session, pass_session
from reconciler.reasons import Choose

CHOICES = (
    Choose.KEEP,
    Choose.OVERWRITE,
    Choose.BILL_DIFFERENCE,
    Choose.BILL_AGAIN,
    Choose.BILL_ANYWAY,
    Choose.VOIDED,
)


@click.command(name="resync")
@click.argument("key")
@click.option("--date", type=Day(), help="Use this date for the bill.")
@click.option(
    "--choose",
    "kind",
    type=click.Choice([c.value for c in CHOICES]),
    help="Decide as on the page behind a mail's link.",
)
@click.option("--remind", type=Day(), help="Decide nothing; be mailed again on this day.")
@organisation_option
@pass_session
def command(
    session: Session,
    key: str,
    date: dt.date | None,
    kind: str | None,
    remind: dt.date | None,
    organisation: str,
) -> None:
    """Sync a milestone once its cause is resolved.

    Xero is read again first; nothing is written while something stands in the way. "billwatch explain KEY" names the
    choices that fit.
    """
    if sum(map(bool, (date, kind, remind))) > 1:
        raise click.UsageError("--date, --remind and --choose are choices of their own; give one of them.")
    if remind:
        choose(session, organisation, key, made(session, Choose.REMIND, until=remind))
        return
    chosen = Choose.DATE if date else Choose(kind) if kind else Choose.RESYNC
    choose(session, organisation, key, made(session, chosen, date=date))
