"""A database is copied whole, to the last bit, or it is said what is missing; one that was cut off goes on."""

import contextlib
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest
from ledger_samples import NOW, ORG, attempt, bill, case_of, choice, decide, hear, milestone, receive
from postgres_server import Server

from reconciler.errors import StorageError
from reconciler.reasons import Choose, Reason
from reconciler.records import Delivery
from storage import moving
from storage.database import open_store
from storage.ledger import Ledger

pytestmark = pytest.mark.parametrize("url", ["sqlite"], indirect=True)
KEYS = [f"M{number}" for number in range(30)]


@pytest.fixture
def full(url: str, open_ledger: Callable[[], Ledger]) -> str:
    """A file with something of everything in it, that nobody uses any more."""
    ledger = open_ledger()
    ledger.milestones.put([milestone(key, title="Māori 🌿 % ? %s") for key in KEYS], NOW)
    decide(ledger, Reason.BILL_PAID)
    ledger.mirror.store_bills(ORG, [bill("b1"), bill("b2", paid_on=NOW.date())])
    link = case_of(ledger).link
    assert ledger.milestones.choose(ORG, "M1", link, choice(Choose.RESYNC), None, Reason.BILL_PAID)
    assert ledger.attempts.begin(attempt(ledger, "M2"), NOW)
    ledger.tokens.put("c", b"\x00\xff sealed", 0)
    hear(url, ledger, "b1", NOW)
    receive(url, b"\x00waiting")
    ledger.close()
    return url


@pytest.fixture
def target(postgres: Server) -> str:
    return postgres.create("target")


def _all(url: str) -> dict[str, tuple[int, str]]:
    with contextlib.closing(open_store(url, create=False)) as store:
        tables = [moving._described(model) for model in moving._models()]
        return {table.name: moving._sum(store, table) for table in tables}


def test_all_of_it_arrives_and_work_goes_on_there(full: str, target: str) -> None:
    steps = list(moving.move(full, target))
    assert {step.table for step in steps if step.checked} == set(_all(full))
    assert _all(target) == _all(full)
    with Ledger.open(target, prefixes={ORG: "GM-"}) as ledger:
        assert ledger.milestones.dirty_keys(ORG, NOW, 100)
        decide(ledger, Reason.BILL_PAID, "M5")
        receive(target, b"new")
        assert ledger.inbox.drain(lambda _body: Delivery([]), {}, NOW).requests == 2


def test_it_can_go_back(full: str, target: str, tmp_path: Path) -> None:
    list(moving.move(full, target))
    back = f"sqlite:///{tmp_path / 'back.db'}"
    list(moving.move(target, back))
    assert _all(back) == _all(full)


def test_one_that_was_cut_off_goes_on_where_it_was(full: str, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving, "PORTION", 7)
    with contextlib.closing(moving.move(full, target)) as first:
        cut = list(islice(first, 9))
    more = [step for step in moving.move(full, target) if not step.checked]
    assert not set(more) & set(cut)
    assert _all(target) == _all(full)


def test_what_is_not_empty_is_left_alone(full: str, target: str) -> None:
    with Ledger.open(target) as ledger:
        ledger.milestones.put([milestone()], NOW)
    before = _all(target)
    with pytest.raises(StorageError, match="is not empty: it has rows in"):
        list(moving.move(full, target))
    assert _all(target) == before


def test_a_part_of_another_copy_is_left_alone(full: str, target: str, tmp_path: Path) -> None:
    Ledger.open(f"sqlite:///{tmp_path / 'other.db'}").close()
    with contextlib.closing(moving.move(full, target)) as first:
        next(first)
    with pytest.raises(StorageError, match="holds a part of what is in"):
        list(moving.move(f"sqlite:///{tmp_path / 'other.db'}", target))


@pytest.mark.usefixtures("url")
def test_a_source_that_is_not_there_is_named(target: str, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere.db"
    with pytest.raises(StorageError, match=rf"There is no database at {nowhere}\."):
        list(moving.move(f"sqlite:///{nowhere}", target))


def test_a_source_in_use_is_not_copied(full: str, target: str) -> None:
    with Ledger.open(full) as ledger:
        assert ledger.alive()
        with pytest.raises(StorageError, match="is in use; stop billwatch first"):
            list(moving.move(full, target))


def test_a_copy_that_differs_is_told(full: str, target: str) -> None:
    steps = moving.move(full, target)
    while not next(steps).checked:
        pass
    with contextlib.closing(open_store(target, create=False)) as store:
        store.execute("UPDATE state SET value = 'other'", [])
        store.execute("UPDATE milestone SET title = 'other' WHERE key = 'M3'", [])
    with pytest.raises(StorageError, match=r"The copy of .* is not what the source holds"):
        list(steps)
