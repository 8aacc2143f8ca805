"""The tables of what Xero holds, as last read. Private to this package."""

from peewee import BigIntegerField, BooleanField, CompositeKey, TextField

from reconciler.model import Line, Sense, Status
from reconciler.organisation import Books
from storage.fields import DayField, MoneyField, UtcField, ValueField, WordField
from storage.models import Row


class OrganisationRow(Row):
    """The books of an organisation.

    `version` grows when something changes that many decisions see, so that those made before can be told. `marking` is
    set while milestones are still being marked for it.
    """

    key = TextField(primary_key=True)
    books = ValueField(Books)
    swept_at = UtcField(null=True)
    marking = BooleanField(default=False)
    version = BigIntegerField(default=0)

    class Meta:
        table_name = "organisation"


class BillRow(Row):
    """A bill in Xero."""

    organisation = TextField()
    bill_id = TextField()
    number = TextField()
    status = WordField(Status)
    contact_id = TextField()
    contact_name = TextField()
    date = DayField()
    currency = TextField()
    total = MoneyField()
    subtotal = MoneyField()
    sense = WordField(Sense)
    updated_at = UtcField()
    read_at = UtcField()
    due_date = DayField(null=True)
    url = TextField()
    paid = MoneyField()
    credited = MoneyField()
    due = MoneyField()
    paid_on = DayField(null=True)
    planned_on = DayField(null=True)
    lines = ValueField(tuple[Line, ...], few=False)

    class Meta:
        table_name = "bill"
        primary_key = CompositeKey("organisation", "bill_id")
        indexes = (
            (("organisation", "number"), False),
            (("organisation", "url"), False),
            (("organisation", "contact_id", "total", "subtotal"), False),
            (("organisation", "date"), False),
            (("organisation", "updated_at"), False),
        )


class MissingRow(Row):
    """A bill of which Xero said that it does not exist."""

    organisation = TextField()
    bill_id = TextField()
    at = UtcField()

    class Meta:
        table_name = "missing"
        primary_key = CompositeKey("organisation", "bill_id")


class ContactRow(Row):
    """A contact in Xero; `folded` is its name as `storage.names.fold` leaves it."""

    organisation = TextField()
    contact_id = TextField()
    name = TextField()
    archived = BooleanField()
    merged_to = TextField()
    folded = TextField()

    class Meta:
        table_name = "contact"
        primary_key = CompositeKey("organisation", "contact_id")
        indexes = (
            (("organisation", "folded"), False),
            (("organisation", "merged_to"), False),
        )


class PayeeRow(Row):
    """The contact that a payee was billed to, so that a contact renamed in Xero is still known."""

    organisation = TextField()
    folded = TextField()
    contact_id = TextField()

    class Meta:
        table_name = "payee"
        primary_key = CompositeKey("organisation", "folded")
        indexes = ((("organisation", "contact_id"), False),)
