"""Systemd hears that we serve, that we still do, and that we stop; without it, nobody is told."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from billwatch.supervisor import Supervisor


@pytest.fixture
def line(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.settimeout(30)
        line.bind(str(tmp_path / "notify"))
        yield line


def _watched(environ: dict[str, str], well: bool) -> tuple[threading.Event, threading.Thread]:
    asked = threading.Event()
    thread = threading.Thread(target=Supervisor(environ).watch, args=(asked, lambda: well))
    thread.start()
    return asked, thread


def test_it_hears_how_the_service_is(line: socket.socket) -> None:
    asked, thread = _watched({"NOTIFY_SOCKET": line.getsockname(), "WATCHDOG_USEC": "20000"}, well=True)
    assert [line.recv(100), line.recv(100), line.recv(100)] == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"]
    asked.set()
    thread.join(30)
    while (word := line.recv(100)) != b"STOPPING=1":
        assert word == b"WATCHDOG=1"


def test_a_service_that_does_not_answer_is_silent(line: socket.socket) -> None:
    asked, thread = _watched({"NOTIFY_SOCKET": line.getsockname(), "WATCHDOG_USEC": "2000"}, well=False)
    assert line.recv(100) == b"READY=1"
    asked.set()
    thread.join(30)
    assert line.recv(100) == b"STOPPING=1"


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": "/nowhere/at/all"}])
def test_without_anybody_who_listens_nothing_happens(environ: dict[str, str]) -> None:
    asked, thread = _watched(environ, well=True)
    asked.set()
    thread.join(30)
    assert not thread.is_alive()
