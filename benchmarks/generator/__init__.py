"""The load generator: compiled on the spot, run against a port, its answers read back."""

import shutil
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("load.c")
ANSWER = struct.Struct("<IId")
GRACE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Load:
    """What came of one run: the numbers of the requests that got a 200, and every latency in milliseconds, sorted."""

    seconds: float
    acknowledged: tuple[int, ...]
    failed: int
    latencies_ms: tuple[float, ...]

    @property
    def per_second(self) -> float:
        """Acknowledged requests a second."""
        return len(self.acknowledged) / self.seconds

    def percentile_ms(self, share: float) -> float:
        """The latency that this share (0 to 1) of the requests stayed within."""
        return self.latencies_ms[min(len(self.latencies_ms) - 1, int(share * len(self.latencies_ms)))]


class Generator:
    """A compiled generator with its requests; `rate` 0 is a closed loop (see load.c)."""

    def __init__(self, folder: Path, requests: Sequence[bytes]) -> None:
        self._folder, self._program = folder, folder / "load"
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            raise SystemExit("The load generator is compiled on the spot: install a C compiler (gcc).")
        subprocess.run([compiler, "-O2", "-o", self._program, SOURCE], check=True)  # noqa: S603  our own source
        with (folder / "requests").open("wb") as file:
            for request in requests:
                file.write(struct.pack("<I", len(request)) + request)

    def run(self, port: int | Sequence[int], seconds: float, *, connections: int = 64, rate: int = 0) -> Load:
        """Put load on `127.0.0.1:port`; where there are several, each gets its share of the connections."""
        ports = [port] if isinstance(port, int) else port
        with tempfile.NamedTemporaryFile(dir=self._folder) as results:
            arguments = [",".join(map(str, ports)), connections, seconds, rate, self._folder / "requests", results.name]
            done = subprocess.run(  # noqa: S603  our own program
                [self._program, *map(str, arguments)],
                check=True,
                capture_output=True,
                text=True,
                timeout=seconds + GRACE_SECONDS,
            )
            answers = list(ANSWER.iter_unpack(results.read()))
        good = tuple(request for request, status, _ in answers if status == 200)
        latencies = tuple(sorted(latency * 1000 for _, _, latency in answers))
        return Load(float(done.stdout), good, len(answers) - len(good), latencies)
