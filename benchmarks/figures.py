"""What a part of the benchmarks yields, and how long work shows that it goes on."""

import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value; `most` and `least` are the promises that it keeps, if they were made."""

    name: str
    value: float
    unit: str
    most: float | None = None
    least: float | None = None

    @property
    def kept(self) -> bool:
        """Whether the promise holds."""
        return (self.most is None or self.value <= self.most) and (self.least is None or self.value >= self.least)

    @property
    def promise(self) -> str:
        """The promise in words, empty without one."""
        if self.most is not None:
            return f"at most {self.most:g} {self.unit}"
        return "" if self.least is None else f"at least {self.least:g} {self.unit}"

    def __str__(self) -> str:
        return f"figure {self.name} {self.amount} {self.unit}"

    @property
    def amount(self) -> str:
        """The value, without an exponent."""
        return f"{self.value:g}" if self.value < 1e6 else f"{self.value:.0f}"


def progress(text: str) -> None:
    """Tell on the error stream what goes on, so that the figures alone stand on the output."""
    sys.stderr.write(f"  {text}\n")
    sys.stderr.flush()
