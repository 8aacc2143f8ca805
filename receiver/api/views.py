"""Values of the house as they go over the wire."""

from receiver.api import shapes
from receiver.api.ports import Foreseen, Standing
from receiver.dashboard.ports import Listed, Story
from receiver.dashboard.states import by_state, state_of
from receiver.dashboard.telling import story
from reconciler import model
from reconciler.choices import fitting
from reconciler.model import Decision, Sense
from reconciler.organisation import Books, Organisation
from reconciler.outlook import if_nobody_acts, when_paid
from reconciler.progress import Change
from reconciler.reasons import words
from reconciler.records import Flag
from reconciler.words import bill_link, choice_effect, choice_label, explain, sides, what_to_do

AMOUNTS: dict[Sense, shapes.Amounts] = {
    Sense.INCLUSIVE: "inclusive",
    Sense.EXCLUSIVE: "exclusive",
    Sense.NO_TAX: "no-tax",
}


def organisation(standing: Standing) -> shapes.Organisation:
    """An organisation."""
    ours, books = standing.organisation, standing.books
    return shapes.Organisation(
        key=ours.key,
        name=ours.name,
        mode=ours.mode.value,
        paused=standing.paused,
        currency=ours.currency or books.currency,
        sync_points=sorted(ours.sync_points),
        period_lock=books.period_lock,
        year_lock=books.year_lock,
        counts=by_state(standing.counts),
        as_of=books.read_at,
    )


def milestone(said: model.Milestone) -> shapes.Milestone:
    """What the platform said."""
    return shapes.Milestone(
        title=said.title,
        payee=said.payee,
        amount=str(said.amount),
        date=said.date,
        currency=said.currency,
        due_date=said.due_date,
        stages=sorted(said.stages),
        cancelled=said.cancelled,
        description=said.description,
        contact_id=said.contact_id,
        account=said.account,
        tax=said.tax,
        amounts=AMOUNTS[said.sense] if said.sense else None,
        tracking=dict(said.tracking),
        links=shapes.Links(
            milestone=said.links.milestone, application=said.links.application, contract=said.links.contract
        ),
        documents=[shapes.Paper(name=each.name, link=each.link) for each in said.documents],
    )


def bill(held: model.Bill, organisation: Organisation, books: Books) -> shapes.Bill:
    """A bill of the mirror."""
    return shapes.Bill(
        bill_id=held.bill_id,
        number=held.number,
        status=held.status,
        contact=held.contact_name,
        date=held.date,
        due_date=held.due_date,
        currency=held.currency,
        total=str(held.total),
        subtotal=str(held.subtotal),
        amounts=AMOUNTS[held.sense],
        paid=str(held.paid),
        credited=str(held.credited),
        due=str(held.due),
        paid_on=held.paid_on,
        planned_on=held.planned_on,
        read_at=held.read_at,
        url=bill_link(organisation, books, held.bill_id),
    )


def brief(listed: Listed, organisation: Organisation, books: Books) -> shapes.Brief:
    """A milestone of a list."""
    verdict, said = listed.verdict, listed.milestone
    return shapes.Brief(
        organisation=said.organisation,
        key=said.key,
        version=said.version,
        state=state_of(verdict.reason if verdict else None),
        action=verdict.action if verdict else None,
        reason=verdict.reason if verdict else None,
        headline=words(verdict.reason).headline if verdict else "not decided yet",
        undecided=listed.dirty,
        decided_at=listed.decided_at,
        milestone=milestone(said),
        bill=bill(listed.bill, organisation, books) if listed.bill else None,
        as_of=books.read_at,
    )


def full(found: Story) -> shapes.Full:
    """All that is known of a milestone."""
    organisation, books = found.organisation, found.books
    in_brief = brief(found.listed, organisation, books)
    decision = found.sheet.items[0] if found.sheet else None
    standing = next((each.exemption for each in found.exemptions if each.ended_at is None), None)
    flags = [each.value for each in found.moments if each.what == "flag"]
    return shapes.Full(
        **{name: getattr(in_brief, name) for name in shapes.Brief.__struct_fields__},
        verdict=_verdict(decision, books) if decision else None,
        earlier_bills=[bill(each, organisation, books) for each in found.listed.parts],
        flag=next((_flag(each) for each in flags if each.closed_at is None), None),
        choices=_choices(decision, found.organisation, books) if decision else [],
        exemption=_exemption(standing) if standing else None,
        timeline=[
            shapes.Moment(at=each.at, what=each.what, headline=each.headline, detail=each.detail)
            for each in story(found.moments, books.zone)
        ],
    )


def preview(seen: Foreseen) -> shapes.Preview:
    """What would be decided."""
    case, books = seen.decision.case, seen.books
    return shapes.Preview(
        key=case.milestone.key,
        new=seen.new,
        warns=bool(words(seen.decision.verdict.reason).roles),
        verdict=_verdict(seen.decision, books),
        bill=bill(case.bill, seen.organisation, books) if case.bill else None,
        choices=_choices(seen.decision, seen.organisation, books),
        as_of=books.read_at,
    )


def change(one: Change) -> shapes.Change:
    """A change of the feed."""
    return shapes.Change(
        cursor=str(one.change_id),
        type=one.what,
        at=one.at,
        organisation=one.organisation,
        key=one.key,
        action=one.action,
        reason=one.reason,
        flag_id=one.flag_id,
        choice=one.choice,
        by=one.by,
        because=one.because,
        bill_id=one.bill_id,
        bill_number=one.bill_number,
        bill_status=one.bill_status,
        currency=one.currency,
        total=None if one.total is None else str(one.total),
        settled=None if one.settled is None else str(one.settled),
    )


def _verdict(decision: Decision, books: Books) -> shapes.Verdict:
    verdict = decision.verdict
    return shapes.Verdict(
        action=verdict.action,
        reason=verdict.reason,
        headline=words(verdict.reason).headline,
        explanation=explain(decision, books),
        todo=what_to_do(decision, books),
        if_nobody_acts=if_nobody_acts(decision, books) if words(verdict.reason).roles else "",
        when_paid=when_paid(decision, books),
        differences=[
            shapes.Difference(field=name, milestone=ours, bill=theirs) for name, ours, theirs in sides(decision, books)
        ],
        lock=verdict.lock,
        proposed_date=verdict.proposed,
    )


def _choices(decision: Decision, ours: Organisation, books: Books) -> list[shapes.Choice]:
    return [
        shapes.Choice(choice=kind, label=choice_label(kind), effect=choice_effect(kind, decision, books))
        for kind in fitting(decision, ours)
    ]


def _flag(flag: Flag) -> shapes.Flag:
    return shapes.Flag(flag_id=flag.flag_id, reason=flag.reason, opened_at=flag.opened_at, remind_on=flag.remind_on)


def _exemption(given: model.Exemption) -> shapes.Exemption:
    return shapes.Exemption(by=given.by, reason=given.reason, since=given.since, until=given.until)
