"""Settings that change are for new bills and for drafts: what somebody approved stays as it was made, and is not asked
about."""

import pytest
from case_builders import DUE, LINK, a_bill, a_line, a_milestone, an_organisation, billed, judge, permissive, unbilled
from msgspec.structs import replace

from reconciler.due import Due
from reconciler.model import Case, Field, Sense, Status, Terms
from reconciler.organisation import Organisation
from reconciler.reasons import Reason

APPROVED = a_bill(status=Status.AUTHORISED)
NEW_SETTINGS = (
    an_organisation(account="429"),
    an_organisation(due=Due(30)),
    an_organisation(description="{title} for {payee}"),
    an_organisation(tax="INPUT2"),
    an_organisation(tracking=(("Fund", "Arts"),)),
    an_organisation(sense=Sense.EXCLUSIVE),
)
NAMES = ("account", "due", "description", "tax", "tracking", "sense")
each_setting = pytest.mark.parametrize("organisation", NEW_SETTINGS, ids=NAMES)


def remembered(case: Case, organisation: Organisation) -> Case:
    return replace(case, link=judge(case, organisation).link)


@each_setting
@pytest.mark.parametrize("bill", [APPROVED, a_bill(status=Status.PAID)], ids=["approved", "paid"])
def test_an_approved_bill_is_not_asked_about_for_the_settings_alone(organisation: Organisation, bill: object) -> None:
    case = billed(bill=bill)  # type: ignore[arg-type]
    assert judge(case, organisation).reason in (Reason.APPROVED, Reason.PAID)
    again = remembered(case, organisation)
    assert judge(again, organisation).reason in (Reason.APPROVED, Reason.PAID)
    assert again.link.under == organisation.defaults


@each_setting
def test_a_draft_follows_the_settings(organisation: Organisation) -> None:
    taxed = a_bill(status=Status.DRAFT, subtotal=a_bill().total - 1)
    bill = taxed if organisation.sense is Sense.EXCLUSIVE else a_bill(status=Status.DRAFT)
    assert judge(billed(bill=bill), organisation).reason is Reason.UPDATE


def test_a_draft_that_is_approved_before_it_followed_is_asked_about_no_more() -> None:
    organisation = an_organisation(account="429", mode=an_organisation().mode.WATCH)
    case = remembered(billed(bill=a_bill(status=Status.DRAFT)), organisation)
    assert judge(replace(case, bill=APPROVED), organisation).reason is Reason.APPROVED


@each_setting
def test_a_new_bill_is_made_by_the_settings_of_now(organisation: Organisation) -> None:
    verdict = judge(unbilled(), organisation)
    assert verdict.reason is Reason.CREATE
    assert judge(unbilled()).write != verdict.write


def test_what_the_milestone_itself_changes_is_still_asked_about() -> None:
    organisation = an_organisation(account="429", description="{title} for {payee}")
    verdict = judge(billed(a_milestone(title="Third stage", version=2), APPROVED), organisation)
    assert (verdict.reason, verdict.fields) == (Reason.BILL_APPROVED, {Field.DESCRIPTION})


def test_a_policy_that_updates_approved_bills_leaves_them_their_settings_too() -> None:
    assert judge(billed(bill=APPROVED), permissive(account="429")).reason is Reason.APPROVED


def test_the_due_date_follows_a_date_that_the_milestone_changes() -> None:
    moved = a_milestone(date=DUE, version=2)
    assert judge(billed(moved, APPROVED), an_organisation(due=Due(30))).fields == {Field.DATE, Field.DUE_DATE}


def test_without_a_memory_of_the_settings_what_differs_is_asked_about() -> None:
    old = billed(bill=APPROVED, link=replace(LINK, under=None))
    assert judge(old, an_organisation(account="429")).reason is Reason.BILL_APPROVED


@pytest.mark.parametrize("status", [Status.DRAFT, Status.AUTHORISED])
def test_settings_that_change_nothing_of_a_bill_are_remembered_as_those_it_is_under(status: Status) -> None:
    of_its_own = billed(a_milestone(account="480"), a_bill(status=status))
    organisation = an_organisation(account="429")
    assert judge(of_its_own, organisation).link.under == organisation.defaults


def test_an_edit_in_xero_is_still_seen_after_new_settings() -> None:
    edited = a_bill(status=Status.AUTHORISED, total=APPROVED.total - 5, lines=(a_line(APPROVED.total - 5),))
    case = remembered(billed(bill=APPROVED), an_organisation(account="429"))
    assert isinstance(case.link.asked, Terms)
    assert judge(replace(case, bill=edited), an_organisation(account="429")).reason is Reason.CHANGED_IN_XERO


def test_fields_are_those_of_terms_in_their_order() -> None:
    assert tuple(Field) == Terms.__struct_fields__
