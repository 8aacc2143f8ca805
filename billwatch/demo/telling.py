"""How the demo speaks to the terminal."""

import textwrap
from email.message import EmailMessage

import click

from billwatch.cli.output import echo_table
from billwatch.demo.stage import KEY, USER, Stage
from reconciler.words import bill_state, currency_of, money

MAIL_LINES = 30


class Teller:
    """Tells the story and counts what did not hold."""

    def __init__(self) -> None:
        self.failed = 0
        self._chapter = 0
        self._pages: list[tuple[str, str]] = []

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

    def page(self, what: str, url: str) -> None:
        """Name a page, here and at the end."""
        self._pages.append((what, url))
        click.echo(f"   {url}")

    def ends(self, stage: Stage, *, leaving: bool) -> None:
        """The table of milestones, and where to look further as long as the demo runs."""
        books = stage.house.ledger.mirror.books(KEY)
        mailed = stage.mailed()
        rows = []
        for key, decision in stage.standing().items():
            bill, milestone = decision.case.bill, decision.case.milestone
            amount = money(milestone.amount, currency_of(decision, books))
            state = f"{bill.number} {bill_state(bill)}" if bill else "none"
            verdict = f"{decision.verdict.action} {decision.verdict.reason}"
            rows.append((key, milestone.payee, amount, state, verdict, ", ".join(mailed.get(key, ()))))
        click.echo()
        echo_table(("MILESTONE", "PAYEE", "AMOUNT", "BILL IN XERO", "VERDICT", "MAILED ABOUT"), rows, right={2})
        click.echo()
        if leaving:
            click.echo("The pages ended with the demo. Without --exit they stay open until you press Ctrl-C.")
            return
        for what, url in [
            *self._pages,
            (f"The dashboard, for {USER} with the password {stage.password}", f"{stage.daemon.url}/"),
            ("The small Xero, to approve, pay, void and lock by hand", f"{stage.xero.url}/"),
        ]:
            click.echo(f"{what}:\n  {url}")
