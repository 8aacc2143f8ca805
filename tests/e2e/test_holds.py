"""While we cannot know, or may not act, nothing is decided: it is told once, nothing closes, and it ends by itself."""

import dataclasses
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from world import KEY

from billwatch.sandbox.books import new_id
from reconciler.errors import InputError
from reconciler.reasons import Choose, Reason, Role

OTHER = Decimal("1300.00")


def refuse_tokens(world: Any) -> Callable[[], object]:
    """The secret of the app is renewed in Xero, so that ours is not taken any more."""
    identity = world.xero.desk.world.identity
    app = identity.apps[world.xero.client_id]
    identity.apps[app.client_id] = dataclasses.replace(app, client_secret="another")
    identity.forget_access()
    return lambda: identity.apps.update({app.client_id: app})


def disconnect(world: Any) -> Callable[[], object]:
    world.org.disconnect()
    return world.org.reconnect


def another_organisation(world: Any) -> Callable[[], object]:
    right, world.org.books.organisation_id = world.org.books.organisation_id, new_id()
    return lambda: setattr(world.org.books, "organisation_id", right)


def faults(**fault: Any) -> Callable[[Any], Callable[[], object]]:
    def order(world: Any) -> Callable[[], object]:
        world.xero.fault(**fault, times=10_000)
        return world.xero.clear_faults

    return order


TROUBLES = {
    "token refused": (refuse_tokens, Reason.CONNECTION_LOST),
    "disconnected": (disconnect, Reason.CONNECTION_LOST),
    "wrong organisation": (another_organisation, Reason.WRONG_ORGANISATION),
    "maintenance": (faults(status=503, kind="maintenance"), Reason.XERO_UNAVAILABLE),
    "error": (faults(status=500), Reason.XERO_UNAVAILABLE),
    "cut off": (faults(cut="before"), Reason.XERO_UNAVAILABLE),
    "no such page": (faults(status=404, path="/Invoices"), Reason.XERO_UNAVAILABLE),
}


@pytest.fixture
def flagged(world):
    """M-1 has an open flag; M-2 is quiet; M-3 is about to be billed."""
    world.put("M-1")
    world.put("M-2")
    world.turn()
    world.org.edit("M-1", total=OTHER)
    world.sweep()
    assert world.reason() is Reason.CHANGED_IN_XERO
    world.put("M-3")
    return world


def own_flags(world: Any) -> list[Any]:
    """The organisation's own flags, open and closed."""
    return world.flags("")


@pytest.mark.parametrize("trouble", TROUBLES)
def test_trouble_holds_everything_and_ends_by_itself(flagged, trouble):
    begin, reason = TROUBLES[trouble]
    end = begin(flagged)
    for _ in range(3):
        flagged.sweep()
    assert [flagged.reason(f"M-{n}") for n in (1, 2, 3)] == [reason] * 3
    assert [flag.closed_at for flag in flagged.flags("M-1")] == [None]
    assert (len(flagged.org.bills()), flagged.standing("M-2").case.missing) == (2, False)

    end()
    flagged.xero.advance(minutes=16)
    flagged.sweep()

    assert [flagged.reason(f"M-{n}") for n in (1, 2, 3)] == [
        Reason.CHANGED_IN_XERO,
        Reason.AWAITING_APPROVAL,
        Reason.AWAITING_APPROVAL,
    ]
    assert [flag.closed_at for flag in flagged.flags("M-1")] == [None]
    assert [flag.key for flag in flagged.open_flags()] == ["M-1"]


@pytest.mark.parametrize("trouble", ["token refused", "disconnected", "wrong organisation"])
def test_a_lost_connection_is_told_once_and_again_when_it_is_lost_again(flagged, trouble):
    begin, reason = TROUBLES[trouble]
    for time in (1, 2):
        end = begin(flagged)
        for _ in range(3):
            flagged.sweep()
        assert [flag.reason for flag in own_flags(flagged)] == [reason] * time
        end()
        flagged.xero.advance(minutes=16)
        flagged.sweep()
        assert all(flag.closed_because for flag in own_flags(flagged))
    mails = flagged.house.ledger.overview.mails([flag.flag_id for flag in own_flags(flagged)])
    assert [[mail.recipient for mail in some] for some in mails.values()] == [["ops@example.org"]] * 2


def test_a_short_outage_is_told_to_nobody_and_a_long_one_once(flagged):
    flagged.xero.fault(503, times=10_000)
    flagged.sweep()
    assert own_flags(flagged) == []
    for _ in range(6):
        flagged.xero.advance(minutes=16)
        flagged.cycle.tick()
    assert [flag.reason for flag in own_flags(flagged)] == [Reason.FACTS_STALE]
    flagged.xero.clear_faults()
    flagged.xero.advance(minutes=16)
    flagged.cycle.tick()
    assert [flag.closed_at is None for flag in own_flags(flagged)] == [False]
    assert flagged.reason("M-3") is Reason.AWAITING_APPROVAL


def test_a_pause_does_not_end_the_alert_of_a_lost_connection(flagged):
    flagged.org.disconnect()
    flagged.sweep()
    flagged.pause()
    flagged.sweep()
    assert [flag.closed_at for flag in own_flags(flagged)] == [None]


def test_after_a_failure_xero_is_left_alone_for_a_while(flagged):
    flagged.xero.fault(503, times=10_000)
    flagged.sweep()
    calls = flagged.xero.calls()
    for _ in range(20):
        flagged.xero.advance(seconds=1)
        assert flagged.cycle.tick() is None
    assert flagged.xero.calls() == calls


class TestFailedReads:
    """Only Xero's own word makes a bill missing."""

    @pytest.mark.parametrize(
        "fault",
        [{"status": 503}, {"status": 500}, {"cut": "before"}, {"status": 401}, {"status": 403}, {"status": 429}],
        ids=str,
    )
    @pytest.mark.parametrize("path", ["/Invoices", "/Invoices/"], ids=["list", "direct"])
    def test_a_failed_read_is_no_deletion(self, flagged, fault, path):
        bill = flagged.bill("M-2")
        if path == "/Invoices/":
            del flagged.org.books.bills[bill.bill_id]
        flagged.xero.fault(**fault, method="GET", path=path, times=1_000)
        flagged.cycle.refresh(["M-2"])
        assert flagged.standing("M-2").case.missing is False
        assert flagged.flags("M-2") == []

    def test_a_positive_answer_is(self, flagged):
        del flagged.org.books.bills[flagged.bill("M-2").bill_id]
        flagged.cycle.refresh(["M-2"])
        assert flagged.reason("M-2") is Reason.BILL_MISSING


class TestLimits:
    """Xero's limits put work off and change no verdict."""

    def test_a_used_up_minute_puts_the_rest_off(self, world):
        keys = [f"M-{n}" for n in range(1, 121)]
        for key in keys:
            world.put(key)
        world.xero.limits(on=True, minute=13)
        made = []
        for _ in range(8):
            world.turn()
            assert world.open_flags() == []
            made.append(len(world.org.bills()))
            world.xero.advance(seconds=61)
        assert 0 < made[0] < 120
        assert sorted(bill.number for bill in world.org.bills()) == sorted(keys)
        assert {world.reason(key) for key in keys} == {Reason.AWAITING_APPROVAL}

    def test_what_cannot_be_read_for_a_limit_is_not_written_on_old_facts(self, world):
        world.put()
        world.turn()
        world.put(amount=OTHER)
        world.org.edit("M-1", total="1250.00")
        world.put("M-2")
        world.xero.fault(429, method="GET", path="/Invoices", times=100)
        world.turn()
        assert (world.writes(), world.bill().total) == (1, Decimal("1250.00"))
        assert world.flags() == world.flags("M-2") == []

    def test_an_unanswered_write_is_not_given_up_while_it_cannot_be_looked_up(self, world):
        world.put()
        world.xero.fault(method="PUT", cut="after")
        world.turn()
        world.xero.advance(minutes=11)
        world.xero.fault(429, method="GET", path="/Invoices", retry_after=600, times=1)
        world.turn()
        assert world.reason() is Reason.OUTCOME_UNKNOWN
        world.xero.advance(minutes=11)
        world.turn()
        assert (world.reason(), len(world.org.bills())) == (Reason.AWAITING_APPROVAL, 1)

    def test_a_refused_write_was_not_made_and_is_made_later(self, world):
        world.put()
        world.xero.fault(429, method="PUT", retry_after=30)
        world.turn()
        assert (world.org.bills(), world.flags()) == ([], [])
        world.xero.advance(seconds=61)
        world.turn()
        assert (world.reason(), len(world.org.bills())) == (Reason.AWAITING_APPROVAL, 1)


@pytest.mark.parametrize("status", [401, 403])
def test_a_connection_that_may_read_but_not_write_is_told_once_and_refuses_no_milestone(world, status):
    for key in ("M-1", "M-2"):
        world.put(key)
    world.xero.fault(status, method="PUT", times=1_000)
    world.turn()
    calls = world.xero.calls()
    for _ in range(120):
        world.xero.advance(seconds=30)
        world.cycle.tick()
    assert world.xero.calls() - calls < 100
    assert [(flag.key, flag.reason) for flag in world.open_flags()] == [("", Reason.CONNECTION_LOST)]
    assert (len(own_flags(world)), world.org.bills()) == (1, [])

    world.xero.clear_faults()
    world.xero.advance(minutes=16)
    world.sweep()

    assert world.open_flags() == []
    assert [world.reason(key) for key in ("M-1", "M-2")] == [Reason.AWAITING_APPROVAL] * 2
    assert len(world.org.bills()) == 2


class TestManyMissing:
    """A whole list of bills that is gone is more likely our mistake than the accountant's."""

    @pytest.fixture
    def emptied(self, make_world):
        world = make_world(policy="missing_at_once = 2")
        world.sweep()
        for n in range(1, 5):
            world.put(f"M-{n}")
        world.turn()
        self.bills = dict(world.org.books.bills)
        world.org.books.bills.clear()
        world.cycle.refresh([f"M-{n}" for n in range(1, 5)])
        world.sweep()
        return world

    def test_nobody_is_asked_about_each_and_both_roles_are_told_once(self, emptied):
        emptied.sweep()
        assert {emptied.reason(f"M-{n}") for n in range(1, 5)} == {Reason.MASS_CHANGE}
        (alert,) = emptied.open_flags()
        assert (alert.key, alert.reason) == ("", Reason.MASS_CHANGE)
        mails = emptied.house.ledger.overview.mails([alert.flag_id])[alert.flag_id]
        assert {mail.recipient for mail in mails} == {"ops@example.org", "accounts@example.org"}

    def test_it_is_over_once_they_are_found_again(self, emptied):
        emptied.org.books.bills.update(self.bills)
        emptied.cycle.refresh([f"M-{n}" for n in range(1, 5)])
        emptied.sweep()
        assert {emptied.reason(f"M-{n}") for n in range(1, 5)} == {Reason.AWAITING_APPROVAL}
        assert emptied.open_flags() == []

    def test_once_confirmed_each_is_asked_about(self, emptied):
        emptied.choose(Choose.GO_AHEAD)
        assert {emptied.reason(f"M-{n}") for n in range(1, 5)} == {Reason.BILL_MISSING}
        assert {flag.key for flag in emptied.open_flags()} == {"M-1", "M-2", "M-3", "M-4"}
        assert len(emptied.org.bills()) == 0


class TestCaps:
    """More new bills, or money, in an hour than the organisation allows."""

    @pytest.fixture(params=["new_bills_per_hour = 2", 'new_money_per_hour = "2500.00"'], ids=["bills", "money"])
    def capped(self, make_world, request):
        world = make_world(policy=request.param.replace('"', ""))
        world.sweep()
        for n in range(1, 6):
            world.put(f"M-{n}")
        world.turn()
        return world

    def test_the_rest_waits_and_is_told_once(self, capped):
        capped.turn()
        capped.turn()
        assert [capped.reason(f"M-{n}") for n in range(1, 6)] == [Reason.AWAITING_APPROVAL] * 2 + [
            Reason.CAP_REACHED
        ] * 3
        assert [flag.reason for flag in own_flags(capped)] == [Reason.CAP_REACHED]
        assert len(capped.org.bills()) == 2

    def test_a_stop_before_anything_is_decided_ends_no_warning(self, capped):
        capped.house.halt.set()
        assert capped.turn().verdicts == {}
        assert [flag.reason for flag in capped.open_flags()] == [Reason.CAP_REACHED]

    def test_the_rest_follows_by_itself_hour_by_hour(self, capped):
        for made in (4, 5):
            capped.xero.advance(minutes=61)
            capped.sweep()
            assert len(capped.org.bills()) == made
        assert capped.open_flags() == []
        assert len(capped.org.bills()) == 5

    def test_a_person_lets_the_rest_through(self, capped):
        capped.choose(Choose.GO_AHEAD, "M-5")
        assert {capped.reason(f"M-{n}") for n in range(1, 6)} == {Reason.AWAITING_APPROVAL}
        assert capped.open_flags() == []

    def test_an_update_is_not_held(self, capped):
        capped.put("M-1", amount=Decimal("9000.00"))
        capped.turn()
        assert capped.bill("M-1").total == Decimal("9000.00")


class TestPause:
    """A person stops all writing."""

    def test_a_pause_keeps_flags_and_writes_nothing(self, flagged):
        flagged.pause()
        flagged.sweep()
        assert (flagged.reason("M-3"), flagged.reason("M-1")) == (Reason.PAUSED, Reason.PAUSED)
        assert [flag.key for flag in flagged.open_flags()] == ["M-1"]
        assert len(flagged.org.bills()) == 2
        assert own_flags(flagged) == []

    def test_a_pause_is_followed_by_what_was_meant_all_along(self, flagged):
        flagged.pause()
        flagged.sweep()
        flagged.org.edit("M-1", total="1200.00")
        flagged.sweep()
        flagged.pause(None)
        flagged.turn()
        assert [flagged.reason(f"M-{n}") for n in (1, 2, 3)] == [Reason.AWAITING_APPROVAL] * 3
        assert flagged.open_flags() == []

    def test_what_does_not_fit_a_pause_is_not_chosen(self, flagged):
        flagged.pause()
        flagged.sweep()
        with pytest.raises(InputError, match="does not fit"):
            flagged.choose(Choose.OVERWRITE)

    def test_a_pause_in_the_middle_of_a_push_stops_before_the_next_write(self, world):
        for n in range(1, 61):
            world.put(f"M-{n}")
        client = world.cycle._pusher._xero
        real = client.send

        def send(attempt: Any) -> Any:
            world.pause()
            return real(attempt)

        client.send = send
        world.turn()
        assert (world.writes(), len(world.org.bills())) == (1, 50)
        assert world.reason("M-1") in (Reason.PAUSED, Reason.AWAITING_APPROVAL)


def test_alerts_go_to_the_roles_of_their_reason(world):
    organisation = world.house.organisations[KEY]
    assert organisation.addresses((Role.OPERATOR,)) == ("ops@example.org",)


def test_a_turn_counts_each_milestone_once_however_often_it_decides_it(world):
    world.put("M-1")
    world.put("M-2")
    assert world.sweep().verdicts == {Reason.AWAITING_APPROVAL: 2}
    world.pause()
    for key in ("M-1", "M-2"):
        world.put(key, amount=Decimal("1500.00"))
    assert world.turn().verdicts == {Reason.PAUSED: 2}
