"""Several processes share one database: what one has claimed no other gets, and what one was told is kept is kept."""

import contextlib
import multiprocessing
import os
import signal
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection

from ledger_samples import DAY, LEASE, NOW, ORG, attempt, bill, case_of, choice, decide, milestone, notice

from reconciler.model import Exemption, Link
from reconciler.reasons import Choose, Reason
from storage.ledger import Ledger

FORK = multiprocessing.get_context("fork")


def _side_by_side(count: int, act: Callable[[int, Connection], None]) -> list[object]:
    """Let so many processes act at once; what each of them sent."""
    pipes = [FORK.Pipe(duplex=False) for _ in range(count)]
    processes = [FORK.Process(target=act, args=(number, pipe[1])) for number, pipe in enumerate(pipes)]
    for process in processes:
        process.start()
    sent = [reader.recv() for reader, _ in pipes]
    for process in processes:
        process.join()
    for pipe in pipes:
        for end in pipe:
            end.close()
    assert [process.exitcode for process in processes] == [0] * count
    return sent


def test_a_mail_is_claimed_by_one_process_only(ledger: Ledger, url: str) -> None:
    ledger.milestones.put([milestone()], NOW)
    decide(ledger, Reason.BILL_PAID, notice=notice(*(f"p{number}@x.org" for number in range(40))))

    def claim(_number: int, pipe: Connection) -> None:
        with Ledger.open(url) as own:
            claimed: list[int] = []
            while mails := own.outbox.claim(NOW, 3, LEASE):
                claimed += [mail.mail_id for mail in mails]
            pipe.send(claimed)

    claimed = [mail_id for some in _side_by_side(4, claim) for mail_id in some]  # type: ignore[attr-defined]
    assert len(claimed) == len(set(claimed)) == 40


def test_a_milestone_is_claimed_by_one_process_only(ledger: Ledger, url: str) -> None:
    ledger.milestones.put([milestone(key) for key in ("M1", "M2", "M3")], NOW)
    wanted = attempt(ledger, "M1", "M2", "M3")

    def begin(_number: int, pipe: Connection) -> None:
        with Ledger.open(url) as own:
            pipe.send(own.attempts.begin(wanted, NOW) is not None)

    assert sum(map(bool, _side_by_side(6, begin))) == 1
    assert len(ledger.attempts.open(ORG)) == 1


def test_of_choices_made_at_once_one_counts(ledger: Ledger, open_ledger: Callable[[], Ledger]) -> None:
    ledger.milestones.put([milestone()], NOW)
    ledgers = [open_ledger() for _ in range(6)]

    def choose(own: Ledger) -> bool:
        exemption = Exemption("Ann", "", NOW)
        return own.milestones.choose(ORG, "M1", Link(), choice(Choose.EXEMPT), exemption, None)

    with ThreadPoolExecutor(6) as threads:
        assert sum(threads.map(choose, ledgers)) == 1
    assert [moment.what for moment in ledger.overview.timeline(ORG, "M1")].count("exemption") == 1


def test_milestones_put_at_once_are_each_there_once(ledger: Ledger, url: str) -> None:
    def put(_number: int, pipe: Connection) -> None:
        with Ledger.open(url) as own:
            pipe.send(own.milestones.put([milestone(f"M{key}") for key in range(60)], NOW)[0])

    assert sum(map(int, _side_by_side(4, put))) == 60  # type: ignore[arg-type]
    assert len(ledger.milestones.dirty_keys(ORG, NOW, 100)) == 60


def test_bills_stored_at_once_leave_the_newest_reading(ledger: Ledger, url: str) -> None:
    def store(number: int, pipe: Connection) -> None:
        with Ledger.open(url) as own:
            read_at = NOW.replace(microsecond=number)
            own.mirror.store_bills(ORG, [bill(f"b{key}", read_at=read_at) for key in range(30)])
            pipe.send(number)

    _side_by_side(5, store)
    held = [ledger.mirror.bill(ORG, f"b{key}") for key in range(30)]
    assert {each.read_at.microsecond for each in held if each} == {4}


def test_what_was_told_to_be_kept_survives_a_kill(ledger: Ledger, url: str) -> None:
    def write(pipe: Connection) -> None:
        own = Ledger.open(url)
        for number in range(100_000):
            own.milestones.put([milestone(f"M{number:06}", date=DAY)], NOW)
            pipe.send(number)

    reader, writer = FORK.Pipe(duplex=False)
    process = FORK.Process(target=write, args=(writer,))
    process.start()
    told = [reader.recv() for _ in range(40)]
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    writer.close()
    with contextlib.suppress(EOFError):
        while True:
            told.append(reader.recv())
    reader.close()
    keys = ledger.milestones.dirty_keys(ORG, NOW, 100_000)
    assert keys[: len(told)] == [f"M{number:06}" for number in told]
    assert len(keys) <= len(told) + 1
    assert case_of(ledger, keys[-1]).link == Link()
    with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
