"""What the commands that make a choice have in common: who chooses, and how the outcome is told."""

import datetime as dt
import getpass
from typing import Any

import click

from billwatch.cli.session import Session
from reconciler.reasons import Action, Choose
from reconciler.records import Choice
from reconciler.words import explain

organisation_option = click.option(
    "--organisation", default="", metavar="KEY", help="Whose milestone; needed when there are several."
)


class Day(click.ParamType[dt.date]):
    """A day, as a `datetime.date`."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dt.date:
        """The day; `fail` with what is allowed."""
        if isinstance(value, dt.date):
            return value
        try:
            return dt.datetime.strptime(value, "%Y-%m-%d").date()  # noqa: DTZ007  a day has no zone
        except ValueError:
            self.fail(f'"{value}" is no day; write it as 2026-12-24.', param, ctx)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:  # noqa: ARG002  click's own form
        """How it is written."""
        return "YYYY-MM-DD"


def person() -> str:
    """Who sits at the command line."""
    try:
        return f"{getpass.getuser()} (command line)"
    except (OSError, KeyError):
        return "command line"


def made(session: Session, kind: Choose, **details: Any) -> Choice:
    """A choice made here and now."""
    return Choice(kind, person(), session.now(), **details)


def choose(session: Session, organisation: str, key: str, choice: Choice) -> None:
    """Make the choice on facts read just now, and tell how the milestone stands afterwards."""
    settings = session.organisation(organisation)
    with session.house() as house:
        done = house.desk.command(settings.key, key, choice)
        books = house.cycles[settings.key].books()
        for decision in done.items:
            click.echo(f"{key}: {decision.verdict.action} {decision.verdict.reason}. {explain(decision, books)}")
            if decision.verdict.action in (Action.FLAG, Action.HOLD):
                click.echo(f'Still waiting for somebody; "billwatch explain {key}" says more.')
