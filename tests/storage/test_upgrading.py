"""Releases share a database: a newer one adds to the tables while an older one works, and either may start again."""

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from additive import Shape, harm, shape
from ledger_samples import NOW, ORG, bill, case_of, decide, milestone
from next_release import LATER_BREAKING, next_release, opening
from playhouse.migrations import Runner
from postgres_server import Server

from reconciler.errors import StorageError
from reconciler.reasons import Reason
from storage import moving
from storage.database import Store, open_store
from storage.ledger import Ledger
from storage.migrating import BREAKING, MIGRATIONS
from storage.postgres import Postgres
from storage.sqlite import Sqlite

PATIENCE = 60.0
NEVER_MET = {"0008_people"}  # older than the first release


@pytest.fixture
def place(url: str, request: pytest.FixtureRequest) -> str:
    """A database whose tables may be changed for good."""
    if url.startswith("sqlite"):
        return url
    postgres: Server = request.getfixturevalue("postgres")
    postgres.drop("changing")
    postgres.execute("CREATE DATABASE changing TEMPLATE made")
    return postgres.url("changing")


@pytest.fixture
def upgrade(place: str, tmp_path: Path) -> Callable[..., None]:
    """Brings the tables up to date for the next release, by a process of it."""

    def upgrading(**more: str) -> None:
        folder = tmp_path / "next"
        assert opening(place, folder, next_release(folder, **more)).wait(PATIENCE) == 0

    return upgrading


@pytest.fixture
def store(place: str) -> Iterator[Store]:
    with contextlib.closing(open_store(place, create=False)) as store:
        yield store


@pytest.fixture
def nothing(url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A database of the library without tables."""
    on_server = url.startswith("postgresql")
    database: Any = (
        Postgres(request.getfixturevalue("postgres").create("changing")) if on_server else Sqlite(tmp_path / "new.db")
    )
    with database.held():
        yield database
    database.close_all()


def test_a_migration_only_adds_unless_its_name_says_that_it_breaks(nothing: Any) -> None:
    runner, before, found = Runner(nothing, str(MIGRATIONS)), Shape({}, frozenset()), {}
    for migration in runner.migrations():
        runner.up(migration.name)
        after = shape(nothing)
        found[migration.name], before = harm(before, after), after
    harmful = {name for name, harms in found.items() if harms and not name.endswith(BREAKING)}
    assert harmful == NEVER_MET, f"add only, or let the name end in {BREAKING}: {found}"


@pytest.mark.parametrize(
    "step",
    [
        'ALTER TABLE "link" ADD COLUMN "more" TEXT',
        'ALTER TABLE "link" ADD COLUMN "more" TEXT NOT NULL DEFAULT \'\'',
        'CREATE TABLE "more" ("one" TEXT NOT NULL PRIMARY KEY)',
        'CREATE INDEX "more" ON "link" ("bill_id")',
        'UPDATE "link" SET "version" = "version" + 1',
    ],
)
def test_what_adds_does_no_harm(store: Store, step: str) -> None:
    before = shape(store._database)
    store.execute(step, [])
    assert harm(before, shape(store._database)) == []


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ('DROP TABLE "note"', "note.text is gone"),
        ('ALTER TABLE "link" DROP COLUMN "under"', "link.under is gone"),
        ('ALTER TABLE "link" RENAME COLUMN "under" TO "over"', "link.under is gone"),
        ('CREATE UNIQUE INDEX "one_of_a_kind" ON "link" ("bill_id")', "link refuses by one_of_a_kind"),
    ],
)
def test_what_an_older_release_would_stumble_over_is_found(store: Store, step: str, told: str) -> None:
    before = shape(store._database)
    store.execute(step, [])
    assert told in harm(before, shape(store._database))


def test_a_column_that_must_be_given_and_one_that_is_no_longer_the_same_are_found(store: Store) -> None:
    before = shape(store._database)
    needed, other = ("link", "needed"), ("link", "version")
    after = dataclasses.replace(before, columns=before.columns | {needed: ("TEXT", True), other: ("TEXT", False)})
    assert [each.partition(" (")[0] for each in harm(before, after)] == [
        "link.version is another than it was",
        "link.needed must be given",
    ]


def test_an_older_release_works_on_and_starts_again_beside_a_newer_one(
    place: str, upgrade: Callable[..., None]
) -> None:
    with Ledger.open(place) as running:
        running.milestones.put([milestone("M1")], NOW)
        assert not running.newer()
        upgrade()
        running.mirror.store_bills(ORG, [bill("b1")])
        decide(running, Reason.BILL_PAID)
        assert running.newer()
    with Ledger.open(place) as again:
        again.milestones.put([milestone("M1", title="Another"), milestone("M2")], NOW)
        assert case_of(again).milestone.title == "Another"
        assert again.mirror.bill(ORG, "b1") == bill("b1")


def test_tables_that_only_a_newer_release_can_use_are_refused_and_left_alone(
    place: str, upgrade: Callable[..., None]
) -> None:
    upgrade(name=LATER_BREAKING)
    with pytest.raises(StorageError, match=r"was written by a newer release of billwatch; use that one\.$"):
        Ledger.open(place)


def test_what_an_older_release_does_not_know_of_it_does_not_copy(
    place: str, upgrade: Callable[..., None], tmp_path: Path
) -> None:
    upgrade()
    with pytest.raises(StorageError, match="brought up to date by a newer release"):
        list(moving.move(place, f"sqlite:///{tmp_path}/copy.db"))


def test_a_word_that_only_a_newer_release_knows_is_told(place: str, store: Store) -> None:
    with Ledger.open(place) as ledger:
        ledger.milestones.put([milestone("M1")], NOW)
        decide(ledger, Reason.BILL_PAID)
        store.execute("UPDATE flag SET reason = 'SOLD'", [])
        with pytest.raises(StorageError, match=r"holds “SOLD”, which only a newer release knows\."):
            ledger.milestones.standing(ORG, ["M1"])


def test_what_only_a_newer_release_can_decide_hinders_nobody_who_settles_what_was_sent(
    place: str, store: Store
) -> None:
    with Ledger.open(place) as ledger:
        ledger.milestones.put([milestone("M1")], NOW)
        decide(ledger, Reason.BILL_PAID)
        store.execute("UPDATE link SET verdict = replace(verdict, 'BILL_PAID', 'SOLD')", [])
        assert [case.milestone.key for case in ledger.milestones.gather(ORG, ["M1"], 31)] == ["M1"]
        with pytest.raises(StorageError):
            ledger.milestones.gather(ORG, ["M1"], 31, standing=True)


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_whoever_reads_meanwhile_goes_first(place: str, tmp_path: Path) -> None:
    """The migration has `link` and wants `bill`; a reader has `bill` and comes to want `link`."""
    folder = tmp_path / "next"
    environ = next_release(folder)
    with psycopg.connect(place) as reader, psycopg.connect(place, autocommit=True) as watcher:
        reader.execute("SELECT count(*) FROM bill")
        upgrading = opening(place, folder, environ)
        deadline = time.monotonic() + PATIENCE
        waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'bill'::regclass"
        while not watcher.execute(waiting).fetchone():
            assert time.monotonic() < deadline, "nobody waits for the reader"
            time.sleep(0.005)
        assert reader.execute("SELECT count(*) FROM link").fetchone() == (0,)
        reader.commit()
        assert upgrading.wait(PATIENCE) == 0
        assert watcher.execute("SELECT count(later) FROM link").fetchone() == (0,)
