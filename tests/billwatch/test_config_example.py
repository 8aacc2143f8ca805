"""The example is the manual: it names every option and states the defaults that hold."""

import re
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec.inspect as shape
import pytest

from billwatch.config import Config, load

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
OPTION = re.compile(r"^# (?=[a-z_]+ = |\[\[\w+\]\]$)", re.MULTILINE)


def uncommented() -> str:
    return OPTION.sub("", EXAMPLE.read_text(encoding="utf-8"))


def options(kind: shape.Type, place: str = "") -> Iterator[tuple[str, shape.Field]]:
    """Every option below a table, by its dotted name."""
    match kind:
        case shape.Metadata(type=inner) | shape.VarTupleType(item_type=inner):
            yield from options(inner, place)
        case shape.StructType(fields=fields):
            for field in fields:
                inner = list(options(field.type, f"{place}{field.encode_name}."))
                yield from inner or [(f"{place}{field.encode_name}", field)]


OPTIONS = dict(options(shape.type_info(Config)))


def stated(place: str) -> Any:
    value: Any = tomllib.loads(uncommented(), parse_float=Decimal)
    for name in place.split("."):
        value = value[0] if isinstance(value, list) else value
        value = value[name]
    return tuple(value) if isinstance(value, list) else value


@pytest.mark.parametrize("place", OPTIONS)
def test_every_option_is_in_the_example_with_its_default(place: str) -> None:
    value, field = stated(place), OPTIONS[place]
    default = field.default_factory() if field.default_factory is not shape.NODEFAULT else field.default
    assert field.required or default is None or value == default


@pytest.mark.parametrize("place", [place for place, field in OPTIONS.items() if field.default is None])
def test_an_option_without_default_says_so(place: str) -> None:
    name = place.rpartition(".")[2]
    texts = re.findall(rf"((?:^#.*\n)+)# {name} = ", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE)
    assert any("No default" in text for text in texts)


@pytest.mark.parametrize("place", [place for place, field in OPTIONS.items() if field.required])
def test_an_option_that_is_needed_is_not_commented_out(place: str) -> None:
    text, table = EXAMPLE.read_text(encoding="utf-8"), place.partition(".")[0]
    left_out = re.search(rf"^# \[\[{table}\]\]$", text, re.MULTILINE)
    assert left_out or re.search(rf"^{place.rpartition('.')[2]} = ", text, re.MULTILINE)


def test_the_example_names_no_option_that_is_none() -> None:
    names = set(re.findall(r"^(?:# )?([a-z_]+) = ", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE))
    assert names == {place.rpartition(".")[2] for place in OPTIONS}


def test_the_example_is_a_configuration_as_it_stands() -> None:
    assert load(EXAMPLE, secrets=False).organisation[0].key == "example-trust"
