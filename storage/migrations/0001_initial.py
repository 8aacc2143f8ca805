"""The first tables, as they stood then: a migration never follows the models."""

from typing import Any

from peewee import (
    AutoField,
    BigIntegerField,
    BlobField,
    BooleanField,
    CompositeKey,
    Database,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)


class Table(Model):
    class Meta:
        legacy_table_names = False


class Attempt(Table):
    id = AutoField()
    organisation = TextField()
    method = TextField()
    path = TextField()
    body = BlobField()
    idempotency_key = TextField()
    started_at = TextField()
    begun_at = TextField()
    resendable = BooleanField()
    creates = BooleanField()
    outcomes = TextField(null=True)
    answered_at = TextField(null=True)
    finished_at = TextField(null=True)

    class Meta:
        table_name = "attempt"
        indexes = ((("organisation", "finished_at", "id"), False), (("organisation", "creates", "started_at"), False))


class Bill(Table):
    organisation = TextField()
    bill_id = TextField()
    number = TextField()
    status = TextField()
    contact_id = TextField()
    contact_name = TextField()
    date = TextField()
    currency = TextField()
    total = BigIntegerField()
    subtotal = BigIntegerField()
    sense = TextField()
    updated_at = TextField()
    read_at = TextField()
    due_date = TextField(null=True)
    url = TextField()
    paid = BigIntegerField()
    credited = BigIntegerField()
    due = BigIntegerField()
    paid_on = TextField(null=True)
    lines = TextField()

    class Meta:
        table_name = "bill"
        primary_key = CompositeKey("organisation", "bill_id")
        indexes = (
            (("organisation", "number"), False),
            (("organisation", "url"), False),
            (("organisation", "contact_id", "total", "subtotal"), False),
            (("organisation", "date"), False),
        )


class Choice(Table):
    id = AutoField()
    organisation = TextField()
    key = TextField()
    at = TextField()
    reason = TextField(null=True)
    choice = TextField()

    class Meta:
        table_name = "choice"
        indexes = ((("organisation", "key", "id"), False),)


class Contact(Table):
    organisation = TextField()
    contact_id = TextField()
    name = TextField()
    archived = BooleanField()
    merged_to = TextField()
    folded = TextField()

    class Meta:
        table_name = "contact"
        primary_key = CompositeKey("organisation", "contact_id")
        indexes = ((("organisation", "folded"), False), (("organisation", "merged_to"), False))


class Element(Table):
    attempt = ForeignKeyField(Attempt, on_delete="CASCADE")
    position = IntegerField()
    organisation = TextField()
    key = TextField()
    write = TextField()
    link_version = IntegerField()
    milestone_version = IntegerField()

    class Meta:
        table_name = "attempt_element"
        primary_key = CompositeKey("attempt", "position")
        indexes = ((("organisation", "key"), False),)


class Event(Table):
    id = AutoField()
    tenant_id = TextField()
    category = TextField()
    resource_id = TextField()
    kind = TextField()
    at = TextField()
    organisation = TextField(null=True)
    open = BooleanField()
    drained_at = TextField()

    class Meta:
        table_name = "event"
        indexes = (
            (("tenant_id", "category", "resource_id", "kind", "at"), True),
            (("organisation", "open", "resource_id"), False),
        )


class Exemption(Table):
    id = AutoField()
    organisation = TextField()
    key = TextField()
    exemption = TextField()
    ended_at = TextField(null=True)
    ended_by = TextField()

    class Meta:
        table_name = "exemption"
        indexes = ((("organisation", "key", "id"), False),)


class Flag(Table):
    id = AutoField()
    organisation = TextField()
    key = TextField()
    reason = TextField()
    opened_at = TextField()
    verdict = TextField(null=True)
    closed_at = TextField(null=True)
    closed_because = TextField()

    class Meta:
        table_name = "flag"
        indexes = ((("organisation", "key", "id"), False),)


class Link(Table):
    organisation = TextField()
    key = TextField()
    bill_id = TextField()
    generation = IntegerField()
    asked = TextField(null=True)
    seen = TextField(null=True)
    settled = BigIntegerField()
    chosen_date = TextField(null=True)
    chosen_for = TextField(null=True)
    locked_out = TextField(null=True)
    accepted = TextField()
    refusal = TextField(null=True)
    pending_attempt = IntegerField(null=True)
    version = IntegerField()
    dirty = BooleanField()
    wake_on = TextField(null=True)
    action = TextField(null=True)
    reason = TextField(null=True)
    verdict = TextField(null=True)
    decided_at = TextField(null=True)

    class Meta:
        table_name = "link"
        primary_key = CompositeKey("organisation", "key")
        indexes = (
            (("organisation", "bill_id"), False),
            (("organisation", "dirty", "key"), False),
            (("organisation", "wake_on"), False),
            (("organisation", "action", "key"), False),
            (("organisation", "reason", "key"), False),
            (("organisation", "locked_out"), False),
            (("organisation", "chosen_date"), False),
        )


class Mail(Table):
    id = AutoField()
    organisation = TextField()
    recipient = TextField()
    kind = TextField()
    reason = TextField()
    cause = TextField()
    message_id = TextField(unique=True)
    owed_at = TextField()
    send_after = TextField()
    choice = TextField(null=True)
    tries = IntegerField()
    claimed_until = TextField(null=True)
    sent_at = TextField(null=True)
    dropped_at = TextField(null=True)
    error = TextField()
    done = BooleanField()

    class Meta:
        table_name = "mail"
        indexes = ((("done", "send_after", "id"), False), (("organisation", "recipient", "reason", "done"), False))


class MailFlag(Table):
    mail = ForeignKeyField(Mail, on_delete="CASCADE")
    flag = ForeignKeyField(Flag, on_delete="CASCADE")

    class Meta:
        table_name = "mail_flag"
        primary_key = CompositeKey("mail", "flag")


class Milestone(Table):
    organisation = TextField()
    key = TextField()
    title = TextField()
    payee = TextField()
    amount = BigIntegerField()
    date = TextField()
    currency = TextField()
    due_date = TextField(null=True)
    stages = TextField()
    cancelled = BooleanField()
    description = TextField()
    contact_id = TextField()
    account = TextField()
    tax = TextField()
    sense = TextField(null=True)
    tracking = TextField()
    links = TextField()
    version = IntegerField()
    payee_folded = TextField()
    url = TextField()
    fingerprint = TextField()
    put_at = TextField()

    class Meta:
        table_name = "milestone"
        primary_key = CompositeKey("organisation", "key")
        indexes = (
            (("organisation", "payee_folded", "amount"), False),
            (("organisation", "contact_id"), False),
            (("organisation", "url"), False),
            (("organisation", "date"), False),
        )


class Missing(Table):
    organisation = TextField()
    bill_id = TextField()
    at = TextField()

    class Meta:
        table_name = "missing"
        primary_key = CompositeKey("organisation", "bill_id")


class Organisation(Table):
    key = TextField(primary_key=True)
    books = TextField()
    swept_at = TextField(null=True)
    marking = BooleanField()

    class Meta:
        table_name = "organisation"


class Payee(Table):
    organisation = TextField()
    folded = TextField()
    contact_id = TextField()

    class Meta:
        table_name = "payee"
        primary_key = CompositeKey("organisation", "folded")
        indexes = ((("organisation", "contact_id"), False),)


class RawRequest(Table):
    id = AutoField()
    received_at = TextField()
    key = TextField()
    body = BlobField()
    drained_at = TextField(null=True)
    unreadable = BooleanField(null=True)

    class Meta:
        table_name = "raw_request"
        indexes = ((("drained_at", "id"), False),)


class State(Table):
    name = TextField(primary_key=True)
    value = TextField()

    class Meta:
        table_name = "state"


class Ticket(Table):
    id = AutoField()
    mail = ForeignKeyField(Mail, on_delete="CASCADE")
    organisation = TextField()
    address = TextField()
    token_hash = BlobField(unique=True)
    made_at = TextField()
    expires_at = TextField()
    used_at = TextField(null=True)

    class Meta:
        table_name = "ticket"


class TicketFlag(Table):
    ticket = ForeignKeyField(Ticket, on_delete="CASCADE")
    flag = ForeignKeyField(Flag, on_delete="CASCADE")

    class Meta:
        table_name = "ticket_flag"
        primary_key = CompositeKey("ticket", "flag")


class Token(Table):
    name = TextField(primary_key=True)
    blob = BlobField()
    version = IntegerField()

    class Meta:
        table_name = "token"


class Verdict(Table):
    id = AutoField()
    organisation = TextField()
    key = TextField()
    at = TextField()
    action = TextField()
    reason = TextField()
    cycle = TextField()

    class Meta:
        table_name = "verdict"
        indexes = ((("organisation", "key", "id"), False),)


Flag.add_index(
    Flag.index(Flag.organisation, Flag.key, unique=True, name="flag_one_open").where(
        Flag.closed_at.is_null() & (Flag.key != "")
    )
)
Flag.add_index(
    Flag.index(Flag.organisation, Flag.key, Flag.reason, unique=True, name="flag_one_open_each").where(
        Flag.closed_at.is_null()
    )
)
Exemption.add_index(
    Exemption.index(Exemption.organisation, Exemption.key, unique=True, name="exemption_one_open").where(
        Exemption.ended_at.is_null()
    )
)

TABLES = Table.__subclasses__()


def up(migrator: Any, db: Database) -> None:  # noqa: ARG001  the runner hands both over
    """Make the tables."""
    with db.bind_ctx(TABLES):
        db.create_tables(TABLES)
