"""Mails and the links in them: one per cause and recipient, deciding on exactly what was shown, and only once."""

import datetime as dt
import functools
from decimal import Decimal

import httpx
import pytest
from desk_world import act, deliver, letterbox, make, refused
from roads import AUTHORISED

from receiver.app import create_app
from receiver.pages import LinkPages
from receiver.ports import Changed, LinkRefused
from receiver.server import Server
from receiver.webhook import Webhook
from reconciler.errors import InputError
from reconciler.reasons import Choose, Reason
from reconciler.records import Choice

DAY = dt.timedelta(days=1)

__all__ = ["letterbox", "make"]


@pytest.fixture
def changed(make, letterbox):
    """M-1's bill was changed in Xero, and the accountant has the mail."""
    world = make()
    world.sweep()
    world.put()
    world.turn()
    world.org.edit("M-1", total="1300.00")
    world.sweep()
    assert world.reason() is Reason.CHANGED_IN_XERO
    (world.letter,) = deliver(world, letterbox)
    (world.token,) = world.letter.tokens
    return world


class TestMails:
    """One mail for one cause and recipient."""

    def test_running_again_mails_nothing(self, changed, letterbox):
        assert changed.letter.recipient == "accounts@example.org"
        for _ in range(3):
            changed.sweep()
            assert deliver(changed, letterbox) == []

    def test_a_cause_that_comes_back_is_mailed_again(self, changed, letterbox):
        changed.org.edit("M-1", total="1200.00")
        changed.sweep()
        assert deliver(changed, letterbox) == []
        changed.org.edit("M-1", total="1300.00")
        changed.sweep()
        (second,) = deliver(changed, letterbox)
        assert second.tokens != [changed.token]
        assert second.message["Message-ID"] != changed.letter.message["Message-ID"]

    def test_what_is_resolved_before_its_mail_went_is_not_mailed(self, make, letterbox):
        world = make()
        world.sweep()
        world.put()
        world.turn()
        for total in ("1300.00", "1200.00"):
            world.org.edit("M-1", total=total)
            world.sweep()
        assert len(world.flags()) == 1
        assert deliver(world, letterbox) == []

    def test_each_role_gets_a_link_of_its_own_and_all_get_the_result(self, make, letterbox):
        world = make()
        world.sweep()
        world.put()
        world.turn()
        world.org.delete("M-1")
        world.sweep()
        warnings = deliver(world, letterbox)
        assert [letter.recipient for letter in warnings] == ["accounts@example.org", "grants@example.org"]
        first, second = (letter.tokens[0] for letter in warnings)
        assert first != second
        act(world, first, Choose.BILL_AGAIN)
        assert world.reason() is Reason.AWAITING_APPROVAL
        results = deliver(world, letterbox)
        assert sorted(letter.recipient for letter in results) == ["accounts@example.org", "grants@example.org"]
        assert all(letter.tokens == [] and "Ann Example" in letter.text for letter in results)
        assert (refused(world, first), refused(world, second)) == ("used", "closed")

    def test_of_an_exemption_the_grants_team_hears_too(self, changed, letterbox):
        act(changed, changed.token, Choose.EXEMPT, reason="Paid by hand")
        assert changed.reason() is Reason.EXEMPT
        results = deliver(changed, letterbox)
        assert sorted(letter.recipient for letter in results) == ["accounts@example.org", "grants@example.org"]

    def test_an_exemption_that_answers_no_warning_is_told_to_the_grants_team_once(self, make, letterbox):
        world = make()
        world.sweep()
        world.put()
        world.turn()
        world.choose(Choose.EXEMPT, reason="Paid by hand")
        assert world.reason() is Reason.EXEMPT_WITH_BILL
        assert [letter.recipient for letter in deliver(world, letterbox)] == ["grants@example.org"]
        world.sweep()
        assert deliver(world, letterbox) == []

    def test_a_mail_server_down_for_the_whole_run_loses_nothing(self, make, letterbox):
        world = make()
        port = letterbox.port
        letterbox.__exit__(None, None, None)
        try:
            world.sweep()
            for key in ("M-1", "M-2"):
                world.put(key)
            world.turn()
            world.org.delete("M-1")
            world.org.edit("M-2", total="1300.00")
            world.sweep()
            for _ in range(5):
                assert world.house.postman().deliver().sent == 0
                world.xero.advance(hours=1)
                world.sweep()
            world.house.close()
            world.house = world.reopen()
            assert letterbox.letters == []
        finally:
            letterbox.port = port
            letterbox.__enter__()
        world.xero.advance(hours=2)
        came = deliver(world, letterbox)
        assert sorted((letter.recipient, len(letter.tokens)) for letter in came) == [
            ("accounts@example.org", 1),
            ("grants@example.org", 1),
        ]
        assert deliver(world, letterbox) == []


class TestGroup:
    """Fourteen milestones behind one lock date."""

    KEYS = tuple(f"M-{n:02d}" for n in range(1, 15))

    @pytest.fixture
    def locked(self, make, letterbox):
        world = make(organisation=AUTHORISED)
        self.lock = world.xero.now().date() - 30 * DAY
        world.org.lock(period=self.lock)
        for n, key in enumerate(self.KEYS):
            world.put(key, date=self.lock - n * DAY)
        world.sweep()
        assert {world.reason(key) for key in self.KEYS} == {Reason.PERIOD_LOCKED}
        (letter,) = deliver(world, letterbox)
        (world.token,) = letter.tokens
        assert "14" in letter.subject
        assert self.KEYS[0] in letter.text
        return world

    def test_one_choice_bills_all_on_the_first_open_day(self, locked, letterbox):
        done = act(locked, locked.token, Choose.DATE, date=self.lock + DAY)
        assert {decision.verdict.reason for decision in done.items} == {Reason.APPROVED}
        assert sorted((bill.number, bill.day) for bill in locked.org.bills()) == [
            (key, self.lock + DAY) for key in self.KEYS
        ]
        assert locked.writes() == 1
        (result,) = deliver(locked, letterbox)
        assert "14" in result.subject
        assert refused(locked, locked.token) == "used"

    def test_some_of_the_group_may_be_chosen_and_the_link_stays_for_the_rest(self, locked):
        act(locked, locked.token, Choose.DATE, *self.KEYS[:4], date=self.lock + DAY)
        assert len(locked.org.bills()) == 4
        assert len(locked.house.desk.show(locked.token).items) == 10
        act(locked, locked.token, Choose.EXEMPT, reason="written off")
        assert len(locked.org.bills()) == 4
        assert {locked.reason(key) for key in self.KEYS[4:]} == {Reason.EXEMPT}

    def test_a_date_that_is_locked_too_is_refused_for_all(self, locked):
        with pytest.raises(InputError, match="locked too"):
            act(locked, locked.token, Choose.DATE, date=self.lock)
        assert (locked.org.bills(), locked.writes()) == ([], 0)
        assert len(locked.open_flags()) == 14

    def test_a_lifted_lock_asks_once_and_one_click_bills_the_group(self, locked, letterbox):
        locked.org.lock()
        locked.sweep()
        assert {locked.reason(key) for key in self.KEYS} == {Reason.LOCK_LIFTED}
        (letter,) = deliver(locked, letterbox)
        assert refused(locked, locked.token) == "closed"
        act(locked, letter.tokens[0], Choose.RESYNC)
        assert sorted(bill.day for bill in locked.org.bills()) == sorted(self.lock - n * DAY for n in range(14))

    def test_a_lock_moved_since_the_page_was_shown_changes_the_facts(self, locked):
        sheet = locked.house.desk.show(locked.token)
        locked.org.lock(period=self.lock + 5 * DAY)
        choice = Choice(Choose.DATE, by="Ann Example", at=locked.house.clock(), date=self.lock + 6 * DAY)
        with pytest.raises(Changed):
            locked.house.desk.act(locked.token, sheet.fingerprint, choice, self.KEYS)
        assert locked.org.bills() == []


class TestLinks:
    """A link acts on a POST, on what its page showed, once, and while it is in force."""

    def test_looking_changes_nothing_and_reads_at_most_once_a_minute(self, changed):
        before = (changed.standing(), changed.open_flags(), changed.org.bills())
        changed.house.desk.show(changed.token)
        calls = changed.xero.calls()
        changed.house.desk.show(changed.token)
        assert changed.xero.calls() == calls
        changed.xero.advance(seconds=61)
        changed.house.desk.show(changed.token)
        assert changed.xero.calls() > calls
        now = (changed.standing(), changed.open_flags(), changed.org.bills())
        assert [one.verdict.reason for one in (before[0], now[0])] == [Reason.CHANGED_IN_XERO] * 2
        assert [flag.flag_id for flag in now[1]] == [flag.flag_id for flag in before[1]]
        assert (now[2], changed.writes()) == (before[2], 1)

    def test_another_fingerprint_does_nothing(self, changed):
        choice = Choice(Choose.KEEP, by="Ann Example", at=changed.house.clock())
        with pytest.raises(Changed):
            changed.house.desk.act(changed.token, "0" * 64, choice, ["M-1"])
        assert changed.reason() is Reason.CHANGED_IN_XERO

    @pytest.mark.parametrize("side", ["xero", "platform"])
    def test_facts_that_changed_since_they_were_shown_do_nothing(self, changed, side):
        sheet = changed.house.desk.show(changed.token)
        if side == "xero":
            changed.org.edit("M-1", total="1400.00")
        else:
            changed.put(amount=Decimal("1500.00"))
        choice = Choice(Choose.OVERWRITE, by="Ann Example", at=changed.house.clock())
        with pytest.raises((Changed, LinkRefused)):
            changed.house.desk.act(changed.token, sheet.fingerprint, choice, ["M-1"])
        assert changed.writes() == 1

    def test_a_choice_that_does_not_fit_is_told_and_the_link_stays(self, changed):
        with pytest.raises(InputError, match="does not fit"):
            act(changed, changed.token, Choose.BILL_AGAIN)
        assert len(changed.house.desk.show(changed.token).items) == 1

    def test_a_link_works_once(self, changed):
        act(changed, changed.token, Choose.KEEP)
        assert changed.reason() is Reason.AWAITING_APPROVAL
        assert refused(changed, changed.token) == "used"
        choice = Choice(Choose.OVERWRITE, by="Ann Example", at=changed.house.clock())
        with pytest.raises(LinkRefused):
            changed.house.desk.act(changed.token, "0" * 64, choice, ["M-1"])
        assert changed.bill().total == Decimal("1300.00")

    def test_a_link_is_closed_once_its_cause_is_gone(self, changed):
        changed.org.edit("M-1", total="1200.00")
        assert refused(changed, changed.token) == "closed"
        assert changed.flags()[0].closed_because

    @pytest.mark.parametrize("token", ["", "x", "A" * 43, "\u2603" * 43, "../" * 9])
    def test_a_link_that_nobody_was_sent_is_unknown(self, changed, token):
        assert refused(changed, token) == "unknown"
        assert changed.house.desk.renew(token) is False

    def test_an_expired_link_is_renewed_by_mail_to_the_same_address(self, changed, letterbox):
        changed.xero.advance(days=31)
        changed.sweep()
        deliver(changed, letterbox)
        assert refused(changed, changed.token) == "expired"
        assert changed.house.desk.renew(changed.token) is True
        (fresh,) = [letter for letter in deliver(changed, letterbox) if letter.tokens]
        assert fresh.recipient == changed.letter.recipient
        act(changed, fresh.tokens[0], Choose.KEEP)
        assert changed.reason() is Reason.AWAITING_APPROVAL
        assert changed.house.desk.renew(changed.token) is False

    def test_while_xero_is_away_nothing_is_decided_on_old_facts(self, changed):
        sheet = changed.house.desk.show(changed.token)
        changed.xero.fault(503, times=100)
        choice = Choice(Choose.OVERWRITE, by="Ann Example", at=changed.house.clock())
        with pytest.raises((Changed, InputError)):
            changed.house.desk.act(changed.token, sheet.fingerprint, choice, ["M-1"])
        assert (changed.writes(), len(changed.open_flags())) == (1, 1)


class TestOverHttp:
    """The page behind the link, on a real socket."""

    @pytest.fixture
    def page(self, changed):
        house = changed.house
        pages = LinkPages(house.desk, house.clock).routes()
        inbox = house.ledger.group_inbox()
        server = Server(
            create_app(Webhook(house.signing_keys(), inbox, house.clock), house.ledger.alive, pages), port=0
        )
        server.start()
        with httpx.Client(base_url=f"http://127.0.0.1:{server.port}") as client:
            yield functools.partial(client.request, url=f"/r/{changed.token}")
        server.stop()

    def test_get_shows_and_the_second_post_acts(self, changed, page):
        shown = page("GET")
        assert shown.status_code == 200
        assert "M-1" in shown.text
        fingerprint = changed.house.desk.show(changed.token).fingerprint
        form = {"fingerprint": fingerprint, "kind": "overwrite", "by": "Ann Example", "keys": "M-1"}
        reviewed = page("POST", data={"step": "review", **form})
        assert (reviewed.status_code, changed.bill().total) == (200, Decimal("1300.00"))
        done = page("POST", data={"step": "confirm", **form})
        assert (done.status_code, changed.bill().total) == (200, Decimal("1200.00"))
        assert page("GET").status_code == 410

    @pytest.mark.parametrize("form", [{}, {"step": "confirm", "kind": "keep"}, {"step": "confirm", "fingerprint": "x"}])
    def test_a_post_without_the_fingerprint_acts_on_nothing(self, changed, page, form):
        assert page("POST", data=form).status_code >= 400 or not form
        assert changed.reason() is Reason.CHANGED_IN_XERO

    @pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE"])
    def test_other_methods_act_on_nothing(self, changed, page, method):
        page(method)
        assert (changed.reason(), changed.writes()) == (Reason.CHANGED_IN_XERO, 1)
