"""`billwatch restore` asks only for what it can do, and does it only when told to."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from billwatch.cli import main
from billwatch.config import load
from storage.backup import back_up
from storage.ledger import Ledger

pytestmark = pytest.mark.file

Restore = Callable[[str], Result]


@pytest.fixture
def url(configured: Path) -> str:
    return load(configured, secrets=False).storage.url


@pytest.fixture
def copy(url: str, tmp_path: Path) -> Path:
    """A copy from before the number became 2."""
    with Ledger.open(url) as ledger:
        ledger.state.put("number", "1")
        back_up(url, tmp_path / "copy.db")
        ledger.state.put("number", "2")
    return tmp_path / "copy.db"


@pytest.fixture
def restore(configured: Path, copy: Path) -> Restore:
    arguments = ["--config", str(configured), "restore", str(copy)]
    return lambda answer: CliRunner().invoke(main, arguments, input=answer)


def number(url: str) -> str | None:
    with Ledger.open(url) as ledger:
        return ledger.state.get("number")


@pytest.mark.parametrize(("answer", "code", "left"), [("y\n", 0, "1"), ("n\n", 1, "2"), ("", 1, "2")])
def test_the_copy_takes_the_databases_place_if_somebody_says_so(
    restore: Restore, url: str, answer: str, code: int, left: str
) -> None:
    result = restore(answer)
    assert "in place of" in result.stdout
    assert (result.exit_code, number(url)) == (code, left)


def test_a_database_in_use_is_noticed_before_anybody_is_asked(restore: Restore, url: str) -> None:
    with Ledger.open(url):
        refused = restore("y\n")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "is in use; stop billwatch first" in refused.stderr
    assert number(url) == "2"


def test_a_copy_that_cannot_be_used_is_noticed_before_anybody_is_asked(restore: Restore, url: str, copy: Path) -> None:
    copy.write_text("no database", encoding="utf-8")
    refused = restore("y\n")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert str(copy) in refused.stderr
    assert number(url) == "2"
