"""Several processes share one database: what one has claimed no other gets, and what one was told is kept is kept."""

import contextlib
import multiprocessing
import os
import signal
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from multiprocessing.connection import Connection

from ledger_samples import DAY, LEASE, NOW, ORG, attempt, bill, case_of, choice, decide, milestone, notice

from reconciler.model import Exemption, Link
from reconciler.reasons import Choose, Reason
from reconciler.records import Attempt
from storage.ledger import Ledger

FRESH = multiprocessing.get_context("forkserver")  # a fork would take the locks of the other threads along
PATIENCE = 60.0
Act = Callable[[str, int], object]


def _send(pipe: Connection, act: Act, url: str, number: int) -> None:
    pipe.send(act(url, number))


def _received(reader: Connection) -> object:
    assert reader.poll(PATIENCE), "the process said nothing in time"
    return reader.recv()


def _side_by_side(count: int, act: Act, url: str) -> list[object]:
    """Let so many processes act at once; what each of them gave."""
    pipes = [FRESH.Pipe(duplex=False) for _ in range(count)]
    processes = [FRESH.Process(target=_send, args=(pipe[1], act, url, number)) for number, pipe in enumerate(pipes)]
    for process, (_, writer) in zip(processes, pipes, strict=True):
        process.start()
        writer.close()
    sent = [_received(reader) for reader, _ in pipes]
    for process, (reader, _) in zip(processes, pipes, strict=True):
        process.join(PATIENCE)
        reader.close()
    assert [process.exitcode for process in processes] == [0] * count
    return sent


def _claim(url: str, _number: int) -> list[int]:
    with Ledger.open(url) as own:
        claimed: list[int] = []
        while mails := own.outbox.claim(NOW, 3, LEASE):
            claimed += [mail.mail_id for mail in mails]
        return claimed


def test_a_mail_is_claimed_by_one_process_only(ledger: Ledger, url: str) -> None:
    ledger.milestones.put([milestone()], NOW)
    decide(ledger, Reason.BILL_PAID, notice=notice(*(f"p{number}@x.org" for number in range(40))))
    claimed = [mail_id for some in _side_by_side(4, _claim, url) for mail_id in some]  # type: ignore[attr-defined]
    assert len(claimed) == len(set(claimed)) == 40


def _begin(wanted: Attempt, url: str, _number: int) -> bool:
    with Ledger.open(url) as own:
        return own.attempts.begin(wanted, NOW) is not None


def test_a_milestone_is_claimed_by_one_process_only(ledger: Ledger, url: str) -> None:
    ledger.milestones.put([milestone(key) for key in ("M1", "M2", "M3")], NOW)
    wanted = attempt(ledger, "M1", "M2", "M3")
    assert sum(map(bool, _side_by_side(6, partial(_begin, wanted), url))) == 1
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


def _put(url: str, _number: int) -> int:
    with Ledger.open(url) as own:
        return own.milestones.put([milestone(f"M{key}") for key in range(60)], NOW)[0]


def test_milestones_put_at_once_are_each_there_once(ledger: Ledger, url: str) -> None:
    assert sum(map(int, _side_by_side(4, _put, url))) == 60  # type: ignore[arg-type]
    assert len(ledger.milestones.dirty_keys(ORG, NOW, 100)) == 60


def _store(url: str, number: int) -> int:
    with Ledger.open(url) as own:
        read_at = NOW.replace(microsecond=number)
        own.mirror.store_bills(ORG, [bill(f"b{key}", read_at=read_at) for key in range(30)])
        return number


def test_bills_stored_at_once_leave_the_newest_reading(ledger: Ledger, url: str) -> None:
    _side_by_side(5, _store, url)
    held = [ledger.mirror.bill(ORG, f"b{key}") for key in range(30)]
    assert {each.read_at.microsecond for each in held if each} == {4}


def _write_on(url: str, pipe: Connection) -> None:
    own = Ledger.open(url)
    for number in range(100_000):
        own.milestones.put([milestone(f"M{number:06}", date=DAY)], NOW)
        pipe.send(number)


def test_what_was_told_to_be_kept_survives_a_kill(ledger: Ledger, url: str) -> None:
    reader, writer = FRESH.Pipe(duplex=False)
    process = FRESH.Process(target=_write_on, args=(url, writer))
    process.start()
    writer.close()
    told = [_received(reader) for _ in range(40)]
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join(PATIENCE)
    with contextlib.suppress(EOFError):
        while True:
            told.append(_received(reader))
    reader.close()
    keys = ledger.milestones.dirty_keys(ORG, NOW, 100_000)
    assert keys[: len(told)] == [f"M{number:06}" for number in told]
    assert len(keys) <= len(told) + 1
    assert case_of(ledger, keys[-1]).link == Link()
    if url.startswith("postgresql"):
        return
    with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
