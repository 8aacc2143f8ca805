"""Every part of the bench can be started: it names what it measures where that is now."""

import importlib
import pkgutil

import pytest

import benchmarks
from benchmarks.__main__ import HELPERS

PARTS = [one.name for one in pkgutil.iter_modules(benchmarks.__path__) if not one.ispkg and one.name not in HELPERS]


@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_the_bench_can_be_run(part: str) -> None:
    assert callable(importlib.import_module(f"benchmarks.{part}").run)
