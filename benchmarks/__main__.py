"""Run all parts, or those named: `python -m benchmarks [NAME …]`. A promise that is broken makes the exit code 1."""

import importlib
import pkgutil
import sys
from collections.abc import Iterator, Sequence

import benchmarks
from benchmarks.figures import Figure, progress

HELPERS = ("__main__", "figures", "serving")


def main(names: Sequence[str]) -> int:
    """Print the figures of these parts as they come."""
    broken = [figure for figure in _figures(names or _parts()) if not figure.kept]
    for figure in broken:
        progress(f"{figure.name} is {figure.value:g}, but {figure.promise} was promised")
    return 1 if broken else 0


def _parts() -> list[str]:
    found = [one.name for one in pkgutil.iter_modules(benchmarks.__path__) if not one.ispkg]
    return [name for name in found if name not in HELPERS]


def _figures(names: Sequence[str]) -> Iterator[Figure]:
    for name in names:
        for figure in importlib.import_module(f"benchmarks.{name}").run():
            sys.stdout.write(f"{figure}\n")
            sys.stdout.flush()
            yield figure


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
