"""A life: what platform, people and Xero do to a billwatch, which may be killed on the way and is started again.

All chance comes from the seed, so the same life can be led with and without a kill, and both must end alike.
"""

import base64
import dataclasses
import datetime as dt
import hashlib
import hmac
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from decimal import Decimal
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from databases import asked
from letterbox import Letter, Letterbox
from mortal import START, Beginning, Died, Mortal
from msgspec.structs import replace
from points import Point
from world import KEY, config_text

from billwatch.sandbox import Sandbox
from billwatch.sandbox.handle import Refused
from reconciler.model import Milestone
from reconciler.reasons import Choose, Reason, words
from reconciler.records import Choice
from storage import Ledger

WEBHOOK_KEY = "a webhook key"
KEYS = [f"M-{number}" for number in range(1, 6)]
LATE = "M-9"
WAITS = (1, 61, 240, 660)  # seconds; between them lie the times after which an unanswered write is looked at again
MINUTE = 61  # seconds after which Xero takes as many calls again
ROUNDS_AT_MOST = 60
MAIL = """
public_url = "https://grants.example.org"
[mail]
host = "127.0.0.1"
port = {port}
security = "none"
sender = "billwatch@example.org"
collect_seconds = 0
[reconciler]
quiet_seconds = 0
"""
Deed = Callable[[Any, str], object]
DEEDS: tuple[tuple[Deed, ...], ...] = (
    (),
    (lambda org, key: org.approve(key),),
    (lambda org, key: org.approve(key), lambda org, key: org.pay(key)),
    (lambda org, key: org.approve(key), lambda org, key: org.pay(key, 100)),
    (lambda org, key: org.approve(key), lambda org, key: org.void(key)),
    (lambda org, key: org.edit(key, total="1300.00"),),
    (lambda org, key: org.edit(key, description="A better description"),),
    (lambda org, key: org.delete(key),),
)
CHANGES: tuple[dict[str, Any], ...] = (
    {},
    {"amount": Decimal("777.70")},
    {"title": "A new title"},
    {"date": START.date() + dt.timedelta(days=30)},
    {"cancelled": True},
)
ANSWERS = (Choose.KEEP, Choose.OVERWRITE, Choose.BILL_AGAIN, Choose.EXEMPT, Choose.RESYNC)


@dataclasses.dataclass(frozen=True)
class Fate:
    """When to die: at a point of the process's own, or while Xero has a call (`asked`: before its work, `done`: after).

    `again` is where the process that is started afterwards dies as well.
    """

    point: Point
    again: Point | None = None

    @property
    def hang(self) -> str:
        """Where Xero falls silent for a death while it has the call; empty for any other."""
        return {"asked": "before", "done": "after"}.get(self.point[0].rpartition(":")[2], "")


@dataclasses.dataclass(frozen=True)
class Ended:
    """What is left of a life: how each milestone stands with its bill, who was told what, and what went wrong."""

    state: Mapping[str, tuple[Any, ...]]
    numbers: Counter[str]
    told: set[tuple[str, ...]]
    repeats: Mapping[str, int]
    unsent: list[str]
    acknowledged: int
    lost: int
    deaths: int
    passed: Mapping[str, int]


class Life:
    """One organisation, its database, its mails, and the process that looks after it."""

    def __init__(
        self, xero: Sandbox, letterbox: Letterbox, folder: Path, database: str, environ: Mapping[str, str]
    ) -> None:
        self._xero, self._org, self._letterbox, self._folder = xero, xero.organisation("Trust"), letterbox, folder
        self._database = database
        extra = MAIL.format(port=letterbox.port)
        stated = {"organisation": 'mode = "sync"\nhistory_notes = true', "extra": extra}
        text = config_text(xero, self._org.tenant_id, database, **stated)
        (folder / "billwatch.toml").write_text(text)
        self._environ = {**environ, "WEBHOOK_KEY": WEBHOOK_KEY, "CLIENT_SECRET": xero.client_secret}
        self._letters_before = len(letterbox.letters)
        self._again: list[Point] = []
        self._hangs = False
        self._acknowledged: list[bytes] = []
        self._deaths = 0

    def lead(self, seed: int, began: float, fate: Fate | None = None) -> Ended:
        """From the first milestone to the last quiet. `began`: the monotonic second when the clock stood at `START`."""
        self._beginning = Beginning(self._folder / "billwatch.toml", self._environ, began)
        self._dice, self._clock = random.Random(seed), random.Random(seed)  # noqa: S311 - to be repeatable
        self._begin(fate)
        milestones = [_milestone(key, place) for place, key in enumerate(KEYS)]
        self._put(milestones)
        self._days_of_an_accountant()
        self._put([replace(one, **self._dice.choice(CHANGES)) for one in milestones])
        self._decide()
        self._lock()
        return self._end()

    def _begin(self, fate: Fate | None) -> None:
        point = fate.point if fate else None
        if fate and fate.hang:
            name, occurrence = fate.point
            method, path = name.partition(":")[0].split()
            self._xero.fault(method=method, path=f"/{path}", skip=occurrence - 1, hang=fate.hang)
            point, self._hangs = None, True
        self._again = [fate.again] if fate and fate.again else []
        self._start(point)

    def _start(self, deadly: Point | None) -> None:
        self._mortal = Mortal(dataclasses.replace(self._beginning, deadly=deadly), self._kill_while_xero_has_it)
        try:
            self._mortal.greet()
        except Died:
            self._restart()

    def _kill_while_xero_has_it(self) -> None:
        if self._hangs and not self._xero.desk.world.faults.ordered:
            self._hangs = False
            self._mortal.kill()

    def _restart(self) -> None:
        self._deaths += 1
        self._mortal.bury()
        self._start(self._again.pop() if self._again else None)

    def _do(self, deed: str, *args: Any) -> Any:
        """Have it done, by the next process if this one dies of it: whoever asks, asks again."""
        while True:
            try:
                return self._mortal.do(deed, self._xero.desk.world.ahead, *args)
            except Died:
                self._restart()

    def _settle(self) -> None:
        """Rounds, with time going by in between, until nothing is left to do: on what events say, then on a sweep."""
        self._xero.advance(seconds=MINUTE)
        for number in range(ROUNDS_AT_MOST):
            swept = number % 2 == 1
            if self._do("round", swept) and swept:
                return
            self._xero.advance(seconds=self._clock.choice(WAITS) if swept else 1)
        raise AssertionError("it never comes to rest")

    def _put(self, milestones: Sequence[Milestone]) -> None:
        self._do("put", milestones)
        self._settle()

    def _days_of_an_accountant(self) -> None:
        for key in KEYS:
            for deed in self._dice.choice(DEEDS):
                self._xero.advance(seconds=1)
                try:
                    deed(self._org, key)
                except Refused:
                    continue
                self._tell(key)
        self._settle()

    def _tell(self, key: str) -> None:
        """Xero posts an event until it is acknowledged."""
        body = delivery(self._org.tenant_id, self._org.bill(key).bill_id, self._xero.now())
        while not self._posted(body):
            self._restart()
        self._acknowledged.append(body)

    def _posted(self, body: bytes) -> bool:
        digest = hmac.new(WEBHOOK_KEY.encode(), body, hashlib.sha256).digest()
        headers = {"x-xero-signature": base64.b64encode(digest).decode()}
        with closing(HTTPConnection("127.0.0.1", self._mortal.port, timeout=10)) as connection:
            try:
                connection.request("POST", "/webhooks/xero", body, headers)
                return connection.getresponse().status == 200
            except (OSError, HTTPException):
                return False

    def _decide(self) -> None:
        """People answer the flags that are open."""
        for key, reason in self._open_flags():
            offered = [kind for kind in words(Reason(reason)).choices if kind in ANSWERS]
            if offered:
                at = self._xero.now().astimezone(dt.UTC)
                self._do("choose", key, Choice(self._dice.choice(offered), "Ann Example", at, reason="so agreed"))
        self._settle()

    def _lock(self) -> None:
        """A lock is set, a milestone falls into it, and the lock is lifted."""
        self._org.lock(period=START.date())
        self._put([replace(_milestone(LATE, 9), date=START.date() - dt.timedelta(days=3))])
        self._org.lock()
        self._settle()

    def _end(self) -> Ended:
        self._xero.clear_faults()
        passed = self._do("passed")
        self._mortal.bury(alive=True)
        letters = self._letterbox.letters[self._letters_before :]
        ids = Counter((letter.recipient, str(letter.message["Message-ID"])) for letter in letters)
        return Ended(
            state=self._state(),
            numbers=Counter(bill.number for bill in self._org.bills()),
            told={told for letter in letters for told in _told(letter)},
            repeats={message_id: times - 1 for (_, message_id), times in ids.items() if times > 1},
            unsent=[
                f"{message_id} to {recipient}"
                for recipient, message_id in self._posted_mails()
                if not ids[recipient, message_id]
            ],
            acknowledged=len(self._acknowledged),
            lost=self._lost(),
            deaths=self._deaths,
            passed=passed,
        )

    def _posted_mails(self) -> list[tuple[str, str]]:
        """Recipient and Message-ID of every mail that is taken for sent."""
        return asked(self._database, "SELECT recipient, message_id FROM mail WHERE sent_at IS NOT NULL")

    def _lost(self) -> int:
        """Acknowledged requests that are not in the database byte for byte, or were never read."""
        query = "SELECT body FROM raw_request WHERE drained_at IS NOT NULL AND NOT unreadable"
        kept = Counter(bytes(body) for (body,) in asked(self._database, query))
        return sum((Counter(self._acknowledged) - kept).values())

    def _ledger(self) -> Ledger:
        return Ledger.open(self._database)

    def _open_flags(self) -> list[tuple[str, str]]:
        with self._ledger() as ledger:
            flags = ledger.overview.open_flags(KEY, limit=100)
        return sorted((flag.key, flag.reason.value) for flag in flags if flag.key)

    def _state(self) -> dict[str, tuple[Any, ...]]:
        bills = {bill.bill_id: bill for bill in self._org.bills()}
        found: dict[str, tuple[Any, ...]] = {"flags": tuple(self._open_flags())}
        with self._ledger() as ledger:
            for decision in ledger.milestones.standing(KEY, [*KEYS, LATE]):
                link, bill = decision.case.link, bills.get(decision.case.link.bill_id)
                shown = (bill.number, bill.status, bill.total, bill.day, bill.amount_due) if bill else ()
                verdict = decision.verdict
                found[decision.case.milestone.key] = (verdict.action, verdict.reason, link.pending_attempt, *shown)
        notes = {note.details for lines in self._org.books.history.values() for note in lines if note.changes == "Note"}
        return found | {"notes": tuple(sorted(notes))}


def delivery(tenant_id: str, bill_id: str, at: dt.datetime) -> bytes:
    """The body of a webhook request that tells of one change of one bill."""
    moment = at.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")
    event = {
        "resourceId": bill_id,
        "eventDateUtc": moment,
        "eventType": "UPDATE",
        "eventCategory": "INVOICE",
        "tenantId": tenant_id,
        "tenantType": "ORGANISATION",
    }
    return json.dumps({"events": [event], "lastEventSequence": 1, "entropy": moment}).encode() + b" " * 64


def _milestone(key: str, place: int) -> Milestone:
    amount, day = Decimal(1_200 + place), START.date() + dt.timedelta(days=place)
    return Milestone(KEY, key, f"Stage {place}", f"Payee of {key}", amount, day, stages=frozenset({"approved"}))


def _told(letter: Letter) -> set[tuple[str, str]]:
    """Who was told of which milestone by a letter."""
    return {(letter.recipient, key) for key in re.findall(r"\bM-\d", letter.text)}
