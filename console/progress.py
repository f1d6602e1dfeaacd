"""Progress of long work: a bar on a terminal, a plain line now and then elsewhere."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

PLAIN_INTERVAL_S = 10.0
"""Between plain lines: a log file shows that the work goes on, and stays short."""


class Meter(ABC):
    """How far the work is: what is being done, and how much of how much."""

    def __init__(self, what: str, total: int | None) -> None:
        self._what = what
        self._done = 0
        self._total = total

    def says(self, what: str) -> None:
        """Describe the work anew."""
        self._what = what
        self._show()

    def advance(self, by: int) -> None:
        """So much more is done."""
        self._done += by
        self._show()

    def at(self, done: int, total: int, what: str | None = None) -> None:
        """So much is done, of so much; ``what`` if it is something else than before."""
        self._done, self._total, self._what = done, total, what or self._what
        self._show()

    @abstractmethod
    def _show(self) -> None: ...


class _Bar(Meter):
    def __init__(self, what: str, total: int | None, progress: Progress) -> None:
        super().__init__(what, total)
        self._progress = progress
        self._task: TaskID = progress.add_task(what, total=total)

    def _show(self) -> None:
        self._progress.update(self._task, description=self._what, completed=self._done, total=self._total)


class _Lines(Meter):
    def __init__(self, what: str, total: int | None, console: Console, clock: Callable[[], float]) -> None:
        super().__init__(what, total)
        self._console = console
        self._clock = clock
        self._next = clock() + PLAIN_INTERVAL_S

    def _show(self) -> None:
        if self._clock() >= self._next:
            self._next = self._clock() + PLAIN_INTERVAL_S
            share = f" ({min(self._done, self._total) / self._total:.0%})" if self._total else ""
            self._console.print(f"{self._what}{share}", markup=False, highlight=False, soft_wrap=True)


@contextmanager
def progress(
    what: str, total: int | None = None, *, console: Console, clock: Callable[[], float] = time.monotonic
) -> Iterator[Meter]:
    """Show how far the body is.

    Args:
        what: the work, in a word or two.
        total: of what ``advance`` counts; None where nobody knows.
        console: where to; a bar if it is a terminal.
        clock: seconds, monotonic.
    """
    if not console.is_terminal:
        yield _Lines(what, total, console, clock)
        return
    columns = (
        BarColumn(),  # only pulses where the total is not known
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        yield _Bar(what, total, bar)
