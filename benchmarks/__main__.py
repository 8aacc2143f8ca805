"""Run all parts, or those named: `python -m benchmarks [NAME …]`. A promise that is broken makes the exit code 1.

A run of all parts writes docs/performance.md anew.
"""

import datetime as dt
import importlib
import pkgutil
import sys
from collections.abc import Sequence
from types import ModuleType

import benchmarks
from benchmarks import report
from benchmarks.figures import Figure, progress

HELPERS = ("__main__", "cpu", "database", "figures", "places", "profile", "report")


def main(names: Sequence[str]) -> int:
    """Print the figures of these parts as they come."""
    figures = {name: _measured(name) for name in names or _parts()}
    if not names:
        profiles = [profile for name in figures for profile in getattr(_part(name), "PROFILES", ())]
        progress(f"written: {report.write(figures, profiles, dt.datetime.now(dt.UTC).date())}")
    broken = [figure for of_part in figures.values() for figure in of_part if not figure.kept]
    for figure in broken:
        progress(f"{figure.name} is {figure.amount}, but {figure.promise} was promised")
    return 1 if broken else 0


def _parts() -> list[str]:
    found = [one.name for one in pkgutil.iter_modules(benchmarks.__path__) if not one.ispkg]
    return [name for name in found if name not in HELPERS]


def _part(name: str) -> ModuleType:
    return importlib.import_module(f"benchmarks.{name}")


def _measured(name: str) -> list[Figure]:
    figures = []
    for figure in _part(name).run():
        sys.stdout.write(f"{figure}\n")
        sys.stdout.flush()
        figures.append(figure)
    return figures


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
