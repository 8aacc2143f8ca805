"""The envelope of a mail: headers, and both parts."""

import datetime as dt
import re
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from notify import clean
from notify.render import Rendered
from notify.views import reply_to
from reconciler.organisation import Organisation
from reconciler.records import Mail

REFERENCES = 10
ADDRESS = re.compile(r"[^\s<>@]{1,64}@[^\s<>@]{1,255}")

# At the usual 78 a subject of some 70 characters would begin with a line break, which some readers show as a space.
POLICY = SMTP.clone(max_line_length=200)


class BadAddress(ValueError):
    """An address that no mail can be sent to or from; the text names it."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail that is ready to be sent."""

    mail: Mail
    rendered: Rendered
    message: EmailMessage


def compose(mail: Mail, rendered: Rendered, organisation: Organisation, sender: str, now: dt.datetime) -> Letter:
    """Put the rendered mail into a message (RFC 5322) from the sender's bare address.

    Raises `BadAddress` when sender, recipient or the organisation's `reply_to` is not an address.
    """
    message = EmailMessage(policy=POLICY)
    name = clean.line(organisation.name or organisation.key, 60)
    message["From"] = mailbox(sender, f"billwatch for {name}")
    message["To"] = mailbox(mail.recipient)
    if answer := reply_to(organisation, mail.recipient):
        message["Reply-To"] = mailbox(answer.address, clean.line(answer.name, 60))
    message["Subject"] = rendered.subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = mail.message_id
    if mail.earlier:
        message["In-Reply-To"] = mail.earlier[-1]
        message["References"] = " ".join(dict.fromkeys((mail.earlier[0], *mail.earlier[-REFERENCES:])))
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: keeps absence notes from answering
    message["List-Id"] = f"<{_label(organisation.key)}.billwatch.{sender.rpartition('@')[2]}>"
    # Quoted-printable keeps lines short and survives servers without 8BITMIME.
    message.set_content(rendered.text, cte="quoted-printable")
    message.add_alternative(rendered.html, subtype="html", cte="quoted-printable")
    return Letter(mail, rendered, message)


def mailbox(address: str, name: str = "") -> Address:
    """The address as it stands in a header. Raises `BadAddress`."""
    # The standard library takes an address without a domain, and stumbles over some that are none at all.
    if not ADDRESS.fullmatch(address):
        raise BadAddress(f"“{clean.plain(address)}” is not a mail address.")
    try:
        return Address(display_name=name, addr_spec=address)
    except (ValueError, IndexError, MessageError) as error:
        raise BadAddress(f"“{clean.plain(address)}” is not a mail address.") from error


def _label(key: str) -> str:
    return re.sub(r"[^a-z0-9-]+", "-", key.lower()).strip("-") or "organisation"
