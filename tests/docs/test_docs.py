"""The documents say what is so: every link leads somewhere, every command, option, file and table named exists."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import msgspec.inspect as shape
import pytest
from doc_pages import PAGES, ROOT, anchors, blocks, commands, inline, links, text
from reasons_page import PAGE, page

from billwatch.cli import COMMANDS, main
from billwatch.config import Config
from billwatch.importing.rows import FIELDS
from receiver.api.operations import OPERATIONS
from reconciler.reasons import Reason

TABLES = {name for file in ROOT.glob("storage/*.py") for name in re.findall(r'table_name = "(\w+)"', text(file))}
METRICS = {
    f"{name}{end}"
    for name in re.findall(r'"(billwatch_\w+)"', text(ROOT / "billwatch/metrics.py"))
    for end in ("", "_total")
}
XEROS = {"offline_access"}  # a scope, by Xero's name
POSTGRES = {"max_wal_size", "shared_buffers", "synchronous_standby_names", "pg_restore"}  # what is its own
MEASURED = {name for file in ROOT.glob("benchmarks/*.py") for name in re.findall(r'Figure\("(\w+)"', text(file))}
FOLDERS = "receiver|reconciler|storage|notify|billwatch|tests|docs|deploy"


def options(kind: shape.Type) -> Iterator[str]:
    match kind:
        case shape.Metadata(type=inner) | shape.VarTupleType(item_type=inner):
            yield from options(inner)
        case shape.StructType(fields=fields):
            for field in fields:
                yield field.encode_name
                yield from options(field.type)


def wire(kind: shape.Type) -> Iterator[str]:
    match kind:
        case shape.Metadata(type=inner) | shape.ListType(item_type=inner):
            yield from wire(inner)
        case shape.UnionType(types=types):
            for each in types:
                yield from wire(each)
        case shape.StructType(fields=fields):
            for field in fields:
                yield field.encode_name
                yield from wire(field.type)


def keys(table: object) -> Iterator[str]:
    if isinstance(table, list):
        table = table[0]
    if isinstance(table, dict):
        for name, value in table.items():
            yield name
            yield from keys(value)


OPTIONS = set(options(shape.type_info(Config)))
WIRE = {name for one in OPERATIONS for name in wire(shape.type_info(one.answer))}
each_page = pytest.mark.parametrize("doc", PAGES, ids=lambda doc: doc.name)


def test_the_page_of_reasons_says_what_the_code_says() -> None:
    hint = "run .venv/bin/python tests/docs/reasons_page.py"
    assert text(PAGE) == page(), hint


def test_every_reason_has_its_place_in_the_order_of_rows() -> None:
    told = text(ROOT / "docs" / "deciding.md")
    assert [reason for reason in Reason if not re.search(rf"\b{reason}\b", told)] == []


@each_page
def test_every_link_within_the_repository_leads_somewhere(doc: Path) -> None:
    for link in links(doc):
        path, _, anchor = link.partition("#")
        target = (doc.parent / path).resolve() if path else doc
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@each_page
def test_every_command_shown_can_be_given_so(doc: Path) -> None:
    context = click.Context(main)
    for line in commands(doc):
        words = shlex.split(line, comments=True)
        _, rest, _ = main.make_parser(context).parse_args(words)
        command = main.get_command(context, rest[0]) if rest else None
        assert command is not None, line
        if isinstance(command, click.Group) and len(rest) > 1:
            rest = rest[1:]
            command = command.get_command(context, rest[0])
            assert command is not None, line
        if "--help" not in rest:
            _, left, _ = command.make_parser(click.Context(command)).parse_args(rest[1:])
            assert left == [], line


def test_every_command_is_shown_somewhere() -> None:
    shown = {shlex.split(line)[0] for doc in PAGES for line in commands(doc)}
    assert set(COMMANDS) - shown == set()


@each_page
def test_every_file_named_exists(doc: Path) -> None:
    named = [code for code in inline(doc) if re.fullmatch(rf"(?:{FOLDERS})/[a-z0-9_./-]*", code)]
    assert [name for name in named if not (ROOT / name).exists()] == []


@each_page
def test_every_option_in_a_configuration_shown_exists(doc: Path) -> None:
    shown = {name for block in blocks(doc, "toml") for name in keys(tomllib.loads(block))}
    shown |= {found[1] for code in inline(doc) if (found := re.match(r"(\w+) = ", code))}
    assert shown - OPTIONS == set()


@each_page
def test_every_name_of_several_words_is_an_option_a_field_or_a_table(doc: Path) -> None:
    if doc.name == "performance.md":
        return  # written by the benchmarks, with names of their own
    named = {code for code in inline(doc) if re.fullmatch(r"[a-z]+(?:_[a-z]+)+", code)}
    assert named - OPTIONS - set(FIELDS) - TABLES - WIRE - XEROS - METRICS - POSTGRES - MEASURED == set()


def test_every_policy_is_in_the_table_of_policies() -> None:
    told = text(ROOT / "docs" / "deciding.md").partition("## Policies")[2]
    policies = OPTIONS & set(re.findall(r"^\| `(\w+)`", told, re.MULTILINE))
    assert policies == {field.encode_name for field in _policy()}


def test_every_table_is_in_the_list_of_what_is_kept() -> None:
    told = text(ROOT / "docs" / "architecture.md").partition("## Where state lives")[2].partition("\n## ")[0]
    assert set(re.findall(r"`(\w+)`", told)) & TABLES == TABLES


def _policy() -> tuple[shape.Field, ...]:
    (found,) = [kind for kind in _structs(shape.type_info(Config)) if kind.cls.__name__ == "Policy"]
    return found.fields


def _structs(kind: shape.Type) -> Iterator[shape.StructType]:
    match kind:
        case shape.Metadata(type=inner) | shape.VarTupleType(item_type=inner):
            yield from _structs(inner)
        case shape.StructType(fields=fields):
            yield kind
            for field in fields:
                yield from _structs(field.type)
