"""The quick start, followed to the letter against the sandbox in place of Xero."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from doc_pages import ROOT, blocks

from billwatch.sandbox import Sandbox

PAGE = ROOT / "docs" / "quick-start.md"
SCRIPTS = Path(sys.executable).parent
ADDRESSES = ("api_url", "identity_url", "login_url")


@pytest.fixture
def xero() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


def given(block: str, home: Path) -> list[str]:
    """What the commands of a block print, one after the other."""
    told = []
    for command in re.findall(r"^\$ (.+)$", block, re.MULTILINE):
        done = subprocess.run(  # noqa: S603  the page is ours
            ["/bin/sh", "-c", command],
            cwd=home,
            env=os.environ | {"PATH": f"{SCRIPTS}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        told.append(done.stdout)
    return told


def change(file: Path, *changes: tuple[str, str]) -> None:
    """Replace each text, which is there."""
    written = file.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in written, old
        written = written.replace(old, new)
    file.write_text(written, encoding="utf-8")


def test_the_quick_start_leads_to_a_bill_and_out_again(xero: Sandbox, tmp_path: Path) -> None:
    org = xero.organisation("Example Trust")
    init, checks, first, live, pause, leave = blocks(PAGE, "console")
    given(init, tmp_path)
    settings = tmp_path / "billwatch.toml"
    addresses = [(f'# {name} = "http://127.0.0.1:9900"', f'{name} = "{xero.url}"') for name in ADDRESSES]
    change(settings, ("PUT-THE-CLIENT-ID-HERE", org.client_id), *addresses)
    (tmp_path / "secrets/client-secret").write_text(org.client_secret, encoding="utf-8")

    assert "Example Trust" in given(checks, tmp_path)[0]

    (tmp_path / "first.csv").write_text(blocks(PAGE, "csv")[0], encoding="utf-8")
    _, dry = given(first, tmp_path)
    assert "WOULD_CREATE" in dry
    assert org.bills() == []

    change(settings, ('mode = "watch"', 'mode = "sync"'))
    explained = given(live, tmp_path)[1]
    assert "AWAITING_APPROVAL" in explained
    assert [bill.number for bill in org.bills()] == ["G-101"]

    given(pause, tmp_path)
    given(leave, tmp_path)
    assert '"G-101"' in (tmp_path / "everything/example-trust/bills.jsonl").read_text(encoding="utf-8")
