"""The command line as an operator meets it."""

import contextlib
import datetime as dt
import importlib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import click
import pytest
from click.testing import CliRunner, Result

from billwatch.cli import COMMANDS, main
from billwatch.cli.session import Session
from billwatch.config import Config
from reconciler.errors import ConfigurationError, StorageError
from reconciler.model import Milestone
from reconciler.organisation import Books
from storage.ledger import Ledger

NOW = dt.datetime(2026, 7, 9, 10, 0, tzinfo=dt.UTC)
BILLWATCH = Path(sys.executable).with_name("billwatch")
GRANTS = "Ref,Title,Payee,Sum,Awarded\nm-1,First,Kowhai,100.50,05/06/2014\nm-2,Second,Rata,0,06/06/2014\n"
MAPPED = ["--map=Ref=key", "--map=Title=title", "--map=Payee=payee", "--map=Sum=amount", "--map=Awarded=date"]
MAPPED = [*MAPPED, "--date-format=dd/mm/yyyy"]


@pytest.fixture
def grants(tmp_path: Path) -> Path:
    path = tmp_path / "grants.csv"
    path.write_text(GRANTS, encoding="utf-8")
    return path


def run(*arguments: object, session: Session | None = None) -> Result:
    return CliRunner().invoke(main, [str(each) for each in arguments], obj=session)


def import_(configured: Path, grants: Path, *more: str) -> Result:
    return run("--config", configured, "import", grants, *MAPPED, *more)


def keys(ledger: Ledger) -> list[str]:
    return [case.milestone.key for case in ledger.milestones.gather("acme", ["m-1", "m-2"], 0)]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_table_exists_and_is_described_by_its_own_words(name: str) -> None:
    module, words = COMMANDS[name]
    command = importlib.import_module(f"billwatch.cli.{module}").command
    assert command.name == name
    assert command.help.partition("\n")[0] == words


def test_help_lists_the_commands_without_loading_any() -> None:
    code = "import sys; from billwatch.cli import main; main(['--help'], standalone_mode=False); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert all(name in done.stdout for name in COMMANDS)
    modules = done.stdout.split()
    assert "billwatch.cli" in modules
    assert not {"msgspec", "peewee", "httpx", "billwatch.cli.init"} & set(modules)


def test_init_names_the_next_steps(tmp_path: Path) -> None:
    result = run("init", "--directory", tmp_path / "home", "--name", "Te Māra Trust", "--client-id", "app")
    assert result.exit_code == 0
    assert f"1. Put the client secret into {tmp_path}/home/secrets/client-secret" in result.stdout
    for step, name in enumerate(("connect", "doctor", "serve"), 2):
        assert f"{step}. Run: billwatch --config {tmp_path}/home/billwatch.toml {name}" in result.stdout
    assert 'key = "te-mara-trust"' in (tmp_path / "home/billwatch.toml").read_text(encoding="utf-8")


def test_init_without_a_client_id_says_where_to_put_it(tmp_path: Path) -> None:
    result = run("init", "--directory", tmp_path, "--name", "Kea")
    assert "1. Put the client id of your app at Xero into " in result.stdout


def test_importing_twice_changes_nothing_the_second_time(configured: Path, grants: Path, ledger: Ledger) -> None:
    first, second = import_(configured, grants), import_(configured, grants)
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "Milestones   2 new, 0 changed, 0 the same\nImported." in first.stdout
    assert "Milestones   0 new, 0 changed, 2 the same\nNothing changed." in second.stdout
    assert keys(ledger) == ["m-1", "m-2"]


def test_what_was_only_imported_is_told_apart_from_what_is_not_there(configured: Path, grants: Path) -> None:
    import_(configured, grants)
    undecided, unknown = (run("--config", configured, "explain", key) for key in ("m-1", "m-9"))
    assert undecided.stderr.startswith("Error: “m-1” is not decided yet: ")
    assert unknown.stderr.startswith("Error: There is no milestone “m-9” in acme")


def test_a_dry_run_tells_what_would_come_of_it_and_writes_nothing(
    configured: Path, grants: Path, ledger: Ledger
) -> None:
    result = import_(configured, grants, "--dry-run")
    assert result.stdout.splitlines() == [
        "Rows         2, of which 1 with amount 0",
        "Total        100.50",
        "Dates        5 June 2014 to 6 June 2014",
        "Behind lock  unknown until Xero has been read",
        "Milestones   2 new, 0 changed, 0 the same",
        "Nothing was written.",
    ]
    assert keys(ledger) == []


def test_a_dry_run_counts_what_lies_behind_the_lock(configured: Path, grants: Path, ledger: Ledger) -> None:
    ledger.mirror.store_books("acme", Books(currency="NZD", period_lock=dt.date(2014, 6, 5), read_at=NOW))
    result = import_(configured, grants, "--dry-run")
    assert "Total        NZ$100.50\n" in result.stdout
    assert "Behind lock  1 row dated on or before 5 June 2014\n" in result.stdout


def test_one_rejected_row_keeps_the_whole_file_out(configured: Path, grants: Path, ledger: Ledger) -> None:
    grants.write_text(GRANTS.replace("100.50", "-1"), encoding="utf-8")
    result = import_(configured, grants)
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "LINE  COLUMN  VALUE  REASON",
        "   2  Sum     -1     is negative, but must be 0 or more",
        "",
        "Error: 1 row of grants.csv cannot be used, so nothing was imported; mend them, or add --skip-rejected.",
    ]
    assert keys(ledger) == []


def test_with_skip_rejected_the_other_rows_are_imported(configured: Path, grants: Path, ledger: Ledger) -> None:
    grants.write_text(GRANTS.replace("100.50", "-1"), encoding="utf-8")
    result = import_(configured, grants, "--skip-rejected")
    assert result.exit_code == 0
    assert "is negative" in result.stderr
    assert keys(ledger) == ["m-2"]


def test_json_holds_exact_sums_and_the_rejected_rows(configured: Path, grants: Path) -> None:
    grants.write_text(GRANTS + "m-3,T,P,1.234,06/06/2014\n", encoding="utf-8")
    result = import_(configured, grants, "--json")
    told = json.loads(result.stdout)
    assert (told["written"], told["new"], told["totals"]) == (False, 2, {"": "100.50"})
    assert told["rejected"] == [{"line": 4, "column": "Sum", "value": "1.234", "reason": "has more than two decimals"}]
    assert result.exit_code == 1


def test_a_stage_can_be_stated(configured: Path, grants: Path, ledger: Ledger) -> None:
    import_(configured, grants, "--stage", "contract-executed")
    (case,) = ledger.milestones.gather("acme", ["m-1"], 0)
    assert case.milestone.stages == {"contract-executed"}


@pytest.mark.parametrize(
    ("more", "code", "sentence"),
    [
        (["--organisation=acne"], 1, 'Error: There is no organisation "acne"; did you mean "acme"?'),
        (["--map=Sum"], 2, '"Sum" is not of the form COLUMN=FIELD, such as "Award Date=date".'),
        (["--map=Sum=title"], 2, 'the column "Sum" is mapped twice.'),
        (["--date-format=d"], 1, 'Error: "d" is not a form of dates'),
    ],
)
def test_a_wrong_argument_is_told_in_one_sentence(
    configured: Path, grants: Path, more: list[str], code: int, sentence: str
) -> None:
    result = import_(configured, grants, *more)
    assert result.exit_code == code
    assert sentence in result.stderr


def test_which_organisation_must_be_said_when_there_are_several(configured: Path, grants: Path) -> None:
    second = '[[organisation]]\nkey = "beta"\nname = "B"\nclient_id = "b"\nclient_secret = "env:B"\n'
    configured.write_text(configured.read_text() + second, encoding="utf-8")
    result = import_(configured, grants)
    assert result.stderr == "Error: Say which organisation with --organisation: acme, beta.\n"


class Broken(Session):
    """A session in which something fails."""

    def __init__(self, error: Exception) -> None:
        super().__init__(Path("billwatch.toml"))
        self._error = error

    def organisation(self, key: str = "") -> NoReturn:  # noqa: ARG002 -- as in Session
        raise self._error


def test_an_unexpected_error_is_told_with_the_place_of_its_details(grants: Path) -> None:
    result = run("import", grants, session=Broken(KeyError("x")))
    assert result.exit_code == 70
    told, _, place = result.stderr.strip().removesuffix(".").rpartition(" ")
    assert told == "Error: Something unexpected went wrong (KeyError); the details are in"
    assert "Traceback" in Path(place).read_text(encoding="utf-8")
    Path(place).unlink()


def test_an_unexpected_error_is_raised_as_it_is_with_debug(grants: Path) -> None:
    result = run("--debug", "import", grants, session=Broken(KeyError("x")))
    assert isinstance(result.exception, KeyError)


def test_a_failure_of_the_machine_names_the_file(grants: Path) -> None:
    result = run("import", grants, session=Broken(PermissionError(13, "Permission denied", "/var/x")))
    assert (result.exit_code, result.stderr) == (1, "Error: /var/x cannot be used: permission denied.\n")


def test_an_interruption_is_no_unexpected_error(grants: Path) -> None:
    assert run("import", grants, session=Broken(click.Abort())).stderr == "Aborted!\n"


@pytest.mark.parametrize(
    ("content", "arguments", "code", "sentence"),
    [
        ("[server\n", ["import", "x.csv"], 2, "Error: billwatch.toml is not valid TOML: "),
        (None, ["import", "x.csv"], 2, 'Error: There is no configuration at billwatch.toml; "billwatch init" writes'),
        (None, ["init"], 1, "Error: Say what the organisation is called, such as --name"),
        (None, ["impart"], 2, 'Error: There is no command "impart"; did you mean "import"?'),
        (None, ["frobnicate"], 2, "Error: No such command 'frobnicate'"),
        (None, ["resync", "M-1", "--date", "31/12/2026"], 2, '"31/12/2026" is no day; write it as 2026-12-24.'),
        (None, ["exempt", "M-1", "--until", "2026-02-30"], 2, '"2026-02-30" is no day; write it as 2026-12-24.'),
        (None, ["restore", "nowhere.db"], 2, "File 'nowhere.db' does not exist"),
        (None, ["sandbox", "--port", "99999"], 2, "99999 is not in the range 0<=x<=65535"),
        (None, ["keys", "revoke"], 2, "Say whose key it is, with --name"),
        (None, ["init", "--name", "Kea", "--tenant-id", "x"], 2, 'tenant_id is "x", but must be a tenant id'),
    ],
)
def test_a_real_run_ends_with_its_code_and_one_sentence_and_no_traceback(
    tmp_path: Path, content: str | None, arguments: list[str], code: int, sentence: str
) -> None:
    if content is not None:
        (tmp_path / "billwatch.toml").write_text(content, encoding="utf-8")
    done = subprocess.run([BILLWATCH, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == code
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


class Forgetful(Session):
    """A session whose ledger fails at the second chunk."""

    @contextlib.contextmanager
    def ledger(self) -> Iterator[Any]:
        with super().ledger() as ledger:
            chunks = []

            def put(milestones: Sequence[Milestone], now: dt.datetime) -> tuple[int, int, int]:
                chunks.append(milestones)
                if len(chunks) > 1:
                    raise StorageError("The disk is full.")
                return ledger.milestones.put(milestones, now)

            yield SimpleNamespace(mirror=ledger.mirror, milestones=SimpleNamespace(put=put))


def test_a_failure_half_way_says_how_far_it_came_and_the_next_run_completes_it(configured: Path, grants: Path) -> None:
    rows = "".join(f"m-{n},T,P,1,06/06/2014\n" for n in range(250))
    grants.write_text(GRANTS.partition("\n")[0] + "\n" + rows, encoding="utf-8")
    result = run("import", grants, *MAPPED, session=Forgetful(configured))
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: The disk is full. 200 rows were taken in before that; import the file again to complete it.\n"
    )
    assert "Milestones   50 new, 0 changed, 200 the same" in import_(configured, grants).stdout


def test_a_bill_id_that_cannot_be_used_is_told_and_the_milestone_is_imported(configured: Path, grants: Path) -> None:
    bills = ["243216c5-369e-4056-ac67-05388f86dc81", "45e4708e-d862-4111-ab3a-dd8cd03913e1"]
    for bill in bills:
        grants.write_text(f"key,title,payee,amount,date,bill_id\nm-1,T,P,1,2026-07-01,{bill}\n", encoding="utf-8")
        result = run("--config", configured, "import", grants)
    assert result.exit_code == 0
    assert result.stderr == ("m-1 follows another bill, or is being billed just now; its bill_id was not used.\n")


def test_tabs_can_be_named_as_the_delimiter(configured: Path, grants: Path) -> None:
    grants.write_text(GRANTS.replace(",", "\t"), encoding="utf-8")
    assert import_(configured, grants, "--delimiter=tab").exit_code == 0


def test_a_complete_session_needs_every_secret(configured: Path) -> None:
    session = Session(configured)
    with pytest.raises(ConfigurationError, match=r"client-secret is empty\."):
        session.complete()
    (configured.parent / "secrets/client-secret").write_text("there", encoding="utf-8")
    assert session.complete() is session.config


def test_the_configuration_can_be_named_in_the_environment(configured: Path, grants: Path) -> None:
    arguments = ["import", str(grants), *MAPPED, "--dry-run"]
    assert CliRunner(env={"BILLWATCH_CONFIG": str(configured)}).invoke(main, arguments).exit_code == 0


@pytest.mark.file
@pytest.mark.parametrize("role", ["receiver", "reconciler"])
def test_a_part_of_the_work_is_done_only_where_several_share_the_database(
    config: Config, configured: Path, role: str
) -> None:
    refused = run("--config", configured, "serve", "--role", role)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr == (
        f"Error: The role {role} is for processes that share a PostgreSQL database, and storage.url names a file: "
        "set it to postgresql://user@host/database, or start without --role.\n"
    )
