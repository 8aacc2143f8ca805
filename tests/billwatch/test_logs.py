"""The log: one form for all lines, ours and those of libraries; and the lines of one run carry its id."""

import json
import subprocess
import sys
from typing import Any

import pytest

# In a process of its own: a log is set up once and for all.
PROGRAM = """
import datetime as dt, logging, structlog
from billwatch.jobs import guarded
from billwatch.logs import configure
from reconciler.errors import StorageError
from reconciler import flag_log
from reconciler.milestone_port import Applied
from reconciler.reasons import Reason
from reconciler.records import Flag

configure("json")
log, now = structlog.get_logger(), dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
logging.getLogger("some.library").warning("disk %s", "full")
logging.getLogger("apscheduler.scheduler").warning("maximum number of running instances reached")
opened = Flag(7, "trust", "M-1", Reason.BILL_PAID, now)
closed = Flag(5, "trust", "M-2", Reason.LOCKED_DRAFT, now, closed_at=now, closed_because="the lock was lifted")
flag_log.tell(Applied((opened,), (closed,)))

def work():
    log.info("called")
    raise StorageError("The disk is full.")

job = guarded("drain", work)
job()
job()
"""


@pytest.fixture(scope="module")
def log() -> list[dict[str, Any]]:
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)  # noqa: S603 -- ourselves
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_what_a_library_warns_of_is_a_line_of_json_too(log: list[dict[str, Any]]) -> None:
    library = [line for line in log if "logger" in line]
    assert [(line["event"], line["level"], line["logger"]) for line in library] == [
        ("disk full", "warning", "some.library")
    ]


def test_every_flag_that_opens_or_closes_has_a_line(log: list[dict[str, Any]]) -> None:
    opened, closed = (line for line in log if line["event"].startswith("flag"))
    assert (opened["event"], opened["milestone"], opened["reason"], opened["flag"]) == (
        *("flag opened", "M-1", "BILL_PAID"),
        7,
    )
    assert (closed["event"], closed["flag"], closed["why"]) == ("flag closed", 5, "the lock was lifted")


def test_the_lines_of_one_run_carry_its_id_and_a_failure_ends_no_job(log: list[dict[str, Any]]) -> None:
    one, failed, other, _ = log[-4:]
    assert one["run"] == failed["run"] != other["run"]
    assert (failed["event"], failed["job"], failed["error"]) == ("job failed", "drain", "The disk is full.")
