"""The pictures are taken by a program of its own, which has none of what is around the tests."""

import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).with_name("screenshots.py")


def test_the_program_that_takes_the_pictures_finds_all_that_it_needs() -> None:
    load = f"import runpy; runpy.run_path({str(PROGRAM)!r})"
    command = [sys.executable, "-c", load]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)  # noqa: S603  our own program
    assert done.returncode == 0, done.stderr
