"""A milestone is billed once: beside bills that exist already, after lost answers and kills, and by two at a time."""

import csv
import datetime as dt
import signal
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import one_turn
import pytest
from world import KEY, seconds_ahead

from billwatch.importing import Options, read_rows, take_in
from billwatch.sandbox.books import new_id
from billwatch.wiring import House
from reconciler.model import Links
from reconciler.reasons import Choose, Reason

PRICE = Decimal("1200.00")
OTHER = Decimal("1300.00")
PAGE = "https://grants.example.org/M-1"


def by_hand(world: Any, **fields: Any) -> Any:
    """A bill made in Xero by hand that equals M-1."""
    fields = {"contact": "Payee of M-1", "total": PRICE, "date": world.xero.now().date(), **fields}
    return world.org.add_bill(**fields)


def spy(world: Any) -> list[str]:
    """The idempotency keys of the writes sent from now on."""
    client, keys = world.cycle._pusher._xero, []
    real = client.send

    def send(attempt: Any) -> Any:
        keys.append(attempt.idempotency_key)
        return real(attempt)

    client.send = send
    return keys


def settled(world: Any, *keys: str) -> None:
    """Every milestone has one bill, equals it, and nothing is left open."""
    for key in keys:
        bill, standing = world.bill(key), world.standing(key)
        assert standing.verdict.reason is Reason.AWAITING_APPROVAL
        assert standing.case.link.bill_id == bill.bill_id
        assert bill.total == standing.case.milestone.amount
        assert standing.case.link.asked == standing.case.link.seen
        assert standing.case.link.pending_attempt is None
    assert len(world.org.bills()) == len(keys)
    assert world.house.ledger.attempts.open(KEY) == []
    assert world.open_flags() == []


@pytest.mark.parametrize("marks", [{"number": "M-1"}, {"url": PAGE, "number": "INV-1"}], ids=["number", "link"])
@pytest.mark.parametrize("swept", [True, False], ids=["swept", "just made"])
def test_an_equal_bill_that_carries_our_number_or_link_is_adopted(world, marks, swept):
    made = by_hand(world, **marks)
    world.put(links=Links(milestone=PAGE))
    _ = world.sweep() if swept else world.turn()
    assert world.reason() is Reason.APPROVED
    assert world.standing().case.link.bill_id == made.bill_id
    assert (world.writes(), world.flags()) == (0, [])


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"number": "M-1", "total": "999.00"}, Reason.LINK_DIFFERS),
        ({"number": "M-1", "contact": "Somebody else"}, Reason.LINK_DIFFERS),
        ({"number": "INV-1"}, Reason.POSSIBLE_DUPLICATE),
        ({"number": "INV-1", "date": "2026-01-01"}, Reason.AWAITING_APPROVAL),
        ({"number": "INV-1", "contact": "Somebody else"}, Reason.AWAITING_APPROVAL),
        ({"number": "INV-1", "status": "VOIDED"}, Reason.AWAITING_APPROVAL),
        ({"number": "M-1", "status": "VOIDED"}, Reason.BILL_VOIDED),
        ({"number": "M-1", "status": "DELETED"}, Reason.BILL_DELETED),
    ],
)
def test_a_bill_that_may_be_the_milestones_is_asked_about_and_another_is_not(world, fields, reason):
    by_hand(world, **fields)
    world.put()
    world.sweep()
    assert world.reason() is reason
    assert world.writes() == (1 if reason is Reason.AWAITING_APPROVAL else 0)


def test_a_bill_made_by_hand_between_sweep_and_write_is_seen_before_writing(world):
    by_hand(world, number="M-1", contact="A quite new payee")
    world.put(payee="A quite new payee")
    world.turn()
    assert world.reason() is Reason.APPROVED
    assert (world.writes(), world.flags()) == (0, [])


def test_a_linked_bill_is_never_another_milestones(world):
    world.put("M-1", payee="The same payee")
    world.turn()
    world.put("M-2", payee="The same payee")
    world.turn()
    assert world.bill("M-1").bill_id != world.bill("M-2").bill_id
    assert world.bill("M-1").contact_id == world.bill("M-2").contact_id
    assert world.open_flags() == []


class TestRestoredDatabase:
    """The database of before the bills were made is put back in place."""

    @pytest.fixture
    def restored(self, world, databases, tmp_path):
        """M-1 stays as billed; M-2's bill was edited since, M-3's was paid, M-4's voided."""
        for key in ("M-1", "M-2", "M-3", "M-4"):
            world.put(key)
        put_back = databases.kept(world.house.config.storage.url, tmp_path)
        world.turn()
        assert len(world.org.bills()) == 4
        world.org.edit("M-2", total=OTHER)
        world.org.approve("M-3")
        world.org.pay("M-3")
        world.org.approve("M-4")
        world.org.void("M-4")
        world.house.close()
        put_back()
        world.house = world.reopen()
        world.xero.reset_calls()
        return world

    @pytest.mark.parametrize("swept", [True, False], ids=["sweep", "turn"])
    def test_equal_bills_are_adopted_quietly_and_changed_ones_asked_about(self, restored, swept):
        _ = restored.sweep() if swept else restored.turn()
        reasons = [restored.reason(f"M-{n}") for n in range(1, 4)]
        assert reasons == [Reason.AWAITING_APPROVAL, Reason.LINK_DIFFERS, Reason.PAID]
        assert [flag.key for flag in restored.open_flags() if flag.key != "M-4"] == ["M-2"]

    def test_nothing_is_billed_again(self, restored):
        restored.turn()
        restored.sweep()
        restored.sweep()
        assert restored.writes() == 0
        assert len(restored.org.bills()) == 4
        assert restored.reason("M-4") is Reason.BILL_VOIDED


class TestImportedBills:
    """Milestones that come with the id of their bill."""

    def take(self, world: Any, path: Path, bill_id: str) -> None:
        with path.open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["key", "title", "payee", "amount", "date", "bill_id"])
            rows.writerow(["M-1", "First", "Payee of M-1", "1200.00", world.xero.now().date(), bill_id])
        read = read_rows(path, {}, Options(KEY, "approved"))
        assert not read.rejected
        assert [counts.linked for _, counts in take_in(read, world.house.ledger.milestones, world.house.clock())] == [1]

    @pytest.mark.parametrize(
        ("total", "reason"), [("1200.00", Reason.APPROVED), ("1250.00", Reason.LINK_DIFFERS)], ids=["equal", "other"]
    )
    def test_the_named_bill_is_followed_and_none_is_made(self, world, tmp_path, total, reason):
        made = by_hand(world, number="OLD-7", total=total)
        self.take(world, tmp_path / "rows.csv", made.bill_id)
        world.turn()
        assert (world.reason(), world.writes()) == (reason, 0)

    def test_a_named_bill_that_does_not_exist_is_asked_about(self, world, tmp_path):
        self.take(world, tmp_path / "rows.csv", new_id())
        world.turn()
        assert (world.reason(), world.writes()) == (Reason.BILL_MISSING, 0)


CUT_BEFORE = {"cut": "before"}
CUT_AFTER = {"cut": "after"}
ERROR = {"status": 500}
AWAY = {"status": 503}


class TestUnansweredWrites:
    """A write went out and no usable answer came back. Xero keeps keys for 6 minutes, errors included."""

    @pytest.mark.parametrize("update", [False, True], ids=["create", "update"])
    @pytest.mark.parametrize("minutes", [0, 3, 5, 11, 60 * 24])
    def test_work_that_was_done_is_found_and_never_sent_again(self, world, minutes, update):
        sent = self.lose(world, CUT_AFTER, update=update)
        world.xero.advance(minutes=minutes)
        world.sweep()
        assert len(sent) == 1
        settled(world, "M-1")

    @pytest.mark.parametrize("update", [False, True], ids=["create", "update"])
    @pytest.mark.parametrize("fault", [CUT_BEFORE, AWAY], ids=["cut", "503"])
    @pytest.mark.parametrize("minutes", [0, 3])
    def test_work_not_done_is_sent_again_with_the_same_key_while_that_is_surely_kept(
        self, world, fault, minutes, update
    ):
        sent = self.lose(world, fault, update=update)
        world.xero.advance(minutes=minutes)
        world.turn()
        assert len(sent) == 2
        assert len(set(sent)) == 1
        settled(world, "M-1")

    @pytest.mark.parametrize(
        ("fault", "minutes"), [(CUT_BEFORE, 5), (AWAY, 5), (ERROR, 0), (ERROR, 5)], ids=["cut", "503", "500", "500-5"]
    )
    @pytest.mark.parametrize("update", [False, True], ids=["create", "update"])
    def test_where_the_key_cannot_be_used_it_waits_ten_minutes_for_a_new_one(self, world, fault, minutes, update):
        sent = self.lose(world, fault, update=update)
        world.xero.advance(minutes=minutes)
        world.turn()
        assert len(sent) == 1
        assert world.reason() is Reason.OUTCOME_UNKNOWN
        world.xero.advance(minutes=11 - minutes)
        world.turn()
        assert len(sent) == len(set(sent)) == 2
        settled(world, "M-1")

    def test_an_answer_that_comes_too_late_is_looked_up(self, world):
        (_, http, _), *_ = world.house.connections._open.values()
        http._pool.timeout = 0.2
        sent = self.lose(world, {"delay": 0.4}, update=False)
        http._pool.timeout = 5
        world.turn()
        assert len(sent) == 1
        settled(world, "M-1")

    def test_a_bill_of_the_same_number_that_another_milestone_follows_is_not_taken_for_the_lost_one(self, world):
        world.put("M-1")
        world.turn()
        world.org.delete("M-1")
        world.sweep()
        world.choose(Choose.BILL_AGAIN)
        world.turn()
        first = world.standing().case.link.bill_id
        world.put("M-1-2", payee="Another payee")
        world.xero.fault(method="PUT", path="/Invoices", times=1, **CUT_BEFORE)
        world.turn()
        world.xero.advance(minutes=11)
        world.turn()
        other = world.standing("M-1-2").case.link.bill_id
        assert first
        assert other not in ("", first)

    def test_what_is_not_wanted_any_more_is_not_sent_again(self, world):
        sent = self.lose(world, CUT_BEFORE, update=False)
        world.put(cancelled=True)
        world.turn()
        assert (world.reason(), len(sent)) == (Reason.OUTCOME_UNKNOWN, 1)
        world.xero.advance(minutes=11)
        world.turn()
        assert (world.reason(), len(sent), world.org.bills()) == (Reason.WITHDRAWN, 1, [])

    def test_a_changed_milestone_is_not_sent_again_as_it_was(self, world):
        sent = self.lose(world, CUT_BEFORE, update=False)
        world.put(amount=OTHER)
        world.turn()
        assert len(sent) == 1
        world.xero.advance(minutes=11)
        world.turn()
        assert len(set(sent)) == 2
        settled(world, "M-1")

    @pytest.mark.parametrize("stop", ["pause", "watch", "halt"])
    def test_nothing_is_sent_again_while_writing_is_stopped(self, world, stop):
        self.lose(world, CUT_BEFORE, update=False)
        if stop == "pause":
            world.pause()
        elif stop == "watch":
            world.house = world.reopen(organisation='mode = "watch"')
        else:
            world.house.halt.set()
        sent = spy(world)
        world.turn()
        world.xero.advance(minutes=11)
        world.turn()
        assert (sent, world.org.bills()) == ([], [])

    def lose(self, world: Any, fault: dict[str, Any], *, update: bool) -> list[str]:
        """M-1's bill is to be made (or changed) and the answer does not come; the keys sent from there on."""
        world.put()
        if update:
            world.turn()
            world.put(amount=OTHER)
        sent = spy(world)
        world.xero.fault(**fault, method="POST" if update else "PUT", path="/Invoices")
        world.turn()
        assert len(sent) == 1
        assert world.reason() is Reason.OUTCOME_UNKNOWN
        return sent


def test_a_clock_set_back_between_write_and_reading_back_leaves_no_attempt_open(make_world):
    back = dt.timedelta(0)
    world = make_world()
    world.house.close()
    world.house = House(world.house.config, clock=lambda: world.xero.now() - back, wait=lambda _seconds: None)
    with world.house:
        client = world.cycle._pusher._xero
        real = client.send

        def send(attempt: Any) -> Any:
            outcomes = real(attempt)
            world.xero.fault(503, times=100)
            return outcomes

        client.send = send
        world.put("M-1")
        world.sweep()
        assert world.house.ledger.attempts.open(KEY)
        back = dt.timedelta(days=1)
        world.xero.clear_faults()
        world.sweep()
        settled(world, "M-1")


class TestProcesses:
    """Real processes on the same database."""

    def run(self, world: Any, folder: Path, environ: dict[str, str], *arguments: str) -> subprocess.Popen[bytes]:
        (folder / "billwatch.toml").write_text(world.text())
        command = [sys.executable, one_turn.__file__, str(folder / "billwatch.toml"), seconds_ahead(world.xero)]
        secrets = environ | {"CLIENT_SECRET": world.xero.client_secret, "PYTHONPATH": str(Path.cwd())}
        return subprocess.Popen(  # noqa: S603  a program of our own
            [*command, *arguments], env=secrets, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )

    @pytest.mark.parametrize("point", one_turn.POINTS)
    @pytest.mark.parametrize("occurrence", ["1", "2"], ids=["creating", "updating"])
    def test_a_kill_at_any_point_bills_nothing_twice(self, world, tmp_path, environ, point, occurrence):
        world.put("M-1")
        world.turn()
        world.put("M-1", amount=OTHER)
        world.put("M-2")
        world.put("M-3")
        with self.run(world, tmp_path, environ, point, occurrence) as process:
            assert process.wait(30) == -signal.SIGKILL
        world.turn()  # another process might still be waiting for its answer
        world.xero.advance(minutes=1)
        world.turn()
        settled(world, "M-1", "M-2", "M-3")

    def test_what_another_process_may_be_waiting_for_is_left_alone(self, world):
        sent = TestUnansweredWrites().lose(world, CUT_BEFORE, update=False)
        other = world.reopen()
        other.cycles[KEY].turn()
        assert len(sent) == 1
        assert world.reason() is Reason.OUTCOME_UNKNOWN

    def test_two_processes_at_once_make_one_bill_each(self, world, tmp_path, environ):
        keys = [f"M-{n}" for n in range(1, 61)]
        for key in keys:
            world.put(key)
        world.xero.fault(method="PUT", path="/Invoices", delay=0.3, times=2)
        both = [self.run(world, tmp_path, environ) for _ in range(2)]
        for process in both:
            with process:
                assert process.wait(30) == 0, process.stderr.read()
        world.turn()
        settled(world, *keys)


def test_two_houses_at_once_make_one_bill_each(world):
    keys = [f"M-{n}" for n in range(1, 61)]
    for key in keys:
        world.put(key)
    world.xero.fault(method="PUT", path="/Invoices", delay=0.2, times=2)
    second, start = world.reopen(), threading.Barrier(2)

    def work(house: Any) -> None:
        start.wait()
        house.cycles[KEY].turn()

    threads = [threading.Thread(target=work, args=(house,)) for house in (world.house, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.turn()
    settled(world, *keys)


def test_billing_again_is_a_choice_and_leaves_the_first_bill_alone(world):
    world.put()
    world.turn()
    world.org.delete("M-1")
    for _ in range(3):
        world.sweep()
    assert world.reason() is Reason.BILL_DELETED
    assert len(world.org.bills()) == 1
    world.choose(Choose.BILL_AGAIN)
    world.sweep()
    assert [(bill.number, bill.status) for bill in world.org.bills()] == [("M-1", "DELETED"), ("M-1-2", "SUBMITTED")]
