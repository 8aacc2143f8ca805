"""Every promise of the page on security names tests that exist and that try something."""

import re

import pytest
from doc_pages import ROOT, text

PAGE = ROOT / "docs" / "security.md"
ROWS = re.findall(r"^\| (.+?) \| (.*`tests/.*) \|$", text(PAGE), re.MULTILINE)


def test_there_are_promises() -> None:
    told = text(PAGE).partition("## Promises")[2].partition("\n## ")[0]
    assert len(ROWS) == len(re.findall(r"^\| ", told, re.MULTILINE)) - 1


@pytest.mark.parametrize(("promise", "tried"), ROWS, ids=[str(at) for at in range(len(ROWS))])
def test_every_promise_names_tests_that_exist(promise: str, tried: str) -> None:
    files = re.findall(r"`(tests/[\w/]+\.py)`", tried)
    assert files, promise
    for file in files:
        code = text(ROOT / file)
        assert re.search(r"^ *(?:async )?def (?:test_|watching)", code, re.MULTILINE), file


def test_the_figures_named_are_those_that_are_counted() -> None:
    named = set(re.findall(r"`figure (\w+)", text(PAGE)))
    code = "".join(text(path) for folder in ("torture", "security") for path in (ROOT / "tests" / folder).glob("*.py"))
    assert {name for name in named if name not in code} == set()
