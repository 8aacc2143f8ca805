"""`billwatch doctor`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from billwatch.cli.failures import Cannot
from billwatch.cli.output import echo_json, json_option, plain
from billwatch.cli.session import Session, pass_session
from reconciler.words import number_of

if TYPE_CHECKING:
    from billwatch.doctor import Row

_COLOURS = {"ok": "green", "warning": "yellow", "failed": "red"}


@click.command(name="doctor")
@json_option
@pass_session
def command(session: Session, as_json: bool) -> None:
    """Check that everything is set up as it must be.

    One line for each check, with what mends it beside what is wrong. No mail is sent and nothing is written to Xero;
    endpoints of [[hook]] get an event that means nothing.
    """
    from billwatch.doctor import examine
    from billwatch.logs import quiet_by_default

    quiet_by_default()
    rows: list[Row] = []
    about = ""
    for row in examine(session.path, session.now):
        if not as_json:
            if row.about != about:
                click.echo(f"{row.about}:" if not about else f"\n{row.about}:")
            _tell(row)
        about = row.about
        rows.append(row)
    if as_json:
        echo_json([_plain(row) for row in rows])
    _end(rows, as_json)


def _tell(row: "Row") -> None:
    found = row.finding
    level = click.style(f"{found.level:<8}", fg=_COLOURS[found.level])
    click.echo(f"  {level} {row.check:<15} {plain(found.words)}")
    if found.mend:
        click.echo(f"  {'':<8} {'':<15} {plain(found.mend)}")


def _end(rows: "Sequence[Row]", as_json: bool) -> None:
    counts = {level: sum(row.finding.level == level for row in rows) for level in _COLOURS}
    told = (f"{counts['ok']} ok", number_of(counts["warning"], "warning"), f"{counts['failed']} failed")
    if not as_json:
        click.echo("\n" + " · ".join(told))
    if counts["failed"]:
        raise Cannot(f"{counts['failed']} of {len(rows)} checks failed.")


def _plain(row: "Row") -> dict[str, str]:
    found = row.finding
    return {"about": row.about, "check": row.check, "level": found.level, "words": found.words, "mend": found.mend}
