"""`billwatch reconcile`."""

from collections.abc import Sequence
from typing import Any

import click

from billwatch.cli.failures import Cannot
from billwatch.cli.output import echo_json, echo_table, json_option
from billwatch.cli.session import Session, pass_session
from reconciler.cycle import Cycle
from reconciler.model import Decision
from reconciler.ports import Report
from reconciler.reasons import Reason, words
from reconciler.words import explain, money, number_of

LEFT_OUT = "What was decided before and has not changed since is left out: billwatch status --milestones lists all."


@click.command(name="reconcile")
@click.option("--organisation", default="", metavar="KEY", help="Only this one; all by default.")
@click.option(
    "--dry-run", is_flag=True, help="Read Xero and show what would be decided anew; record and write nothing."
)
@json_option
@pass_session
def command(session: Session, organisation: str, dry_run: bool, as_json: bool) -> None:
    """Read Xero, decide, and sync what is to be synced.

    --dry-run leaves out what was decided before and has not changed since: "billwatch status --milestones" lists all.
    """
    with session.house() as house:
        cycles = [house.cycle(key) for key in session.keys(organisation)]
        if dry_run:
            _rehearse(cycles, as_json)
        else:
            reports = [_turn(cycle) for cycle in cycles]
            for cycle in cycles:
                if clerk := house.clerks.get(cycle.organisation.key):
                    clerk.work()
            _tell(reports, as_json)


def _turn(cycle: Cycle) -> Report:
    with cycle.in_person():
        return cycle.turn(sweep=True)


def _tell(reports: Sequence[Report], as_json: bool) -> None:
    if as_json:
        echo_json([_plain(report) for report in reports])
    for report in [] if as_json else reports:
        click.echo(
            f"{report.organisation}: {report.created} billed, {report.updated} updated, {report.refused} refused, "
            f"{len(report.opened)} flags opened, {len(report.closed)} closed"
        )
        _counted(report.verdicts)
    stopped = [report for report in reports if report.hold or report.detail]
    if stopped:
        why = "; ".join(f"{r.organisation}: {words(r.hold).headline if r.hold else r.detail}" for r in stopped)
        raise Cannot(f"Not everything could be done ({why}).")


def _plain(report: Report) -> dict[str, Any]:
    return {
        "organisation": report.organisation,
        "verdicts": {reason.value: count for reason, count in report.verdicts.items()},
        "created": report.created,
        "updated": report.updated,
        "refused": report.refused,
        "opened": [{"key": flag.key, "reason": flag.reason} for flag in report.opened],
        "closed": [{"key": flag.key, "reason": flag.reason, "why": flag.closed_because} for flag in report.closed],
        "hold": report.hold,
        "stopped": report.detail,
    }


def _rehearse(cycles: Sequence[Cycle], as_json: bool) -> None:
    found = {cycle.organisation.key: cycle.rehearse() for cycle in cycles}
    if as_json:
        echo_json({key: [_planned(d) for d in decisions] for key, decisions in found.items()})
        return
    for cycle in cycles:
        decisions = found[cycle.organisation.key]
        books = cycle.books()
        rows = [(d.case.milestone.key, d.verdict.action, d.verdict.reason, explain(d, books)) for d in decisions]
        click.echo(
            f"{cycle.organisation.key}: {number_of(len(rows), 'milestone')} would be decided anew; nothing was written."
        )
        if rows:
            echo_table(("MILESTONE", "ACTION", "REASON", "WHY"), rows)
    click.echo(
        "What was decided before and has not changed since is left out: billwatch status --milestones lists all."
    )


def _planned(decision: Decision) -> dict[str, Any]:
    write = decision.verdict.write
    return {
        "key": decision.case.milestone.key,
        "action": decision.verdict.action,
        "reason": decision.verdict.reason,
        "amount": money(write.terms.total, write.terms.currency) if write else None,
    }


def _counted(verdicts: dict[Reason, int]) -> None:
    for reason, count in sorted(verdicts.items()):
        click.echo(f"  {count:>6}  {reason.value:<20} {words(reason).headline}")
