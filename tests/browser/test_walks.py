"""People at work in a real browser, with scripts switched off: from the mail's link, and on the dashboard."""

import datetime as dt
from decimal import Decimal
from typing import Any

from playwright.sync_api import expect
from walking import Walk, billed, confirm, conflict, locked, log_in

from billwatch.demo.stage import KEY, until
from reconciler.reasons import Reason


def test_a_bill_changed_in_xero_is_put_right_there_and_resynced_from_the_link(walk: Walk, page: Any) -> None:
    billed(walk, "B-1")
    walk.org.edit("B-1", total=Decimal("1300.00"))
    walk.becomes("B-1", Reason.CHANGED_IN_XERO)
    page.goto(walk.link("B-1"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Payee of B-1")
    page.get_by_label("Write the milestone's values").check()
    confirm(page)
    expect(page.get_by_role("heading", name="How things stand now")).to_be_visible()
    assert walk.stage.reason("B-1") is Reason.AWAITING_APPROVAL


def test_a_milestone_in_a_locked_period_is_billed_on_the_date_that_somebody_chooses(walk: Walk, page: Any) -> None:
    first = locked(walk, "B-2")
    page.goto(walk.link("B-2"))
    page.get_by_label("Use another date").check()
    page.get_by_label("Date of the bill").fill(first.isoformat())
    confirm(page)
    expect(page.get_by_text("Awaiting approval").first).to_be_visible()
    (bill,) = [b for b in walk.org.bills() if b.number == "B-2"]
    assert bill.day == first


def test_a_voided_bill_is_billed_again(walk: Walk, page: Any) -> None:
    billed(walk, "B-3")
    walk.org.approve("B-3")
    walk.org.void("B-3")
    walk.becomes("B-3", Reason.BILL_VOIDED)
    page.goto(walk.link("B-3"))
    page.get_by_label("Bill it again").check()
    confirm(page)
    expect(page.get_by_role("heading", name="How things stand now")).to_be_visible()
    assert [b.status for b in walk.org.bills() if b.number == "B-3-2"] == ["SUBMITTED"]


def test_a_conflict_that_keeps_what_xero_has_stays_quiet_afterwards(walk: Walk, page: Any) -> None:
    conflict(walk, "B-4")
    page.goto(walk.link("B-4"))
    page.get_by_label("Keep what Xero has").check()
    confirm(page)
    expect(page.get_by_role("heading", name="How things stand now")).to_be_visible()
    walk.stage.sweep()
    assert walk.stage.reason("B-4") is Reason.AWAITING_APPROVAL


def test_a_group_is_resynced_together_once_the_lock_is_lifted(walk: Walk, page: Any) -> None:
    locked(walk, "B-5", "B-6")
    walk.link("B-6")
    walk.org.lock(period=None)
    for key in ("B-5", "B-6"):
        walk.becomes(key, Reason.LOCK_LIFTED)
    log_in(page, walk, "/milestones?reason=LOCK_LIFTED")
    page.get_by_label("Tick B-5").check()
    page.get_by_label("Tick B-6").check()
    page.get_by_role("button", name="Resync").click()
    expect(page.get_by_role("heading", name="These 2 milestones")).to_be_visible()
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", name="How these 2 stand now")).to_be_visible()
    assert {walk.stage.reason(key) for key in ("B-5", "B-6")} == {Reason.AWAITING_APPROVAL}


def test_an_expired_link_mails_a_fresh_one(walk: Walk, page: Any) -> None:
    conflict(walk, "B-7")
    old = walk.link("B-7")
    before = len(walk.stage.letters.kept)
    later = walk.stage.house.clock() + dt.timedelta(days=31)
    desk = walk.stage.house.desk
    clock, desk._clock = desk._clock, lambda: later
    try:
        page.goto(old)
        page.get_by_role("button", name="Mail a fresh link").click()
    finally:
        desk._clock = clock
    expect(page.get_by_role("heading", name="A fresh link is on its way")).to_be_visible()
    assert until(lambda: len(walk.stage.letters.kept) > before and walk.link("B-7") != old)


def test_the_dashboard_exempts_and_undoes_it_again(walk: Walk, page: Any) -> None:
    billed(walk, "B-8")
    log_in(page, walk, "/milestones?text=B-8")
    page.get_by_label("Tick B-8").check()
    page.get_by_role("button", name="Exempt").click()
    page.get_by_label("Reason").fill("Paid by koha")
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", name="How it stands now")).to_be_visible()
    page.get_by_role("link", name="Exemptions").click()
    expect(page.get_by_text("Paid by koha")).to_be_visible()
    (told,) = [m.value for m in walk.stage.house.ledger.overview.timeline(KEY, "B-8") if m.what == "choice"]
    assert (told.by, told.reason) == ("ana", "Paid by koha")
    page.get_by_role("button", name="Undo the exemption of B-8").click()
    expect(page.get_by_role("heading", name="When is it paid?")).to_be_visible()
    assert walk.stage.reason("B-8") is Reason.AWAITING_APPROVAL


def test_the_dashboard_lets_nobody_in_without_the_password_and_finds_by_filter(walk: Walk, page: Any) -> None:
    conflict(walk, "B-9")
    page.goto(f"{walk.stage.daemon.url}/milestones?state=waiting")
    page.get_by_label("Name").fill("ana")
    page.get_by_label("Password").fill("a guess")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_have_text("That name and password do not go together.")
    log_in(page, walk, "/milestones?state=waiting")
    expect(page.get_by_role("heading", name="Milestones", exact=True)).to_be_visible()
    page.get_by_label("Key, payee or title").fill("b-9")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("row")).to_have_count(2)
    page.get_by_role("link", name="B-9").click()
    page.get_by_label("Keep what Xero has").check()
    page.get_by_role("button", name="Review, then confirm").click()
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", name="How it stands now")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
