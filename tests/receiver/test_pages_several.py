"""The page behind a link that is about several milestones: all of them, some, or one alone is decided."""

import dataclasses
import re
from decimal import Decimal

import desk
import pytest
from browser import KEEP, TOKEN, at, text
from msgspec.structs import replace

from reconciler.model import Status
from reconciler.reasons import Reason
from reconciler.records import Flag


def test_a_group_shows_its_total_and_each_milestone() -> None:
    answer = at(sheet=desk.locked()).get()
    assert "14 milestones: blocked by the period lock" in text(answer)
    assert "NZ$446,250.00 in 14 milestones" in text(answer)
    assert "Xero is locked to 30 June 2026" in text(answer)
    assert len(re.findall(r'type="checkbox" name="keys"[^>]* checked', answer.text)) == 14
    assert "Sample River Care NZ$38,750.00 M-0419" in text(answer)


def test_a_group_of_many_causes_is_named_after_none_of_them() -> None:
    voided, locked = desk.sheet(desk.flag(Reason.BILL_VOIDED)), desk.locked()
    answer = at(sheet=dataclasses.replace(locked, items=(*voided.items, *locked.items[:2]))).get()
    assert "3 milestones need a decision" in text(answer)
    assert "What else can be done differs: choose “Decide this one alone” with each." in text(answer)
    assert "Exempt these milestones" in text(answer)


def test_the_review_speaks_of_those_that_are_ticked() -> None:
    exempt = {**KEEP, "kind": "exempt", "reason": "paid by hand", "step": "review"}
    several = {**exempt, "keys": ["M-0419", "M-0418"]}
    assert "Exempt these milestones?" in text(at(sheet=desk.locked()).post(several))
    assert "Exempt this milestone?" in text(at(sheet=desk.locked()).post({**exempt, "keys": ["M-0419"]}))


def test_a_choice_acts_on_the_ticked_milestones_alone() -> None:
    browser = at(sheet=desk.locked())
    form = {**KEEP, "kind": "date", "date": "2026-07-01", "keys": ["M-0419", "M-0418", "M-7777", "M-0418"]}
    assert "These 2 milestones, NZ$78,750.00" in text(browser.post({**form, "step": "review"}))
    browser.post(form)
    assert browser.desk.acts[0][2] == ("M-0418", "M-0419")


def test_one_of_a_group_can_be_decided_alone() -> None:
    browser = at(sheet=desk.locked())
    alone = f"{TOKEN}?only=M-0420"
    assert "Example Kura: blocked by the period lock" in text(browser.get(alone))
    browser.post({**KEEP, "kind": "date", "date": "2026-07-01"}, alone)
    assert browser.desk.acts[0][2] == ("M-0420",)


def test_after_a_part_of_the_group_the_result_leads_to_the_rest() -> None:
    form = {**KEEP, "kind": "date", "date": "2026-07-01", "keys": ["M-0418"]}
    assert "See what else" in text(at(sheet=desk.locked()).post(form))
    assert "See what else" not in text(at().post(KEEP))


def test_what_is_still_open_after_a_choice_is_not_called_done() -> None:
    for after in (Reason.PERIOD_LOCKED, Reason.XERO_UNAVAILABLE):
        assert "Recorded, but still open" in text(at(after=after).post(KEEP))


BACK, REST = "Back to all milestones", "See what else"


def test_only_where_there_are_others_the_page_of_one_leads_back_to_them() -> None:
    group, one = at(sheet=desk.locked()), at()
    (key,) = (decision.case.milestone.key for decision in desk.changed().items)
    assert BACK in text(group.get(f"{TOKEN}?only=M-0420"))
    assert BACK not in text(one.get(f"{TOKEN}?only={key}"))
    assert REST in text(group.post({**KEEP, "kind": "date", "date": "2026-07-01"}, f"{TOKEN}?only=M-0420"))
    assert REST not in text(one.post(KEEP, f"{TOKEN}?only={key}"))


@pytest.mark.parametrize("sheet", [desk.locked(), desk.changed()], ids=["several", "one"])
def test_a_milestone_that_the_link_is_not_about_is_not_shown_and_that_is_said(sheet: desk.Sheet) -> None:
    answer = at(sheet=sheet).get(f"{TOKEN}?only=M-9999")
    assert "The mail was not about the milestone that this address names." in text(answer)
    assert "M-9999" not in text(answer)
    assert BACK not in text(answer)
    assert "The mail was not about" not in text(at(sheet=sheet).get())


def test_of_a_milestone_that_is_not_open_any_more_the_page_of_it_says_why_and_shows_the_others() -> None:
    gone = Flag(7, "example", "M-0001", Reason.PERIOD_LOCKED, desk.NOW, None, desk.NOW, "resolved: nothing is left")
    browser = at(sheet=dataclasses.replace(desk.locked(3), closed=(gone,)))
    alone = f"{TOKEN}?only=M-0001"
    shown = text(browser.get(alone))
    assert "Not open any more: M-0001 (resolved: nothing is left). Here is what is still open of the mail." in shown
    assert "3 milestones" in shown
    late = text(browser.post({**KEEP, "fingerprint": "of yesterday", "seen": ["p M-0001"]}, alone))
    assert "Nothing was done; please look again. Not open any more: M-0001 (resolved: nothing is left)." in late
    assert "New:" not in late


def test_only_choices_that_fit_every_milestone_are_offered() -> None:
    pair = desk.sheet(*(desk.flag(Reason.BILL_VOIDED, milestone=replace(desk.MILESTONE, key=k)) for k in ("a", "b")))
    offered = re.findall(r'name="kind" id="[^"]+" value="([^"]+)"', at(sheet=pair).get().text)
    assert offered == ["bill-again", "remind", "exempt"]


def test_different_explanations_stand_with_their_milestones() -> None:
    bills = [replace(desk.BILL, number=number, status=Status.VOIDED) for number in ("A-1", "B-2")]
    items = [
        desk.flag(Reason.BILL_VOIDED, milestone=replace(desk.MILESTONE, key=bill.number), bill=bill) for bill in bills
    ]
    seen = text(at(sheet=desk.sheet(*items)).get())
    assert "The bill A-1 of NZ$12,000.00 was voided" in seen
    assert "The bill B-2 of NZ$12,000.00 was voided" in seen


def test_currencies_are_never_added_up() -> None:
    pair = desk.sheet(
        desk.flag(Reason.BILL_VOIDED),
        desk.flag(
            Reason.BILL_VOIDED, milestone=replace(desk.MILESTONE, key="b", currency="AUD", amount=Decimal("0.10"))
        ),
    )
    assert "NZ$15,000.00 + A$0.10 in 2 milestones" in text(at(sheet=pair).get())


def test_a_milestone_that_is_resolved_by_now_leaves_nothing_to_decide() -> None:
    empty = desk.sheet()
    assert "Nothing to decide" in text(at(sheet=empty).get())
    assert at(sheet=empty).post(KEEP).status_code == 200
