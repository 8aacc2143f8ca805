"""How the demo speaks to the terminal."""

import textwrap
from email.message import EmailMessage

import click

from billwatch.cli.output import echo_table
from billwatch.demo.stage import Stage
from reconciler.words import bill_state, currency_of, money

MAIL_LINES = 30


class Teller:
    """Tells the story and counts what did not hold."""

    def __init__(self) -> None:
        self.failed = 0
        self._chapter = 0

    def chapter(self, title: str) -> None:
        """Begin a step."""
        self._chapter += 1
        click.echo()
        click.secho(f"{self._chapter}. {title}", bold=True)

    def says(self, text: str) -> None:
        """Tell what happens."""
        click.echo(textwrap.fill(text, 100, initial_indent="   ", subsequent_indent="   "))

    def check(self, holds: bool, what: str) -> bool:
        """Tell whether it held."""
        self.failed += not holds
        click.echo("   " + (click.style("✓", fg="green") if holds else click.style("✗", fg="red")) + f" {what}")
        return holds

    def mail(self, mail: EmailMessage) -> None:
        """Show a mail as its reader sees it."""
        body = mail.get_body(("plain",))
        text = body.get_content().strip() if body else ""
        lines = [f"To: {mail['To']}", f"Subject: {mail['Subject']}", "", *text.splitlines()]
        for line in lines[:MAIL_LINES]:
            click.secho(f"   │ {line}", dim=True)

    def page(self, url: str) -> None:
        """Name a page."""
        click.echo(f"   {url}")

    def ends(self, stage: Stage) -> None:
        """The table of milestones, and where to look further."""
        books = stage.house.ledger.mirror.books("example")
        flags = {m["Subject"] for m in stage.letters.kept}
        rows = []
        for key, decision in stage.standing().items():
            bill = decision.case.bill
            rows.append(
                (
                    key,
                    decision.case.milestone.payee,
                    money(decision.case.milestone.amount, currency_of(decision, books)),
                    f"{bill.number} {bill_state(bill)}" if bill else "none",
                    f"{decision.verdict.action} {decision.verdict.reason}",
                )
            )
        click.echo()
        echo_table(("MILESTONE", "PAYEE", "AMOUNT", "BILL IN XERO", "VERDICT"), rows, right={2})
        click.echo()
        click.echo(f"{len(stage.letters.kept)} mails were sent, with {len(flags)} different subjects.")
        click.echo(f"The small Xero, to approve, pay, void and lock by hand: {stage.xero.url}/")
        click.echo(f"The daemon: {stage.daemon.url}/healthz")
