"""`billwatch import`."""

import datetime as dt
from dataclasses import asdict
from pathlib import Path

import click
from msgspec import structs

from billwatch.cli.failures import Cannot
from billwatch.cli.output import echo_json, echo_table, json_option, progress
from billwatch.cli.session import Session, pass_session
from billwatch.importing import Counts, ImportFile, Options, Summary, foresee, read_rows, summarise, take_in
from billwatch.importing.cells import ISO
from billwatch.importing.intake import Milestones
from reconciler.errors import StorageError
from reconciler.words import day, money


def _mapping(_ctx: click.Context, _parameter: click.Parameter, stated: tuple[str, ...]) -> dict[str, str]:
    """`COLUMN=FIELD` as given; a column's name may itself hold an equals sign."""
    mapping: dict[str, str] = {}
    for each in stated:
        column, equals, field = each.rpartition("=")
        if not (column and equals and field):
            raise click.BadParameter(f'"{each}" is not of the form COLUMN=FIELD, such as "Award Date=date".')
        if column in mapping:
            raise click.BadParameter(f'the column "{column}" is mapped twice.')
        mapping[column.strip()] = field.strip()
    return mapping


@click.command(name="import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--organisation", default="", metavar="KEY", help="Whose milestones; needed when there are several.")
@click.option(
    "--map",
    "mapping",
    multiple=True,
    metavar="COLUMN=FIELD",
    callback=_mapping,
    help="Which field a column holds; may be repeated. Columns named like a field need none.",
)
@click.option("--date-format", default=ISO, show_default=True, help="How dates are written, such as dd/mm/yyyy.")
@click.option("--delimiter", default="", help='What separates the columns of a CSV file ("tab" for tabs).')
@click.option("--stage", default=None, help="The stage that milestones have reached unless the file says; '' for none.")
@click.option("--skip-rejected", is_flag=True, help="Import the other rows even if some cannot be used.")
@click.option("--dry-run", is_flag=True, help="Show what would come of it and write nothing.")
@json_option
@pass_session
def command(
    session: Session,
    file: Path,
    organisation: str,
    mapping: dict[str, str],
    date_format: str,
    delimiter: str,
    stage: str | None,
    skip_rejected: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Take milestones in from a CSV or JSON lines file.

    Fields: key, title, payee, amount and date are needed; currency, due_date, description, contact_id, stages,
    cancelled, account, tax, amounts_are, bill_id, documents, link_milestone, link_application, link_contract and
    tracking:CATEGORY may be there. When a row cannot be used, nothing at all is imported.
    """
    settings = session.organisation(organisation)
    reached = settings.sync_points[0] if stage is None else stage
    hosts = settings.documents.hosts if settings.documents.attach else None
    options = Options(settings.key, reached, date_format, "\t" if delimiter == "tab" else delimiter, hosts)
    read = read_rows(file, mapping, options)
    refused = bool(read.rejected) and not skip_rejected
    with session.ledger() as ledger:
        summary = summarise(read, settings.currency, ledger.mirror.books(settings.key))
        if dry_run or refused:
            counts = foresee(read, ledger.milestones)
        else:
            counts = _take_in(read, ledger.milestones, session.now())
    written = not (dry_run or refused)
    _tell_json(read, summary, counts, written) if as_json else _tell(read, summary, counts, written)
    if refused:
        lines = len({each.line for each in read.rejected})
        raise Cannot(
            f"{_rows(lines)} of {file.name} cannot be used, so nothing was imported; mend them, or add --skip-rejected."
        )


def _take_in(read: ImportFile, milestones: Milestones, now: dt.datetime) -> Counts:
    total = Counts()
    try:
        for counts in progress(take_in(read, milestones, now), len(read.milestones), "Importing"):
            total += counts
    except StorageError as error:
        done = total.new + total.changed + total.same
        raise Cannot(
            f"{error} {_rows(done)} were taken in before that; import the file again to complete it."
        ) from None
    return total


def _tell(read: ImportFile, summary: Summary, counts: Counts, written: bool) -> None:
    if read.rejected:
        rejects = [(str(each.line), each.column, each.value, each.reason) for each in read.rejected]
        echo_table(("LINE", "COLUMN", "VALUE", "REASON"), rejects, right={0}, err=True)
        click.echo(err=True)
    for line, column in read.changed:
        click.echo(f"Line {line}, {column}: line breaks or invisible characters became spaces.", err=True)
    if read.unused:
        click.echo(f"Columns not used: {', '.join(read.unused)}", err=True)
    for name, words in _summed(summary):
        click.echo(f"{name:<13}{words}")
    click.echo(f"{'Milestones':<13}{counts.new} new, {counts.changed} changed, {counts.same} the same")
    if counts.linked:
        click.echo(f"{'Bills':<13}{counts.linked} linked to their milestones")
    for key in counts.unlinked:
        click.echo(f"{key} follows another bill, or is being billed just now; its bill_id was not used.", err=True)
    moved = counts.new or counts.changed or counts.linked
    click.echo("Nothing was written." if not written else "Imported." if moved else "Nothing changed.")


def _summed(summary: Summary) -> list[tuple[str, str]]:
    told = [("Rows", f"{summary.rows}, of which {summary.zero} with amount 0")]
    told += [
        ("Total", money(total, currency) if currency else f"{total:,.2f}") for currency, total in summary.totals.items()
    ]
    if summary.first and summary.last:
        told.append(("Dates", f"{day(summary.first)} to {day(summary.last)}"))
    if summary.lock:
        told.append(("Behind lock", f"{_rows(summary.behind_lock or 0)} dated on or before {day(summary.lock)}"))
    else:
        known = summary.behind_lock is not None
        told.append(("Behind lock", "none: no period is locked" if known else "unknown until Xero has been read"))
    return told


def _tell_json(read: ImportFile, summary: Summary, counts: Counts, written: bool) -> None:
    echo_json(
        asdict(summary)
        | structs.asdict(counts)
        | {"written": written, "rejected": read.rejected, "changed_texts": read.changed}
    )


def _rows(count: int) -> str:
    return f"{count} row" if count == 1 else f"{count} rows"
