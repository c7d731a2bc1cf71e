"""What benchmarks share: interleaved timing, and figures with their bars."""

import contextlib
import dataclasses
import functools
import math
import operator
import os
import time
from collections.abc import Callable
from pathlib import Path

VAR = Path(__file__).resolve().parents[2] / "var" / "benchmarks"
TICK = os.sysconf("SC_CLK_TCK")
BARS = {"≤": operator.le, "≥": operator.ge}


@dataclasses.dataclass(frozen=True)
class Figure:
    """One result: `bar` as "≤ 2" or "≥ 500", "" for what is only reported."""

    name: str
    value: float
    bar: str = ""

    @property
    def holds(self) -> bool | None:
        """Whether the bar is reached; None without a bar."""
        if not self.bar:
            return None
        sign, limit = self.bar.split()
        return BARS[sign](self.value, float(limit))

    def __str__(self) -> str:
        verdict = {True: "ok", False: "MISSED", None: ""}[self.holds]
        return f"{self.name:<64}{self.value:>12.3f}  {self.bar:<9}{verdict}"


def interleaved(
    cases: dict[str, Callable[[], object]], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, list[float]]:
    """Seconds of each case, `rounds` times over, the cases taking turns so that a noisy minute meets all of them.

    With `time.thread_time` as the clock only the processor's own work counts, not what else the machine does.
    """
    times = {name: [] for name in cases}
    for case in cases.values():
        case()
    for _ in range(rounds):
        for name, case in cases.items():
            begin = clock()
            case()
            times[name].append(clock() - begin)
    return times


def spent(*pids: int) -> float:
    """Seconds of processor time that these processes have worked so far; one that has ended counts as nothing."""
    ticks = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / TICK


def below(share: int, times: list[float]) -> float:
    """The time that `share` of 100 stay below."""
    return sorted(times)[math.ceil(share / 100 * len(times)) - 1]


p95 = functools.partial(below, 95)
