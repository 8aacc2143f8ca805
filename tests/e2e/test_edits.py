"""What an accountant does to a bill is never undone by us without somebody having chosen so."""

import datetime as dt
from decimal import Decimal

import pytest
from edits_world import billed, bodies, during
from world import KEY

from reconciler.errors import InputError
from reconciler.reasons import Choose, Reason

PRICE = Decimal("1200.00")
OTHER = Decimal("1300.00")
THEIRS = Decimal("1250.00")

__all__ = ["billed"]


class TestConflict:
    """Both sides changed the amount."""

    @pytest.fixture
    def conflict(self, billed):
        billed.org.edit("M-1", total=THEIRS)
        billed.put(amount=OTHER)
        billed.sweep()
        assert billed.reason() is Reason.EDITED_IN_XERO
        difference = billed.standing().verdict.differences[0]
        assert (difference.ours, difference.theirs) == (OTHER, THEIRS)
        return billed

    def test_keeping_xeros_leaves_the_bill_and_is_quiet_from_then_on(self, conflict):
        conflict.choose(Choose.KEEP)
        conflict.sweep()
        assert (conflict.bill().total, conflict.reason()) == (THEIRS, Reason.AWAITING_APPROVAL)
        assert (conflict.writes(), conflict.open_flags()) == (1, [])

    def test_a_kept_difference_is_asked_about_again_once_the_field_changes(self, conflict):
        conflict.choose(Choose.KEEP)
        conflict.org.edit("M-1", total="1260.00")
        conflict.sweep()
        assert conflict.reason() is Reason.CHANGED_IN_XERO

    def test_overwriting_writes_the_milestones_value(self, conflict):
        conflict.choose(Choose.OVERWRITE)
        assert (conflict.bill().total, conflict.reason()) == (OTHER, Reason.AWAITING_APPROVAL)

    def test_overwriting_does_not_cover_an_edit_made_since(self, conflict):
        during(conflict, "bills", lambda: conflict.org.edit("M-1", total="1260.00"))
        conflict.choose(Choose.OVERWRITE)
        assert conflict.bill().total in (Decimal("1260.00"), OTHER)
        assert conflict.standing().case.link.seen.total == conflict.bill().total

    def test_making_both_equal_by_hand_settles_it(self, conflict):
        conflict.org.edit("M-1", total=OTHER)
        conflict.sweep()
        assert (conflict.reason(), conflict.writes(), conflict.open_flags()) == (Reason.AWAITING_APPROVAL, 1, [])


class TestSeveralLines:
    """Somebody split the bill into lines; our one amount would undo that."""

    @pytest.fixture
    def split(self, billed):
        billed.org.edit("M-1", unit_amount="700.00", add_line={"description": "Rest", "unit_amount": "500.00"})
        billed.sweep()
        return billed

    def test_a_split_with_the_same_total_is_quiet(self, split):
        assert split.reason() is Reason.AWAITING_APPROVAL

    def test_a_change_of_the_amount_then_asks_and_keeping_is_quiet(self, split):
        split.put(amount=OTHER)
        split.turn()
        assert (split.reason(), len(split.bill().lines)) == (Reason.EDITED_IN_XERO, 2)
        split.choose(Choose.KEEP)
        assert (split.reason(), len(split.bill().lines)) == (Reason.AWAITING_APPROVAL, 2)

    def test_overwriting_puts_one_line_in_their_place(self, split):
        split.put(amount=OTHER)
        split.turn()
        split.choose(Choose.OVERWRITE)
        assert (split.bill().total, len(split.bill().lines)) == (OTHER, 1)
        assert (split.reason(), split.open_flags()) == (Reason.AWAITING_APPROVAL, [])

    def test_a_change_of_the_date_alone_leaves_the_lines_as_they_are(self, split):
        later = split.xero.now().date() + dt.timedelta(days=5)
        split.put(date=later)
        split.turn()
        assert (split.bill().day, len(split.bill().lines), split.bill().total) == (later, 2, PRICE)


@pytest.mark.parametrize(
    "edit",
    [
        {"description": "As agreed"},
        {"account": "429"},
        {"due": "2027-12-31"},
        {"date": "2026-12-24"},
        {"reference": "R-1"},
    ],
    ids=lambda edit: next(iter(edit)),
)
def test_edits_of_coding_text_and_dates_are_quiet_and_survive_our_update(billed, edit):
    billed.org.edit("M-1", **edit)
    billed.sweep()
    assert (billed.reason(), billed.flags()) == (Reason.AWAITING_APPROVAL, [])
    edited = billed.bill()
    billed.put(amount=OTHER)
    billed.turn()
    bill = billed.bill()
    assert (bill.total, bill.day, bill.due, bill.reference) == (OTHER, edited.day, edited.due, edited.reference)
    assert [(line.description, line.account_code, line.line_id) for line in bill.lines] == [
        (line.description, line.account_code, line.line_id) for line in edited.lines
    ]


@pytest.mark.parametrize(
    ("edit", "back"),
    [({"total": THEIRS}, {"total": PRICE}), ({"contact": "Somebody else"}, {"contact": "Payee of M-1"})],
    ids=["money", "payee"],
)
def test_an_edit_of_money_or_payee_is_reported_once_and_clears_when_taken_back(billed, edit, back):
    billed.org.edit("M-1", **edit)
    for _ in range(3):
        billed.sweep()
    assert billed.reason() is Reason.CHANGED_IN_XERO
    assert (len(billed.flags()), billed.writes()) == (1, 1)
    billed.org.edit("M-1", **back)
    billed.sweep()
    assert billed.open_flags() == []
    assert "nothing is left to write" in billed.flags()[0].closed_because


def test_an_edit_of_the_tax_rate_is_not_undone_by_a_new_amount(billed):
    billed.org.edit("M-1", tax_type="ZERORATEDINPUT")
    billed.put(amount=OTHER)
    billed.sweep()
    assert (billed.reason(), billed.writes()) == (Reason.EDITED_IN_XERO, 1)


def test_edits_are_accepted_where_the_policy_says_so(make_world):
    world = make_world(policy='xero_edits = "accept"')
    world.sweep()
    world.put()
    world.turn()
    world.org.edit("M-1", total=THEIRS)
    world.sweep()
    assert (world.reason(), world.flags(), world.writes()) == (Reason.AWAITING_APPROVAL, [], 1)


class TestStatus:
    """The status of a bill is Xero's and the accountant's."""

    def test_an_update_never_names_another_status(self, make_world):
        world = make_world(policy='approved_bills = "update"')
        sent = bodies(world)
        world.sweep()
        world.put()
        world.turn()
        world.put(amount=OTHER)
        world.turn()
        world.org.approve("M-1")
        world.put(amount=PRICE)
        world.sweep()
        assert [(one.get("InvoiceID", "") != "", one.get("Status")) for one in sent] == [
            (False, "SUBMITTED"),
            (True, None),
            (True, "AUTHORISED"),
        ]
        assert (world.bill().status, world.bill().total, world.reason()) == ("AUTHORISED", PRICE, Reason.APPROVED)

    def test_a_withdrawn_milestone_leaves_its_bill_as_it_is(self, billed):
        billed.put(cancelled=True)
        billed.sweep()
        assert (billed.bill().status, billed.writes()) == ("SUBMITTED", 1)
        billed.choose(Choose.KEEP)
        assert (billed.bill().status, billed.reason(), billed.writes()) == ("SUBMITTED", Reason.WITHDRAWN, 1)

    def test_an_approved_bill_cannot_be_overwritten_by_a_click(self, billed):
        billed.org.approve("M-1")
        billed.org.edit("M-1", total=THEIRS)
        billed.sweep()
        assert billed.reason() is Reason.CHANGED_IN_XERO
        with pytest.raises(InputError, match="does not fit"):
            billed.choose(Choose.OVERWRITE)
        assert billed.writes() == 1


class TestPaidBills:
    """Xero takes some edits of a paid bill, drops others without a word, and refuses the rest."""

    @pytest.fixture
    def paid(self, make_world):
        world = make_world(policy='paid_bill_edits = "where-xero-allows"')
        world.sweep()
        world.put()
        world.turn()
        world.org.approve("M-1")
        world.org.pay("M-1")
        world.sweep()
        return world

    def test_what_xero_allows_is_written(self, paid):
        paid.put(description="As agreed", account="429")
        paid.turn()
        (line,) = paid.bill().lines
        assert (line.description, line.account_code, line.line_amount) == ("As agreed", "429", PRICE)
        assert (paid.reason(), paid.bill().status) == (Reason.PAID, "PAID")

    def test_an_amount_is_asked_about(self, paid):
        paid.put(amount=OTHER, description="As agreed")
        paid.turn()
        assert (paid.reason(), paid.writes()) == (Reason.BILL_PAID, 1)


class TestContacts:
    """Contacts belong to the accountant: followed by id, never renamed."""

    def test_a_contact_renamed_in_xero_is_still_the_payee(self, billed):
        billed.org.rename_contact("Payee of M-1", "Payee Ltd")
        billed.sweep()
        assert (billed.reason(), billed.flags()) == (Reason.AWAITING_APPROVAL, [])
        billed.put("M-2", payee="Payee of M-1")
        billed.turn()
        assert billed.bill("M-2").contact_id == billed.bill("M-1").contact_id
        assert [contact.name for contact in billed.org.contacts()] == ["Payee Ltd"]

    def test_a_merge_is_followed_and_is_no_edit(self, billed):
        kept = billed.org.add_contact("Payee Group")
        billed.org.merge_contact("Payee of M-1", into="Payee Group")
        billed.sweep()
        assert (billed.reason(), billed.flags()) == (Reason.AWAITING_APPROVAL, [])
        billed.put("M-2", payee="Payee of M-1")
        billed.turn()
        assert billed.bill("M-2").contact_id == kept.contact_id

    def test_a_write_names_a_contact_by_its_id_alone(self, billed):
        billed.org.add_contact("Other payee")
        billed.sweep()
        sent = bodies(billed)
        billed.put(payee="Other payee")
        billed.turn()
        assert [list(one["Contact"]) for one in sent] == [["ContactID"]]
        assert sorted(contact.name for contact in billed.org.contacts()) == ["Other payee", "Payee of M-1"]
        assert billed.reason() is Reason.AWAITING_APPROVAL


def test_our_own_write_is_no_edit(billed):
    billed.put(amount=OTHER)
    billed.turn()
    for _ in range(3):
        assert not billed.sweep().opened
    assert (billed.reason(), billed.writes(), billed.flags()) == (Reason.AWAITING_APPROVAL, 2, [])


def test_rounding_and_defaults_of_xero_are_no_edits(make_world):
    world = make_world(organisation='mode = "sync"\namounts = "exclusive"', country="GB")
    world.sweep()
    world.put(amount=Decimal("33.33"), tax="INPUT2", account="429")
    world.turn()
    assert (world.bill().total, world.bill().subtotal) == (Decimal("40.00"), Decimal("33.33"))
    world.sweep()
    assert (world.reason(), world.flags(), world.writes()) == (Reason.AWAITING_APPROVAL, [], 1)


def test_every_choice_is_recorded_with_who_made_it(billed):
    billed.org.edit("M-1", total=THEIRS)
    billed.sweep()
    billed.choose(Choose.KEEP)
    choices = [m.value for m in billed.house.ledger.overview.timeline(KEY, "M-1") if m.what == "choice"]
    assert [(choice.kind, choice.by) for choice in choices] == [(Choose.KEEP, "Ann Example")]


def test_the_contact_of_an_adopted_bill_stays_the_payee_s_when_it_is_renamed_in_xero(world):
    milestone = world.put("M-1", stages=frozenset())
    world.org.add_bill(
        contact=milestone.payee, total=milestone.amount, date=milestone.date, number="M-1", status="SUBMITTED"
    )
    world.sweep()
    world.put("M-1", stages=frozenset({"approved"}))
    world.turn()
    assert world.reason() is Reason.AWAITING_APPROVAL
    world.org.rename_contact(milestone.payee, "Another name altogether")
    world.sweep()
    world.put("M-1", description="A new description")
    world.turn()
    assert world.reason() is Reason.AWAITING_APPROVAL
    assert len(world.org.contacts()) == 1
