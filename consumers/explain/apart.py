"""Explains in a process of its own, so that whoever answers people meanwhile keeps its time.

In the same process both would wait for the interpreter's lock, and a thread of lower priority that holds it holds up all others.
"""

import os
import signal
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

from consumers.explain.occlusion import Explanation
from consumers.explain.start import Explain, start_explaining
from consumers.infer.runner import RunFailure
from schemas.errors import ProviderError

NICENESS = 10
"""Of the process: a core that others want as well gives it about a tenth of itself."""

_explain: Explain | None = None
"""In the process."""


class ExplainerApart:
    """Starts the process with the first text; one that has ended is started anew with the next.

    Args:
        folder: of the bundle; None for the one inside the package.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._process: ProcessPoolExecutor | None = None

    def __call__(self, text: str) -> Explanation | RunFailure:
        """Why a text gets its label.

        Raises:
            BundleError: the bundle is damaged or cannot be loaded.
            ProviderError: the model fails on a plain text, or the process has ended.
        """
        if self._process is None:
            self._process = ProcessPoolExecutor(1, get_context("spawn"), _give_way)
        try:
            return self._process.submit(_explained, self._folder, text).result()
        except BrokenProcessPool as error:
            self._process = None
            raise ProviderError("the process that explains has ended; is memory short?") from error


def _give_way() -> None:
    """Once in the process: yield to all others, and leave Ctrl-C to the one that started us."""
    os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _explained(folder: Path | None, text: str) -> Explanation | RunFailure:
    global _explain  # noqa: PLW0603 -- a process has one model, which no call can carry
    if _explain is None:
        _explain = start_explaining(folder)
    return _explain(text)
