"""A billwatch of the benchmark's own: its configuration, database and sandbox, in this process or served in another."""

import datetime as dt
import math
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from cryptography.fernet import Fernet

from billwatch.config import checked
from billwatch.sandbox import Org, Sandbox
from billwatch.wiring import House

COMMAND = str(Path(sys.executable).with_name("billwatch"))
WEBHOOK_KEY = "a webhook key for the benchmark"
SYNCED = """
mode = "sync"
account = "480"
tax = "NONE"
people = { accounting = ["accounts@example.org"] }
policy = { new_bills_per_hour = 100000 }
"""
START_SECONDS = 60.0
STOP_SECONDS = 60.0
CONFIG = """
[server]
port = {port}
[storage]
url = "{storage}"
[xero]
api_url = "{xero}"
identity_url = "{xero}"
webhook_keys = ["env:WEBHOOK_KEY"]
[keys]
encryption = ["env:ENCRYPTION_KEY"]
links = ["env:LINK_KEY"]
{more}
[[organisation]]
key = "example"
name = "Example Trust"
tenant_id = "{tenant}"
client_id = "{client}"
client_secret = "env:CLIENT_SECRET"
{organisation}
"""


@dataclass(frozen=True, slots=True)
class Served:
    """A daemon that answers: its port and process, and how long it took from start to the first answer."""

    port: int
    process: subprocess.Popen[bytes]
    ready_seconds: float

    def resident_mb(self) -> float:
        """Memory that the process holds now, in MB."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@dataclass(frozen=True, slots=True)
class Place:
    """Where a billwatch can be opened, from any process: its configuration file and what that expects around it."""

    file: Path
    environ: dict[str, str] = field(repr=False)

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.file.with_name("billwatch.db")

    def house(self, xero: Sandbox | None = None) -> House:
        """Everything put together, in this process; with a sandbox, on its clock, which jumps where we would wait."""
        config = checked(self.file.read_bytes(), self.file, environ=self.environ)
        if xero is None:
            return House(config)

        def wait(seconds: float) -> None:
            xero.advance(seconds=math.ceil(seconds))

        return House(config, clock=lambda: xero.now().astimezone(dt.UTC), wait=wait)

    @contextmanager
    def serving(self, role: str = "all") -> Iterator[Served]:
        """`billwatch serve`, as an operator runs it."""
        port = _free_port()
        file = self.file.with_name(f"served-{port}.toml")
        file.write_text(self.file.read_text().replace("port = 0", f"port = {port}", 1))
        began = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603  our own program
            [COMMAND, "--config", str(file), "serve", "--log", "json", "--role", role],
            env={**os.environ, **self.environ},
            stdout=subprocess.DEVNULL,
            stderr=self.file.with_name(f"log-{port}").open("wb"),
        )
        with process:
            try:
                _await(f"http://127.0.0.1:{port}/readyz", process)
                yield Served(port, process, time.perf_counter() - began)
            finally:
                process.terminate()
                process.wait(STOP_SECONDS)


def place(xero: Sandbox, org: Org, folder: Path, *, storage: str = "", more: str = "", organisation: str = "") -> Place:
    """A place in that folder, with a file as its database unless `storage` names a server.

    `more` and `organisation` are further lines of its configuration.
    """
    file = folder / "billwatch.toml"
    storage = storage or f"sqlite:///{folder}/billwatch.db"
    values = {"xero": xero.url, "tenant": org.tenant_id, "client": xero.client_id}
    file.write_text(CONFIG.format(port=0, storage=storage, more=more, organisation=organisation, **values))
    environ = {
        "ENCRYPTION_KEY": Fernet.generate_key().decode(),
        "LINK_KEY": secrets.token_urlsafe(32),
        "WEBHOOK_KEY": WEBHOOK_KEY,
        "CLIENT_SECRET": xero.client_secret,
    }
    return Place(file, environ)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    with httpx.Client(trust_env=False) as client:
        while time.monotonic() < end and process.poll() is None:
            try:
                if client.get(url).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.005)
    raise SystemExit("billwatch did not start for the benchmark.")
