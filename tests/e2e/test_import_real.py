"""Three hundred and seventy-nine grants as a foundation publishes them: 265 bills, 114 with nothing to pay.

The real file is used where there is one: named by BILLWATCH_GRANTS_CSV, or in a `data` folder beside the repository.
An invented one of the same shape is always used.
"""

import csv
import datetime as dt
import os
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from world import KEY

from billwatch.cli import main
from reconciler.reasons import Reason

HEADINGS = [
    "Identifier",
    "Title",
    "Description",
    "Currency",
    "Amount Awarded",
    "Award Date",
    "Recipient Org:Identifier",
    "Recipient Org:Name",
]
MAPS = [
    "Identifier=key",
    "Title=title",
    "Description=description",
    "Currency=currency",
    "Amount Awarded=amount",
    "Award Date=date",
    "Recipient Org:Name=payee",
]
ROOT = Path(__file__).parents[2]
TOKEN_CALLS = 1


def published() -> Path | None:
    """The real file."""
    named = os.environ.get("BILLWATCH_GRANTS_CSV")
    return Path(named) if named else next(ROOT.parent.glob("*/data/360giving-wolfson.csv"), None)


@pytest.fixture(params=["published", "invented"])
def grants(request, tmp_path) -> Path:
    if request.param == "published":
        found = published()
        if found is None or not found.exists():
            pytest.skip("the published grants are not at hand")
        return found
    return invented(tmp_path / "grants.csv")


def invented(path: Path) -> Path:
    """379 grants, 114 of them with an amount of 0, several of one payee, amount and day, names of every kind."""
    names = ["St Mary's & St John's School", "Ysgol Dinas Brân", 'The "Old" Hospice, Leatherhead', "Te Kura o Ōtari"]
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        rows = csv.writer(file)
        rows.writerow(HEADINGS)
        for n in range(379):
            amount = "0.0" if n % 10 in (1, 4, 7) else f"{(n % 40 + 1) * 1000}.0"
            payee = f"{names[n % 4]} {n // 8}"
            day = dt.date(2014, 6, 5) + dt.timedelta(days=n // 3)
            text = "Science\nlaboratories" if n == 17 else "Equipment, and more"
            rows.writerow(
                [f"360G-{n}", f"Grant to {payee}", text, "GBP", amount, f"{day:%d/%m/%Y}", f"org-{n // 2}", payee]
            )
    return path


@pytest.fixture
def take(make_world, xero, tmp_path):
    """Imports a file by the command line into a world of that mode."""

    def taking(file: Path, mode: str):
        world = make_world(organisation=f'mode = "{mode}"', country="GB")
        (tmp_path / "billwatch.toml").write_text(world.text(organisation=f'mode = "{mode}"'))
        assert run(tmp_path, file).exit_code == 0
        return world

    return taking


def run(folder: Path, file: Path) -> Result:
    maps = [part for each in MAPS for part in ("--map", each)]
    arguments = ["--config", str(folder / "billwatch.toml"), "import", str(file), *maps, "--date-format", "dd/mm/yyyy"]
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def test_watching_writes_nothing(take, grants):
    world = take(grants, "watch")
    world.sweep()
    assert world.house.ledger.census.counts([KEY])[KEY] == {Reason.WOULD_CREATE: 265, Reason.NOTHING_TO_PAY: 114}
    assert (world.writes(), world.org.bills(), world.open_flags()) == (0, [], [])


def test_syncing_bills_what_has_an_amount_in_at_most_twenty_calls_and_a_second_run_does_nothing(take, grants, tmp_path):
    world = take(grants, "sync")

    report = world.sweep()

    assert world.xero.calls() + TOKEN_CALLS <= 20
    assert report.created == 265
    assert world.house.ledger.census.counts([KEY])[KEY] == {Reason.AWAITING_APPROVAL: 265, Reason.NOTHING_TO_PAY: 114}
    bills = world.org.bills()
    assert len({bill.number for bill in bills}) == len(bills) == 265
    assert sum(bill.total for bill in bills) == total(grants)
    assert world.open_flags() == []

    again = run(tmp_path, grants)
    assert (again.exit_code, "0 new, 0 changed, 379 the same" in again.output) == (0, True)
    writes, calls = world.writes(), world.xero.calls()
    world.turn()
    assert world.xero.calls() == calls
    world.sweep()
    assert (world.writes(), world.org.bills()) == (writes, bills)
    assert world.house.ledger.census.counts([KEY])[KEY] == {Reason.AWAITING_APPROVAL: 265, Reason.NOTHING_TO_PAY: 114}


def total(file: Path) -> Decimal:
    with file.open(newline="", encoding="utf-8-sig") as rows:
        return sum((Decimal(row["Amount Awarded"]) for row in csv.DictReader(rows)), Decimal(0))
