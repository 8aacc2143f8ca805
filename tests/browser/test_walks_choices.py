"""More people at work in a real browser, with scripts switched off: the choices that take a second thought."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from playwright.sync_api import expect
from walking import Walk, billed, confirm, conflict, dearer, locked, log_in

from reconciler.reasons import Choose, Reason


def test_an_approved_bill_whose_milestone_became_dearer_has_the_difference_billed(walk: Walk, page: Any) -> None:
    dearer(walk, "C-1")
    page.goto(walk.link("C-1"))
    page.get_by_label("Bill the difference").check()
    expect(page.get_by_text("A second bill of NZ$300.00 is made")).to_be_visible()
    confirm(page)
    expect(page.get_by_text("It is billed in parts: C-1 (NZ$1,200.00, approved, unpaid)")).to_be_visible()
    assert {b.number: b.total for b in walk.org.bills() if b.number.startswith("C-1")} == {
        "C-1": Decimal("1200.00"),
        "C-1-2": Decimal("300.00"),
    }
    page.goto(walk.link("C-1"))
    expect(page.get_by_role("heading", name="This is decided")).to_be_visible()
    expect(page.get_by_text("Ana Example chose “Bill the difference”")).to_be_visible()


def test_a_milestone_is_exempted_from_the_link_and_the_dashboard_undoes_it(walk: Walk, page: Any) -> None:
    conflict(walk, "C-2")
    page.goto(walk.link("C-2"))
    page.get_by_text("Not now: be reminded, or exempt it").click()
    page.get_by_label("Exempt this milestone").check()
    page.get_by_label("Reason").fill("Paid by koha")
    confirm(page)
    expect(page.get_by_text("Exempt from syncing: Paid by koha")).to_be_visible()
    log_in(page, walk, "/exemptions")
    page.get_by_role("button", name="Undo the exemption of C-2").click()
    expect(page.get_by_role("heading", name="When is it paid?")).to_be_visible()
    assert walk.stage.reason("C-2") is Reason.EDITED_IN_XERO
    walk.tidy("C-2")


def test_a_group_is_resynced_from_the_link_of_its_mail(walk: Walk, page: Any) -> None:
    locked(walk, "C-3", "C-4")
    walk.org.lock(period=None)
    for key in ("C-3", "C-4"):
        walk.becomes(key, Reason.LOCK_LIFTED)
    page.goto(walk.link("C-4", "no longer locked"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("no longer locked")
    page.get_by_label("Resync now").check()
    confirm(page)
    expect(page.get_by_role("heading", name="Done", exact=True)).to_be_visible()
    assert {walk.stage.reason(key) for key in ("C-3", "C-4")} == {Reason.AWAITING_APPROVAL}


def test_a_reminder_leaves_everything_open_and_is_quiet_until_its_day(walk: Walk, page: Any) -> None:
    conflict(walk, "C-5")
    page.goto(walk.link("C-5"))
    page.get_by_text("Not now: be reminded, or exempt it").click()
    page.get_by_label("Remind me on a date").check()
    day = walk.stage.house.clock().date() + dt.timedelta(days=9)
    page.get_by_label("Day of the reminder").fill(day.isoformat())
    confirm(page)
    expect(page.get_by_role("heading", name="It is quiet until then")).to_be_visible()
    assert walk.stage.reason("C-5") is Reason.EDITED_IN_XERO
    (flag,) = walk.stage.house.ledger.milestones.open_flags("example", ["C-5"])
    assert (flag.remind_on, flag.remind_by) == (day, "Ana Example")
    walk.tidy("C-5")


def test_who_says_that_a_bill_is_voided_is_believed_once_xero_says_so(walk: Walk, page: Any) -> None:
    billed(walk, "C-6")
    walk.org.approve("C-6")
    walk.put("C-6", cancelled=True)
    walk.becomes("C-6", Reason.BILL_NOT_WANTED)
    page.goto(walk.link("C-6"))
    page.get_by_label("It is voided in Xero").check()
    page.get_by_label("Your name").fill("Ana Example")
    page.get_by_role("button", name="Review, then confirm").click()
    expect(page.get_by_role("alert")).to_contain_text("still has the bill C-6 as approved, unpaid")
    walk.org.void("C-6")
    page.get_by_role("button", name="Review, then confirm").click()
    expect(page.get_by_role("heading", name="Done", exact=True)).to_be_visible()
    assert walk.stage.reason("C-6") is Reason.WITHDRAWN


def test_a_locked_date_is_refused_before_it_is_confirmed(walk: Walk, page: Any) -> None:
    first = locked(walk, "C-7")
    page.goto(walk.link("C-7"))
    page.get_by_label("Use another date").check()
    page.get_by_label("Date of the bill").fill((first - dt.timedelta(days=1)).isoformat())
    page.get_by_label("Your name").fill("Ana Example")
    page.get_by_role("button", name="Review, then confirm").click()
    expect(page.get_by_role("alert")).to_contain_text("is locked too")
    expect(page.get_by_role("alert")).to_contain_text("The first open day is")
    walk.org.lock(period=None)
    walk.tidy("C-7", Choose.RESYNC)


def test_a_replacement_named_by_its_number_is_shown_and_a_second_click_is_harmless(
    walk: Walk, new_page: Callable[..., Any]
) -> None:
    billed(walk, "C-8")
    walk.org.delete("C-8")
    walk.becomes("C-8", Reason.BILL_DELETED)
    made = walk.org.add_bill(
        contact="Payee of C-8", total=Decimal("1200.00"), date=walk.stage.house.clock().date(), number="INV-808"
    )
    page = new_page()
    page.goto(walk.link("C-8"))
    page.get_by_label("It was replaced by another bill").check()
    page.get_by_label("number, or its address in Xero").fill("INV-808")
    page.get_by_label("Your name").fill("Ana Example")
    page.get_by_role("button", name="Review, then confirm").click()
    expect(page.get_by_text("INV-808, NZ$1,200.00")).to_be_visible()
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", name="How things stand now")).to_be_visible()
    # Sends the form again, as a double click does.
    page.reload()
    expect(page.get_by_role("heading", name="How things stand now")).to_be_visible()
    (decision,) = walk.stage.house.ledger.milestones.standing("example", ["C-8"])
    assert decision.case.link.bill_id == made.bill_id
    told = walk.stage.house.ledger.overview.timeline("example", "C-8")
    assert [m.value.kind for m in told if m.what == "choice"] == ["replaced-by"]


def test_the_keyboard_alone_decides_from_the_link(walk: Walk, page: Any) -> None:
    conflict(walk, "C-9")
    page.goto(walk.link("C-9"))
    keys = page.keyboard
    reach(page, "input[name=kind]:focus")
    while not page.locator("input[value=keep]:checked").count():
        keys.press("ArrowDown")
    reach(page, "input[name=by]:focus")
    keys.type("Ana Example")
    keys.press("Tab")
    keys.press("Enter")
    expect(page.get_by_text("Nothing has been done yet.")).to_be_visible()
    reach(page, "button[value=confirm]:focus")
    keys.press("Enter")
    expect(page.get_by_role("heading", name="How things stand now")).to_be_visible()
    assert walk.stage.reason("C-9") is Reason.AWAITING_APPROVAL


def reach(page: Any, focused: str) -> None:
    """Press Tab until the focus is there."""
    for _ in range(60):
        if page.locator(focused).count():
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{focused} was not reached")
