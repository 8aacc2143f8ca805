"""`billwatch mail`."""

from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from pathlib import Path

import click

from billwatch.cli.session import Session, pass_session
from billwatch.wiring import House, mail_server
from notify.message import BadAddress, Letter, mailbox
from notify.outlining import mails_now
from notify.preview import write
from notify.smtp import MailError, Undeliverable
from notify.writer import Nothing, NotYet
from reconciler.errors import InputError
from reconciler.words import number_of

MOST = 10_000


@click.group(name="mail")
def command() -> None:
    """Look at the mails of today, or send one to try it."""


@command.command(short_help="Write the mails of the present state to files.")
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default="mails",
    show_default=True,
    metavar="DIR",
    help="The folder for the files.",
)
@pass_session
def preview(session: Session, folder: Path) -> None:
    """Write the mails that the present state would make to files; nothing is sent.

    Each as it would be if nobody had been told of anything yet: .txt and .html to read, .eml to open in a mail program.
    Their links lead nowhere.
    """
    with session.house() as house:
        letters = list(_letters(house))
    write(folder, letters)
    for letter in letters:
        click.echo(f"{letter.mail.recipient}: {letter.rendered.subject}")
    mails = number_of(len(letters), "mail")
    click.echo(
        f"{mails} written to {folder}. Nothing was sent, and their links lead nowhere."
        if letters
        else "There is nothing to mail just now."
    )


@command.command()
@click.argument("address")
@pass_session
def test(session: Session, address: str) -> None:
    """Send one mail to ADDRESS, and tell what the mail server said.

    When it is accepted, an address that was refused before gets its mails again.
    """
    with session.house() as house:
        server = mail_server(house.config.mail)
        if server is None:
            raise InputError("There is no mail server in the configuration: set host and sender in [mail].")
        try:
            said = server.send(_trial(house, address), address)
        except Undeliverable as error:
            house.ledger.outbox.bounce(address, str(error), house.clock())
            raise InputError(str(error)) from None
        except MailError as error:
            raise InputError(str(error)) from None
        house.ledger.outbox.reached(address)
    click.echo(f"{server.host}:{server.port} accepted a mail to {address}: {said or 'OK'}")


def _letters(house: House) -> Iterator[Letter]:
    writer, now = house.writer(), house.clock()
    for organisation in house.organisations.values():
        zone = house.ledger.mirror.books(organisation.key).zone
        flags = house.ledger.overview.open_flags(organisation.key, MOST)
        for mail in mails_now(organisation, flags, zone, now):
            try:
                yield writer.letter(mail)
            except Nothing:
                continue
            except (NotYet, BadAddress) as error:
                click.echo(f"{mail.recipient}: {error}", err=True)


def _trial(house: House, address: str) -> EmailMessage:
    sender = house.config.mail.sender
    message = EmailMessage(policy=SMTP)
    try:
        message["From"], message["To"] = mailbox(sender, "billwatch"), mailbox(address)
    except BadAddress as error:
        raise InputError(str(error)) from None
    names = ", ".join(each.name for each in house.organisations.values())
    message["Subject"] = "A mail to try it: billwatch can reach you"
    message["Date"] = format_datetime(house.clock())
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(
        f"This is a test, sent by hand with “billwatch mail test”. Warnings about the bills of {names}\n"
        "will come from this address. There is nothing to do.\n"
    )
    return message
