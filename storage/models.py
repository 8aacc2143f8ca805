"""The tables of milestones, links, flags and what people decided. Private to this package.

Columns that bear the name of a dataclass's attribute hold that attribute; `storage.codec.columns` and `build`
rely on it. Tables of the mirror are in `storage.mirrored`, those of work under way in `storage.queues`.
"""

from peewee import AutoField, BooleanField, CompositeKey, IntegerField, Model, TextField

from reconciler.model import Deed, Defaults, Document, Exemption, Links, Part, Refusal, Sense, Terms, Tracking, Verdict
from reconciler.reasons import Action, Reason
from reconciler.records import Choice
from storage.fields import DayField, MoneyField, UtcField, ValueField, WordField


class Row(Model):
    """A row; never bound to a database, which each query is told instead."""

    class Meta:
        legacy_table_names = False


class MilestoneRow(Row):
    """A milestone as the platform says, and what is derived of it for look-ups."""

    organisation = TextField()
    key = TextField()
    title = TextField()
    payee = TextField()
    amount = MoneyField()
    date = DayField()
    currency = TextField()
    due_date = DayField(null=True)
    stages = ValueField(frozenset[str])
    cancelled = BooleanField()
    description = TextField()
    contact_id = TextField()
    account = TextField()
    tax = TextField()
    sense = WordField(Sense, null=True)
    tracking = ValueField(Tracking)
    links = ValueField(Links)
    documents = ValueField(tuple[Document, ...], default=())
    version = IntegerField()
    payee_folded = TextField()
    url = TextField()
    fingerprint = TextField()
    put_at = UtcField()

    class Meta:
        table_name = "milestone"
        primary_key = CompositeKey("organisation", "key")
        indexes = (
            (("organisation", "payee_folded", "amount"), False),
            (("organisation", "contact_id"), False),
            (("organisation", "url"), False),
            (("organisation", "date"), False),
            (("organisation", "key", "payee_folded", "title"), False),
        )


class LinkRow(Row):
    """What ties a milestone to its bill, and the verdict of it.

    `version` grows with every change of the link and of anything else that a decision would see, save what many of them
    see (`storage.mirrored.OrganisationRow`), so that a decision made on older facts can be told. `wake_on` is the last
    day of an exemption that ends. `decided_at` is when the verdict came to be as it is.
    """

    organisation = TextField()
    key = TextField()
    bill_id = TextField(default="")
    generation = IntegerField(default=1)
    asked = ValueField(Terms, few=False, null=True)
    seen = ValueField(Terms, few=False, null=True)
    settled = MoneyField(default=0)
    chosen_date = DayField(null=True)
    chosen_for = DayField(null=True)
    locked_out = DayField(null=True)
    accepted = ValueField(tuple[tuple[Reason, str], ...], default=())
    refusal = ValueField(Refusal, null=True)
    pending_attempt = IntegerField(null=True)
    parts = ValueField(tuple[Part, ...], default=())
    under = ValueField(Defaults, null=True)
    version = IntegerField(default=0)
    wake_on = DayField(null=True)
    action = WordField(Action, null=True)
    reason = WordField(Reason, null=True)
    verdict = ValueField(Verdict, null=True)
    decided_at = UtcField(null=True)

    class Meta:
        table_name = "link"
        primary_key = CompositeKey("organisation", "key")
        indexes = (
            (("organisation", "bill_id"), False),
            (("organisation", "wake_on"), False),
            (("organisation", "action", "key"), False),
            (("organisation", "reason", "key"), False),
            (("organisation", "locked_out"), False),
            (("organisation", "chosen_date"), False),
        )


class DirtyRow(Row):
    """A milestone that is due to be decided. Very many come and go at once, so that the row is as narrow as can be."""

    organisation = TextField()
    key = TextField()

    class Meta:
        table_name = "dirty"
        primary_key = CompositeKey("organisation", "key")
        without_rowid = True


class PartRow(Row):
    """Which milestone an earlier bill belongs to, of those that are billed in parts: `link.parts`, by bill."""

    organisation = TextField()
    bill_id = TextField()
    key = TextField()

    class Meta:
        table_name = "part"
        primary_key = CompositeKey("organisation", "bill_id")
        indexes = ((("organisation", "key"), False),)


class VerdictRow(Row):
    """One change of a milestone's verdict."""

    id = AutoField()
    organisation = TextField()
    key = TextField()
    at = UtcField()
    action = WordField(Action)
    reason = WordField(Reason)
    cycle = TextField()

    class Meta:
        table_name = "verdict"
        indexes = ((("organisation", "key", "id"), False),)


class FlagRow(Row):
    """A warning; open while `closed_at` is null. `asked_at` is when Xero was asked who did what it is about.

    `cause` is what flags of one reason share, such as a lock date. `remind_on` is the day on which somebody wants it
    brought up again.
    """

    id = AutoField()
    organisation = TextField()
    key = TextField()
    reason = WordField(Reason)
    opened_at = UtcField()
    verdict = ValueField(Verdict, null=True)
    closed_at = UtcField(null=True)
    closed_because = TextField(default="")
    deed = ValueField(Deed, null=True)
    asked_at = UtcField(null=True)
    cause = TextField(default="")
    remind_on = DayField(null=True)
    remind_by = TextField(default="")

    class Meta:
        table_name = "flag"
        indexes = ((("organisation", "key", "id"), False),)


FlagRow.add_index(
    FlagRow.index(FlagRow.organisation, FlagRow.key, unique=True, name="flag_one_open").where(
        FlagRow.closed_at.is_null() & (FlagRow.key != "")
    )
)
FlagRow.add_index(
    FlagRow.index(FlagRow.organisation, FlagRow.key, FlagRow.reason, unique=True, name="flag_one_open_each").where(
        FlagRow.closed_at.is_null()
    )
)


FlagRow.add_index(
    FlagRow.index(FlagRow.organisation, name="flag_unasked").where(
        FlagRow.closed_at.is_null() & FlagRow.asked_at.is_null()
    )
)


class ChoiceRow(Row):
    """What a person decided of a milestone, and of which flag."""

    id = AutoField()
    organisation = TextField()
    key = TextField()
    at = UtcField()
    reason = WordField(Reason, null=True)
    choice = ValueField(Choice)

    class Meta:
        table_name = "choice"
        indexes = ((("organisation", "key", "id"), False),)


class ExemptionRow(Row):
    """An exemption; open while `ended_at` is null, though it may have lapsed."""

    id = AutoField()
    organisation = TextField()
    key = TextField()
    exemption = ValueField(Exemption)
    ended_at = UtcField(null=True)
    ended_by = TextField(default="")

    class Meta:
        table_name = "exemption"
        indexes = ((("organisation", "key", "id"), False),)


ExemptionRow.add_index(
    ExemptionRow.index(ExemptionRow.organisation, ExemptionRow.key, unique=True, name="exemption_one_open").where(
        ExemptionRow.ended_at.is_null()
    )
)
