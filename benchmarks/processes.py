"""What running processes take of the machine, as Linux and macOS tell by ``ps``."""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PS = shutil.which("ps") or "ps"


def resident_mb(pid: int) -> float:
    """Resident memory of a process, in MB of 10^6 bytes."""
    return int(_ps("rss=", pid)) * 1024 / 1e6


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used, in all its threads."""
    if os.path.exists(f"/proc/{pid}/stat"):  # noqa: PTH110 -- a kernel's table, not a file
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123 -- likewise
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    days, _, clock = _ps("time=", pid).rpartition("-")
    seconds = 0.0
    for part in clock.split(":"):
        seconds = seconds * 60 + float(part)
    return seconds + int(days or 0) * 86_400


def busy_seconds() -> float:
    """Seconds that all cores together have worked since the machine's start, at low priorities apart; Linux only."""
    user, _nice, system, _idle, _waiting, interrupts, soft_interrupts, _stolen = _seconds_of_cores()
    return user + system + interrupts + soft_interrupts


def stolen_seconds() -> float:
    """Seconds that all cores together were ready to work while the hypervisor ran somebody else on them; Linux only.

    Always 0 on a machine that is not virtual.
    """
    return _seconds_of_cores()[-1]


def _seconds_of_cores() -> list[float]:
    """The first eight columns of the ``cpu`` line, proc_stat(5)."""
    ticks = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    return [int(count) / os.sysconf("SC_CLK_TCK") for count in ticks]


def children(name: str) -> list[int]:
    """Processes that this one has started whose command has ``name`` in it."""
    listed = subprocess.run([PS, "-A", "-o", "pid=,ppid=,comm="], capture_output=True, text=True, check=True)
    rows = (line.split(maxsplit=2) for line in listed.stdout.splitlines())
    return [int(pid) for pid, parent, command in rows if int(parent) == os.getpid() and name in command]


def _ps(column: str, pid: int) -> str:
    asked = [PS, "-o", column, "-p", str(pid)]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


@dataclass
class Memory:
    """Resident MB of one process while it was watched, with the seconds since the watch began."""

    samples: list[tuple[float, float]] = field(default_factory=list)

    @property
    def peak(self) -> float:
        return max(megabytes for _, megabytes in self.samples)

    @property
    def growth(self) -> float:
        """The mean of the last fifth less that of the fifth after the middle: 0 is flat."""
        fifth = max(1, len(self.samples) // 5)
        middle = self.samples[len(self.samples) // 2 :][:fifth]
        return _mean(self.samples[-fifth:]) - _mean(middle)


def _mean(samples: list[tuple[float, float]]) -> float:
    return sum(megabytes for _, megabytes in samples) / len(samples)


@contextmanager
def watched(pid: int, interval_s: float = 0.5) -> Iterator[Memory]:
    """Sample the memory of a process while the body runs."""
    memory, over, started = Memory(), threading.Event(), time.monotonic()

    def sample() -> None:
        while not over.is_set():
            memory.samples.append((round(time.monotonic() - started, 1), round(resident_mb(pid), 1)))
            over.wait(interval_s)

    sampler = threading.Thread(target=sample, daemon=True)
    sampler.start()
    try:
        yield memory
    finally:
        over.set()
        sampler.join()
