"""What `billwatch export` writes: all that people would miss, nothing secret, and milestones that come in again."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from billwatch.cli import main
from billwatch.exporting import write_out
from billwatch.importing import Options, read_rows, take_in
from reconciler.milestone_port import Notice
from reconciler.model import Document, Exemption, Link, Links, Milestone, Sense, Verdict
from reconciler.reasons import Action, Choose, Reason
from reconciler.records import Choice
from storage.export import PORTION, TABLES
from storage.ledger import Ledger
from storage.models import Row

NOW = dt.datetime(2026, 11, 22, 10, 0, tzinfo=dt.UTC)
BILL = "243216c5-369e-4056-ac67-05388f86dc81"
PLAIN = Milestone("acme", "G-1", "Roof", "Kowhai Trust", Decimal("2250.00"), dt.date(2026, 12, 1))
FULL = Milestone(
    organisation="acme",
    key='G "2"; ā',
    title='=Boiler, "new"',
    payee="Ōtari & Söhne",
    amount=Decimal("0.10"),
    date=dt.date(2026, 12, 1),
    currency="NZD",
    due_date=dt.date(2027, 1, 20),
    stages=frozenset({"approved", "report-accepted"}),
    cancelled=True,
    description="Stage 2",
    contact_id="45e4708e-d862-4111-ab3a-dd8cd03913e1",
    account="480",
    tax="NONE",
    sense=Sense.EXCLUSIVE,
    tracking=(("Programme", "Youth"), ("Region: North", "a, b")),
    links=Links("https://g.example.org/m/2", "", "https://g.example.org/c/2"),
    documents=(Document("report.pdf", link="https://g.example.org/d/report.pdf"),),
)
# What is not exported: secrets, what came in raw, what Xero has, and what is derived or of the moment.
KEPT_BACK = {
    *("api_key", "token", "ticket", "ticket_flag", "raw_request", "event", "contact", "missing", "organisation"),
    *("payee", "progress", "budget", "usage", "state", "lease", "bounce", "endpoint", "outgoing", "note", "numbering"),
    "dirty",
}


def rows(folder: Path, table: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "acme" / f"{table}.jsonl").read_text(encoding="utf-8").splitlines()]


def exported(ledger: Ledger, folder: Path) -> dict[str, int]:
    return {table: number for _, table, number in write_out(ledger, ledger.export.organisations(), folder)}


def kept(ledger: Ledger, *keys: str) -> dict[str, tuple[Milestone, str]]:
    cases = ledger.milestones.gather("acme", keys, 0)
    return {case.milestone.key: (case.milestone, case.link.bill_id) for case in cases}


def lived(ledger: Ledger) -> None:
    """Have two milestones, a bill chosen for one, a flag and its mail, an exemption and an alert."""
    ledger.milestones.put([PLAIN, FULL], NOW)
    notice = Notice(lambda _: ("ops@example.org",), NOW)
    choice = Choice(Choose.LINK, by="Ann", at=NOW, bill_id=BILL)
    assert ledger.milestones.choose("acme", "G-1", Link(bill_id=BILL), choice, None, None)
    (case,) = ledger.milestones.gather("acme", [FULL.key], 0)
    exempt = Choice(Choose.EXEMPT, by="Ann", at=NOW, reason="By hand")
    assert ledger.milestones.choose(
        "acme", FULL.key, case.link, exempt, Exemption("Ann", "By hand", NOW), Reason.LOCKED_DRAFT
    )
    ledger.milestones.raise_alert("acme", Verdict(Action.HOLD, Reason.CONNECTION_LOST, Link()), notice, NOW)


def test_milestones_that_were_exported_are_the_same_once_imported_elsewhere(ledger: Ledger, tmp_path: Path) -> None:
    lived(ledger)
    exported(ledger, tmp_path / "out")
    read = read_rows(tmp_path / "out/acme/milestones.jsonl", {}, Options("acme"))
    assert (read.rejected, read.changed, read.unused) == ((), (), ())
    with Ledger.open(f"sqlite:///{tmp_path}/other.db") as other:
        assert sum(number for number, _ in take_in(read, other.milestones, NOW)) == 2
        ours, theirs = kept(ledger, "G-1", FULL.key), kept(other, "G-1", FULL.key)
    assert {key: (m.title, bill) for key, (m, bill) in theirs.items()} == {
        "G-1": ("Roof", BILL),
        FULL.key: (FULL.title, ""),
    }
    for key, (milestone, _) in ours.items():
        assert replace(theirs[key][0], version=milestone.version) == milestone


def test_what_happened_is_told_with_who_did_it_and_when(ledger: Ledger, tmp_path: Path) -> None:
    lived(ledger)
    counts = exported(ledger, tmp_path / "out")
    assert list(counts) == list(TABLES)
    assert {name: number for name, number in counts.items() if number} == {
        "milestones": 2,
        "standing": 2,
        "choices": 2,
        "exemptions": 1,
        "flags": 1,
        "mails": 1,
        "changes": counts["changes"],
    }
    (linked, exempted) = rows(tmp_path / "out", "choices")
    assert (linked["choice"]["bill_id"], linked["at"]) == (BILL, "2026-11-22T10:00:00Z")
    assert (exempted["key"], exempted["choice"]["by"], exempted["reason"]) == (FULL.key, "Ann", "LOCKED_DRAFT")
    (flag,), (mail,) = rows(tmp_path / "out", "flags"), rows(tmp_path / "out", "mails")
    assert (mail["recipient"], mail["flags"], flag["reason"]) == ("ops@example.org", [flag["id"]], "CONNECTION_LOST")


def test_more_than_a_portion_is_written_in_order_and_once_each(ledger: Ledger, tmp_path: Path) -> None:
    many = [
        Milestone("acme", f"m-{n:05}", "Roof", "Kowhai", Decimal("1.00"), dt.date(2026, 7, 1))
        for n in range(PORTION + 5)
    ]
    ledger.milestones.put(many, NOW)
    exported(ledger, tmp_path / "out")
    assert [row["key"] for row in rows(tmp_path / "out", "milestones")] == [each.key for each in many]


def test_every_table_is_exported_or_kept_back_for_a_reason() -> None:
    every = {model._meta.table_name for model in Row.__subclasses__()}  # type: ignore[attr-defined]
    told = {table.by.model._meta.table_name for table in TABLES.values()} | {"bill", "mail_flag", "attempt_element"}
    assert every - told == KEPT_BACK
    assert told & KEPT_BACK == set()


def run(configured: Path, *more: str) -> Result:
    return CliRunner().invoke(main, ["--config", str(configured), "export", *more])


def test_the_command_writes_files_for_their_owner_alone(ledger: Ledger, configured: Path, tmp_path: Path) -> None:
    lived(ledger)
    done = run(configured, str(tmp_path / "out"))
    assert done.exit_code == 0, done.output
    assert "acme          milestones        2" in done.output
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["acme"]


@pytest.mark.parametrize("wrong", ["full", "unknown"])
def test_nothing_is_written_over_or_for_nobody(ledger: Ledger, configured: Path, tmp_path: Path, wrong: str) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine", encoding="utf-8")
    more = [str(tmp_path / "full")] if wrong == "full" else [str(tmp_path / "new"), "--organisation", "beta"]
    done = run(configured, *more)
    assert done.exit_code == 1
    assert ("is not empty" if wrong == "full" else "beta") in done.output
    assert not (tmp_path / "new").exists()
