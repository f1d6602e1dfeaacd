"""Explains in a process of its own, so that whoever answers people meanwhile keeps its time.

In the same process both would wait for the interpreter's lock, and a thread of lower priority that holds it holds up all others.
"""

import logging
import os
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

from consumers.explain.occlusion import Explanation
from consumers.explain.start import Explain, start_explaining
from consumers.infer.runner import RunFailure
from schemas.errors import ProviderError

log = logging.getLogger(__name__)

NICENESS = 10
"""Of the process: a core that others want as well gives it about a tenth of itself."""

ExplainWith = Callable[[Path | None, str], Explanation | RunFailure]
"""Of a bundle's folder and a text. It has to be a function of a module, so that another process can find it."""

_explain: Explain | None = None
"""In the process."""


def explain_with(folder: Path | None, text: str) -> Explanation | RunFailure:
    """Explain in this process, whose model is started with the first text."""
    global _explain  # noqa: PLW0603 -- a process has one model, which no call can carry
    if _explain is None:
        _explain = start_explaining(folder)
    return _explain(text)


class ExplainerApart:
    """Starts the process with the first text; one that has ended is started anew, once for each text.

    Args:
        folder: of the bundle; None for the one inside the package.
        explain: what the process does.
    """

    def __init__(self, folder: Path | None, explain: ExplainWith = explain_with) -> None:
        self._folder = folder
        self._explain = explain
        self._process: ProcessPoolExecutor | None = None

    def __call__(self, text: str) -> Explanation | RunFailure:
        """Why a text gets its label.

        Raises:
            BundleError: the bundle is damaged or cannot be loaded.
            ProviderError: the model fails on a plain text, or the process ends again and again.
        """
        try:
            return self._ask(text)
        except BrokenProcessPool:
            log.warning("the process that explains has ended; it is started anew")
        try:
            return self._ask(text)
        except BrokenProcessPool as error:
            raise ProviderError("the process that explains ends; is memory short?") from error

    def _ask(self, text: str) -> Explanation | RunFailure:
        if self._process is None:
            self._process = ProcessPoolExecutor(1, get_context("spawn"), _give_way)
        try:
            return self._process.submit(self._explain, self._folder, text).result()
        except BrokenProcessPool:
            self._process = None
            raise


def _give_way() -> None:
    """Once in the process: yield to all others, and leave Ctrl-C to the one that started us."""
    os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
