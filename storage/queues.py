"""The tables of work under way: requests that came in, attempts, mails and their links, tokens, small facts.

Private to this package.
"""

from peewee import AutoField, BlobField, BooleanField, CompositeKey, ForeignKeyField, IntegerField, TextField

from reconciler.model import Write
from reconciler.reasons import Reason
from reconciler.records import Choice, MailKind
from reconciler.xero_port import Outcome
from storage.fields import UtcField, ValueField, WordField
from storage.models import FlagRow, Row


class RawRequestRow(Row):
    """A webhook request as it came in. The receiver's writer fills the first three columns by plain SQL."""

    id = AutoField()
    received_at = UtcField()
    key = TextField()
    body = BlobField()
    drained_at = UtcField(null=True)
    unreadable = BooleanField(null=True)

    class Meta:
        table_name = "raw_request"
        indexes = ((("drained_at", "id"), False),)


class EventRow(Row):
    """One thing Xero told us; `organisation` is null when nobody follows the tenant. `open` until acted upon."""

    id = AutoField()
    tenant_id = TextField()
    category = TextField()
    resource_id = TextField()
    kind = TextField()
    at = UtcField()
    organisation = TextField(null=True)
    open = BooleanField(default=True)
    drained_at = UtcField()

    class Meta:
        table_name = "event"
        indexes = (
            (("tenant_id", "category", "resource_id", "kind", "at"), True),
            (("organisation", "open", "resource_id"), False),
        )


class AttemptRow(Row):
    """A write to Xero. Open while `finished_at` is null."""

    id = AutoField()
    organisation = TextField()
    method = TextField()
    path = TextField()
    body = BlobField()
    idempotency_key = TextField()
    started_at = UtcField()
    begun_at = UtcField()
    resendable = BooleanField()
    creates = BooleanField()
    outcomes = ValueField(tuple[Outcome, ...], null=True)
    answered_at = UtcField(null=True)
    finished_at = UtcField(null=True)

    class Meta:
        table_name = "attempt"
        indexes = (
            (("organisation", "finished_at", "id"), False),
            (("organisation", "creates", "started_at"), False),
        )


class ElementRow(Row):
    """One milestone's part of an attempt."""

    attempt = ForeignKeyField(AttemptRow, on_delete="CASCADE")
    position = IntegerField()
    organisation = TextField()
    key = TextField()
    write = ValueField(Write)
    link_version = IntegerField()
    milestone_version = IntegerField()

    class Meta:
        table_name = "attempt_element"
        primary_key = CompositeKey("attempt", "position")
        indexes = ((("organisation", "key"), False),)


class MailRow(Row):
    """A mail owed until one of `sent_at`, `dropped_at` is set. It collects flags until it is first claimed."""

    id = AutoField()
    organisation = TextField()
    recipient = TextField()
    kind = WordField(MailKind)
    reason = WordField(Reason, null=True)
    message_id = TextField(unique=True)
    owed_at = UtcField()
    send_after = UtcField()
    choice = ValueField(Choice, null=True)
    tries = IntegerField(default=0)
    claimed_until = UtcField(null=True)
    sent_at = UtcField(null=True)
    dropped_at = UtcField(null=True)
    error = TextField(default="")
    failing_since = UtcField(null=True)
    done = BooleanField(default=False)

    class Meta:
        table_name = "mail"
        indexes = (
            (("done", "send_after", "id"), False),
            (("organisation", "recipient", "kind", "done"), False),
        )


class MailFlagRow(Row):
    """A flag that a mail is about."""

    mail = ForeignKeyField(MailRow, on_delete="CASCADE")
    flag = ForeignKeyField(FlagRow, on_delete="CASCADE")

    class Meta:
        table_name = "mail_flag"
        primary_key = CompositeKey("mail", "flag")


class BounceRow(Row):
    """An address that the mail server refused for good, when, and in which words."""

    address = TextField(primary_key=True)
    at = UtcField()
    said = TextField()

    class Meta:
        table_name = "bounce"


class TicketRow(Row):
    """A link in a mail, by the hash of its token."""

    id = AutoField()
    mail = ForeignKeyField(MailRow, on_delete="CASCADE")
    organisation = TextField()
    address = TextField()
    token_hash = BlobField(unique=True)
    made_at = UtcField()
    expires_at = UtcField()
    used_at = UtcField(null=True)

    class Meta:
        table_name = "ticket"


class TicketFlagRow(Row):
    """A flag that a link stands for."""

    ticket = ForeignKeyField(TicketRow, on_delete="CASCADE")
    flag = ForeignKeyField(FlagRow, on_delete="CASCADE")

    class Meta:
        table_name = "ticket_flag"
        primary_key = CompositeKey("ticket", "flag")


class TokenRow(Row):
    """The encrypted tokens of a connection; `version` grows with each change."""

    name = TextField(primary_key=True)
    blob = BlobField()
    version = IntegerField()

    class Meta:
        table_name = "token"


class StateRow(Row):
    """A small fact by name."""

    name = TextField(primary_key=True)
    value = TextField()

    class Meta:
        table_name = "state"
