"""What systemd is told of a service of `Type=notify`: that it serves, that it still does, and that it is stopping.

The protocol is a datagram of `NAME=value` to the socket in the environment (sd_notify(3)).
"""

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Mapping

READY, WATCHDOG, STOPPING = "READY=1", "WATCHDOG=1", "STOPPING=1"


class Supervisor:
    """Whoever started us, if it wants to know; else nobody."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._place = environ.get("NOTIFY_SOCKET", "")
        # Half of what the unit's WatchdogSec allows, as sd_watchdog_enabled(3) advises.
        self._every = int(environ.get("WATCHDOG_USEC", "0")) / 1_000_000 / 2 or None

    def tell(self, what: str) -> None:
        """Send one word; one that cannot be sent is no reason to stop."""
        if not self._place:
            return
        address = f"\0{self._place[1:]}" if self._place.startswith("@") else self._place
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.sendto(what.encode(), address)

    def watch(self, asked: threading.Event, well: Callable[[], bool]) -> None:
        """Say from time to time that all is well, as long as it is, until we are asked to stop."""
        self.tell(READY)
        while not asked.wait(self._every):
            if well():
                self.tell(WATCHDOG)
        self.tell(STOPPING)
