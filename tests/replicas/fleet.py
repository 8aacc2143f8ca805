"""Several processes of `billwatch serve` over one PostgreSQL, as an operator would start them."""

import base64
import contextlib
import datetime as dt
import hashlib
import hmac
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import uuid
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from next_release import ROOT
from world import KEY, config_text, until

from billwatch.sandbox import Sandbox
from reconciler.model import Milestone
from reconciler.reasons import Reason
from storage.ledger import Ledger

PROGRAM = "from billwatch.cli import main; main()"
STARTED_SECONDS = 60.0
PATIENCE = 90.0
BILLED = {Reason.AWAITING_APPROVAL}


@dataclass
class Replica:
    """A process of the fleet."""

    role: str
    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ready(self) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        return False

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)


@dataclass
class Fleet:
    """The processes, and what was acknowledged by them. Use it as a context manager."""

    xero: Sandbox
    tenant_id: str
    database: str
    mail_port: int
    folder: Path
    environ: dict[str, str]
    replicas: list[Replica] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    refused: int = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for replica in self.replicas:
            replica.process.kill()
            replica.process.wait(30)

    def start(self, role: str, **more: str) -> Replica:
        """Start a process, with more in its environment; it serves once `ready`."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        path = self.folder / f"{role}-{port}.toml"
        path.write_text(self._configuration(port))
        command = [sys.executable, "-c", PROGRAM, "--config", str(path), "serve", "--role", role, "--log", "json"]
        with (self.folder / f"{role}-{port}.log").open("wb") as log:
            secrets = self.environ | {"CLIENT_SECRET": self.xero.client_secret, "PATH": os.environ["PATH"]}
            process = subprocess.Popen(  # noqa: S603  our own program
                command, cwd=self.folder, env=secrets | {"PYTHONPATH": str(ROOT)} | more, stdout=log, stderr=log
            )
        replica = Replica(role, port, process)
        self.replicas.append(replica)
        return replica

    def await_all(self) -> None:
        """Wait until every process serves."""
        until(lambda: all(replica.ready for replica in self.replicas), STARTED_SECONDS)

    def await_all_living(self) -> None:
        """Wait until every process that was not killed serves."""
        until(lambda: all(each.ready for each in self.replicas if each.process.poll() is None), STARTED_SECONDS)

    def of_role(self, role: str) -> list[Replica]:
        """The processes of that role that were not killed."""
        return [each for each in self.replicas if each.role == role and each.process.poll() is None]

    def post(self, receiver: Replica, bill_id: str) -> int:
        """Tell a receiver that a bill changed, as Xero would; the status of its answer, 0 for none."""
        name = uuid.uuid4().hex
        body = json.dumps({"events": [_event(self.tenant_id, bill_id)], "entropy": name}).encode()
        signature = base64.b64encode(hmac.new(self.environ["WEBHOOK_KEY"].encode(), body, hashlib.sha256).digest())
        headers = {"x-xero-signature": signature.decode(), "content-type": "application/json"}
        try:
            status = httpx.post(f"{receiver.url}/webhooks/xero", content=body, headers=headers, timeout=5).status_code
        except httpx.HTTPError:
            return 0
        if status == 200:
            self.acknowledged.append(name)
        else:
            self.refused += 1
        return status

    def logs(self) -> str:
        """What all processes have said."""
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("*.log")))

    def _configuration(self, port: int) -> str:
        extra = f"port = {port}\n[reconciler]\nquiet_seconds = 1\n[mail]\nhost = '127.0.0.1'\nport = {self.mail_port}"
        extra += "\nsecurity = 'none'\nsender = 'billwatch@example.org'\ncollect_seconds = 1"
        policy = "new_bills_per_hour = 10000"
        text = config_text(self.xero, self.tenant_id, self.database, policy=policy, extra=extra)
        return text.replace("port = 0\n", "")


class Traffic:
    """Events about bills, told to all receivers in turn for the length of a `with` block."""

    def __init__(self, fleet: Fleet, bill_ids: list[str]) -> None:
        self._fleet, self._bill_ids, self._over = fleet, bill_ids, threading.Event()
        self._thread = threading.Thread(target=self._tell, name="traffic")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._over.set()
        self._thread.join(60)

    def _tell(self) -> None:
        number = 0
        while not self._over.wait(0.02):
            receivers = self._fleet.of_role("receiver")
            self._fleet.post(receivers[number % len(receivers)], self._bill_ids[number % len(self._bill_ids)])
            number += 1


def put(ledger: Ledger, *keys: str, amount: str = "1200.00") -> None:
    today = dt.datetime.now(dt.UTC).date()
    stages = frozenset({"approved"})
    milestones = [
        Milestone(KEY, key, f"Stage {key}", f"Payee {key}", Decimal(amount), today, stages=stages) for key in keys
    ]
    ledger.milestones.put(milestones, dt.datetime.now(dt.UTC))


def reasons(ledger: Ledger, *keys: str) -> set[Reason | None]:
    listed = ledger.overview.listed(KEY, keys)
    return {one.verdict.reason if one.verdict else None for one in listed} if len(listed) == len(keys) else {None}


def bodies(ledger: Ledger) -> set[str]:
    """The names of the requests that are in the database."""
    count = ledger._store.value("SELECT string_agg(convert_from(body, 'UTF8'), E'\\n') FROM raw_request", [])
    return {json.loads(line)["entropy"] for line in (count or "").splitlines()}


def nothing_twice(fleet: Any) -> None:
    numbers = Counter(bill.number for bill in fleet.org.bills())
    assert {number: count for number, count in numbers.items() if count > 1} == {}
    sent = Counter((letter.recipient, letter.message["Message-ID"]) for letter in fleet.letterbox.letters)
    assert {name: count for name, count in sent.items() if count > 1} == {}
    assert fleet.xero.breaches() == {}


def _event(tenant_id: str, bill_id: str) -> dict[str, str]:
    return {
        "resourceUrl": f"https://api.xero.com/api.xro/2.0/Invoices/{bill_id}",
        "resourceId": bill_id,
        "eventDateUtc": "2030-01-01T00:00:00.000",
        "eventType": "UPDATE",
        "eventCategory": "INVOICE",
        "tenantId": tenant_id,
        "tenantType": "ORGANISATION",
    }
