"""The wheel and the sdist: nothing is missing, nothing else is in them, and what is installed from a wheel works."""

import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("billwatch", "receiver", "reconciler", "storage", "notify")


def run(*command: str, cwd: Path = ROOT) -> str:
    """What a program prints, which must do what it is asked to."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-d", str(folder))
    return folder


def sources() -> set[str]:
    """Every file that is part of the program, by its path in the repository."""
    files = (file for name in PACKAGES for file in (ROOT / name).rglob("*") if file.is_file())
    return {file.relative_to(ROOT).as_posix() for file in files if "__pycache__" not in file.parts}


def test_the_wheel_holds_the_program_with_templates_and_manual_and_nothing_else(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        held = {name for name in packed.namelist() if ".dist-info/" not in name}
    assert held == sources() | {"billwatch/config.example.toml"}


def test_the_sdist_holds_what_it_takes_to_build_and_test_it_and_nothing_private(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as packed:
        held = {name.partition("/")[2] for name in packed.getnames()}
    assert sources() <= held
    wanted = {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "config.example.toml"}
    assert wanted | {"docs/operating.md", "deploy/nginx.conf", "tests/conftest.py"} <= held
    assert [name for name in held if name.endswith((".db", "-key", "billwatch.toml"))] == []


def test_what_is_installed_from_the_wheel_works(built: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    home = tmp_path / "venv"
    venv.create(home, with_pip=False)
    python, there = home / "bin/python", home / "bin/billwatch"
    run(sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-deps", "--no-index", str(wheel))
    (site,) = home.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")

    place = run(str(python), "-c", "import billwatch, receiver; print(receiver.__path__[0])", cwd=tmp_path)
    assert place.strip() == str(site / "receiver")
    assert run(str(there), "--version", cwd=tmp_path).startswith("billwatch 0.")
    assert "[[organisation]]" in run(str(there), "init", "--manual", cwd=tmp_path)
    run(str(there), "init", "--name", "Example Trust", cwd=tmp_path)
    assert "example-trust" in run(str(there), "status", cwd=tmp_path)
