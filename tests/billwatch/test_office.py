"""What the dashboard asks of the house: the past of the counts, and the forecast on the command line."""

import datetime as dt
import json
from pathlib import Path

from click.testing import CliRunner

from billwatch.cli import main
from billwatch.config import load
from billwatch.initialise import fresh_key
from billwatch.office import office, past
from billwatch.wiring import House
from reconciler.reasons import Reason
from storage.listing import Turned

TODAY = dt.date(2026, 7, 8)
DAY = dt.timedelta(days=1)


def test_the_past_is_worked_out_backwards_from_today() -> None:
    turned = [
        Turned(TODAY - 2 * DAY, None, Reason.CREATE, 3),
        Turned(TODAY - DAY, Reason.CREATE, Reason.AWAITING_APPROVAL, 2),
        Turned(TODAY, Reason.AWAITING_APPROVAL, Reason.PAID, 1),
    ]
    now = {Reason.CREATE: 1, Reason.AWAITING_APPROVAL: 1, Reason.PAID: 1}
    days = [(day, {reason: n for reason, n in counts.items() if n}) for day, counts in past(now, turned, TODAY)]
    assert days == [
        (TODAY - 2 * DAY, {Reason.CREATE: 3}),
        (TODAY - DAY, {Reason.CREATE: 1, Reason.AWAITING_APPROVAL: 2}),
        (TODAY, now),
    ]


def test_without_a_past_there_is_today_alone() -> None:
    assert past({Reason.PAID: 2}, [], TODAY) == [(TODAY, {Reason.PAID: 2})]


def started(folder: Path, *arguments: str) -> str:
    runner = CliRunner()
    path = folder / "billwatch.toml"
    if not path.exists():
        path.write_text(
            """
[keys]
encryption = ["env:K"]
links = ["env:K"]
[[organisation]]
key = "example"
name = "Example Trust"
client_id = "0123456789ABCDEF0123456789ABCDEF"
client_secret = "env:S"
tenant_id = "0d5f1ff8-9473-549a-90bc-cadd82a2dd91"
""",
            encoding="utf-8",
        )
        rows = "key,title,payee,amount,date,stages\nM-1,Stage 1,Example Choir,1200.00,2026-06-20,approved\n"
        (folder / "rows.csv").write_text(rows, encoding="utf-8")
        runner.invoke(main, ["--config", str(path), "import", str(folder / "rows.csv")], catch_exceptions=False)
    answer = runner.invoke(main, ["--config", str(path), *arguments], catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    return answer.output


def test_today_agrees_with_the_counts_of_the_moment(tmp_path: Path) -> None:
    started(tmp_path, "status")
    config = load(tmp_path / "billwatch.toml", environ={"K": fresh_key(), "S": "a secret"})
    rows = tmp_path / "rows.csv"
    rows.write_text(rows.read_text("utf-8").replace("M-1", "M-2"), encoding="utf-8")
    with House(config) as house:
        seen = office(house)
        ((_, before),) = seen.history()
        started(tmp_path, "import", str(rows))
        ((_, after),) = seen.history()
    assert (before, after) == ({None: 1}, {None: 2})


def test_the_command_says_what_a_lock_would_hold_up(tmp_path: Path) -> None:
    said = started(tmp_path, "forecast", "--lock", "2026-06-30")
    assert "1 could not be billed" in said
    assert "Example Choir" in said


def test_the_command_says_so_when_a_lock_holds_nothing_up(tmp_path: Path) -> None:
    assert "no milestone" in started(tmp_path, "forecast", "--lock", "2026-06-01")


def test_the_command_answers_in_json(tmp_path: Path) -> None:
    told = json.loads(started(tmp_path, "forecast", "--lock", "2026-06-30", "--json"))
    assert [(one["key"], one["amount"]) for one in told["unbilled"]] == [("M-1", "1200.00")]


def test_a_password_becomes_a_hash_and_a_short_one_is_refused() -> None:
    good = CliRunner().invoke(main, ["password"], input="a few unusual words\n" * 2)
    assert good.output.splitlines()[-1].startswith("scrypt$32768$8$1$")
    short = CliRunner().invoke(main, ["password"], input="short\n" * 2)
    assert short.exit_code != 0
    assert "at least 12 characters" in short.output


def test_without_a_terminal_a_password_is_a_line_of_the_input_and_needed() -> None:
    none = CliRunner().invoke(main, ["password"], input="")
    assert (none.exit_code, none.stderr.startswith("Error: Password: nothing was handed over.")) == (1, True)
