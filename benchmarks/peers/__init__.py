"""What people would use instead: small webhook receivers, installed by the ordinary package managers."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figures import progress

HERE = Path(__file__).parent
INSTALLED = HERE / "installed"
PYTHON_PACKAGES = ("flask==3.1.3", "gunicorn==27.0.1")
START_SECONDS = 20.0
STOP_SECONDS = 20.0


def install() -> None:
    """Fetch what the peers need into an ignored folder; a second time there is nothing to do."""
    marker = INSTALLED / "complete"
    if marker.exists():
        return
    if shutil.which("npm") is None or shutil.which("node") is None:
        raise SystemExit("The peers need Node.js and npm: install them, or run another part of the benchmarks.")
    progress("installing the peers (better-sqlite3 may be compiled, which takes a minute)")
    INSTALLED.mkdir(exist_ok=True)
    shutil.copy(HERE / "package.json", INSTALLED)
    _run(["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(INSTALLED)])
    _run([sys.executable, "-m", "venv", str(INSTALLED / "python")])
    _run([str(INSTALLED / "python/bin/python"), "-m", "pip", "--quiet", "install", *PYTHON_PACKAGES])
    marker.touch()


@contextmanager
def bare_starlette() -> Iterator[int]:
    """A Starlette route that answers an empty 200; the port it serves on."""
    with _printing([sys.executable, str(HERE / "bare.py")], {}) as port:
        yield port


@contextmanager
def express(key: str, database: Path | None = None) -> Iterator[int]:
    """Express with the signature check of Xero's samples, with or without storing; the port it serves on."""
    store = {"DATABASE": str(database)} if database else {}
    environ = {"WEBHOOK_KEY": key, "NODE_ENV": "production", "NODE_PATH": str(INSTALLED / "node_modules"), **store}
    with _printing(["node", str(HERE / "express.js")], environ) as port:
        yield port


@contextmanager
def flask(key: str, database: Path) -> Iterator[int]:
    """Flask under gunicorn, storing; the port it serves on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    workers = f"--preload -w 2 --threads 4 -b 127.0.0.1:{port} --log-level critical".split()
    command = [str(INSTALLED / "python/bin/gunicorn"), *workers, "--chdir", str(HERE), "flask_durable:app"]
    with _running(command, {"WEBHOOK_KEY": key, "DATABASE": str(database)}):
        _answers(port)
        yield port


@contextmanager
def _printing(command: Sequence[str], environ: Mapping[str, str]) -> Iterator[int]:
    with _running(command, environ) as process:
        assert process.stdout is not None  # noqa: S101  it is a pipe, see below
        yield int(process.stdout.readline())


@contextmanager
def _running(command: Sequence[str], environ: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(  # noqa: S603  the peers named above
        command, env={**os.environ, **environ}, stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


def _answers(port: int) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"The peer on port {port} did not start.")


def _run(command: Sequence[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603  the package managers
