"""What is on a bill: its line, its due date, its link back, its tracking; and the note in its history."""

import datetime as dt
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import one_turn
import pytest
from world import KEY, seconds_ahead

from reconciler.model import Links
from reconciler.reasons import Reason
from reconciler.words import bill_link

SCOPES = 'scopes = ["accounting.invoices", "accounting.settings", "accounting.contacts.read"]'
SYNC = 'mode = "sync"\n'
YOUTH = (("Region", "Youth"),)


def notes(world: Any, key: str = "M-1") -> list[str]:
    """What the bill's history says in notes."""
    return [note.details for note in world.org.books.history[world.bill(key).bill_id] if note.changes == "Note"]


def noted(world: Any) -> int:
    return world.xero.calls("/Invoices/{invoice}/History", method="PUT")


def test_line_and_due_date_follow_the_settings(make_world: Any) -> None:
    world = make_world(organisation=SYNC + 'description = "{title} ({key})"\ndue = "end of following month"')
    world.sweep()
    world.put(date=dt.date(2026, 1, 31))
    world.turn()
    assert (world.bill().lines[0].description, world.bill().due) == ("Stage of M-1 (M-1)", dt.date(2026, 2, 28))
    world.sweep()
    assert (world.reason(), world.writes()) == (Reason.AWAITING_APPROVAL, 1)


def test_where_the_sandbox_stands_for_xero_the_link_to_the_bill_leads_to_its_page(world: Any) -> None:
    world.put()
    world.turn()
    organisation, books = world.house.organisations[KEY], world.house.ledger.mirror.books(KEY)
    shown = httpx.get(bill_link(organisation, books, world.bill().bill_id), follow_redirects=True, timeout=10)
    assert shown.status_code == 200
    assert shown.url.copy_with(query=None, fragment=None) == f"{world.xero.url}/"
    assert f'<tr id="{world.bill().bill_id}">' in shown.text


@pytest.mark.parametrize(
    ("link", "url"),
    [("https://grants.example.org/m/1", "https://grants.example.org/m/1"), ("https://xero.example.org/m/1", "")],
)
def test_a_bill_links_back_to_its_milestone_unless_xero_would_not_take_the_link(
    world: Any, link: str, url: str
) -> None:
    world.put(links=Links(milestone=link))
    world.turn()
    assert world.bill().url == url
    assert world.reason() is Reason.AWAITING_APPROVAL


def test_a_link_that_xero_refused_is_tried_again_once_it_is_another(world: Any) -> None:
    world.put(links=Links(milestone="grants.example.org/m/1"))
    world.turn()
    assert world.reason() is Reason.REFUSED
    world.put(links=Links(milestone="https://grants.example.org/m/1"))
    world.turn()
    assert (world.reason(), world.bill().url) == (Reason.AWAITING_APPROVAL, "https://grants.example.org/m/1")


class TestTracking:
    """An option that Xero lacks is made when the settings say so, and else flagged."""

    def test_a_missing_option_is_made_once_and_used(self, make_world: Any) -> None:
        world = make_world(organisation=f"{SYNC}create_tracking_options = true\n{SCOPES}")
        world.sweep()
        for key in ("M-1", "M-2"):
            world.put(key, tracking=YOUTH)
        world.turn()
        assert [option.name for option in world.org.books.tracking["region"].options][-1] == "Youth"
        assert [mark.option for key in ("M-1", "M-2") for mark in world.bill(key).lines[0].tracking] == ["Youth"] * 2
        world.put("M-3", tracking=YOUTH)
        world.sweep()
        assert world.xero.calls("/TrackingCategories/{category}/Options") == 1
        assert world.reason("M-3") is Reason.AWAITING_APPROVAL

    def test_the_first_option_of_a_category_is_made_too(self, make_world: Any) -> None:
        world = make_world(organisation=f"{SYNC}create_tracking_options = true\n{SCOPES}")
        for option in world.org.books.tracking["region"].options:
            world.org.archive_tracking("Region", option.name)
        world.sweep()
        world.put(tracking=YOUTH)
        world.turn()
        assert world.reason() is Reason.AWAITING_APPROVAL

    def test_nothing_is_made_while_only_watching(self, make_world: Any) -> None:
        world = make_world(organisation=f'mode = "watch"\ncreate_tracking_options = true\n{SCOPES}')
        world.sweep()
        world.put(tracking=YOUTH)
        world.turn()
        assert world.reason() is Reason.WOULD_CREATE
        assert world.xero.calls("/TrackingCategories/{category}/Options") == 0

    def test_without_the_setting_the_milestone_is_flagged(self, world: Any) -> None:
        world.put(tracking=YOUTH)
        world.turn()
        assert world.reason() is Reason.TRACKING_UNUSABLE
        assert world.xero.calls("/TrackingCategories/{category}/Options") == 0

    @pytest.mark.parametrize("pair", [("Regions", "North"), ("Region", "NORTH")])
    def test_another_category_or_other_letters_are_flagged_not_made(
        self, make_world: Any, pair: tuple[str, str]
    ) -> None:
        world = make_world(organisation=f"{SYNC}create_tracking_options = true\n{SCOPES}")
        world.sweep()
        world.put(tracking=(pair,))
        world.turn()
        assert world.reason() is Reason.TRACKING_UNUSABLE
        assert world.xero.calls("/TrackingCategories/{category}/Options") == 0

    def test_an_option_that_xero_does_not_take_is_flagged_on_the_bill(self, make_world: Any) -> None:
        world = make_world(organisation=f"{SYNC}create_tracking_options = true\n{SCOPES}")
        world.org.archive_tracking("Region", "North")
        world.sweep()
        world.put(tracking=(("Region", "North"),))
        world.turn()
        assert world.reason() is Reason.TRACKING_UNUSABLE
        assert world.org.bills() == []


class TestNotes:
    """A note says what was written; the bill never waits for it."""

    @pytest.fixture
    def world(self, make_world: Any) -> Any:
        made = make_world(organisation=SYNC + "history_notes = true")
        made.sweep()
        made.put(links=Links(milestone="https://grants.example.org/m/1"))
        return made

    def test_what_was_written_stands_in_the_bills_history(self, world: Any) -> None:
        world.turn()
        made = "billwatch: made this bill for milestone M-1 (Stage of M-1). https://grants.example.org/m/1"
        assert notes(world) == [made]
        world.put(title="Another stage")
        world.turn()
        changed = "billwatch: changed description for milestone M-1 (Another stage). https://grants.example.org/m/1"
        assert notes(world) == [made, changed]
        for _ in range(3):
            world.sweep()
        assert noted(world) == 2

    def test_without_the_setting_nothing_is_noted(self, make_world: Any) -> None:
        world = make_world()
        world.sweep()
        world.put()
        world.turn()
        assert (notes(world), noted(world)) == ([], 0)

    @pytest.mark.parametrize("fault", [{"status": 503}, {"status": 500}, {"cut": "after"}, {"cut": "before"}])
    def test_a_note_that_fails_keeps_no_bill_waiting_and_is_tried_twice_at_most(self, world: Any, fault: Any) -> None:
        world.xero.fault(**fault, times=9, path="/History")
        world.turn()
        assert world.reason() is Reason.AWAITING_APPROVAL
        for _ in range(3):
            world.sweep()
        assert len(notes(world)) <= 1
        assert world.house.ledger.notes.owed(KEY, 9) == []

    def test_an_answer_that_was_lost_repeats_nothing(self, world: Any) -> None:
        world.xero.fault(cut="after", times=1, path="/History")
        world.turn()
        world.sweep()
        assert len(notes(world)) == 1

    @pytest.mark.parametrize("point", one_turn.NOTING)
    def test_a_kill_repeats_no_note_and_loses_none(
        self, world: Any, tmp_path: Path, environ: dict[str, str], point: str
    ) -> None:
        text = world.text(organisation=SYNC + "history_notes = true")
        (tmp_path / "billwatch.toml").write_text(text)
        ahead = seconds_ahead(world.xero)
        command = [sys.executable, one_turn.__file__, str(tmp_path / "billwatch.toml"), ahead, point, "1"]
        secrets = environ | {"CLIENT_SECRET": world.xero.client_secret, "PYTHONPATH": str(Path.cwd())}
        killed = subprocess.run(command, env=secrets, timeout=30, check=False)  # noqa: S603  a program of our own
        assert killed.returncode == -signal.SIGKILL
        for _ in range(3):
            world.turn()
        assert len(notes(world)) == 1
        assert world.house.ledger.notes.owed(KEY, 9) == []

    def test_many_notes_are_written_a_few_at_a_time(self, world: Any) -> None:
        for number in range(2, 31):
            world.put(f"M-{number}")
        world.turn()
        assert noted(world) == 20
        world.sweep()
        assert noted(world) == 30

    def test_the_last_calls_of_the_day_are_not_spent_on_notes(self, world: Any) -> None:
        world.xero.limits(on=True, day=200)
        world.turn()
        assert (world.reason(), noted(world)) == (Reason.AWAITING_APPROVAL, 0)

    def test_notes_are_counted_by_themselves(self, world: Any) -> None:
        world.turn()
        client = world.cycle.reader._xero
        assert client.usage()["note"].calls == 1
