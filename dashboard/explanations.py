"""Which words decided a text's label, worked out one text at a time and kept for whoever asks next."""

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import Any

from consumers.explain.occlusion import Explanation
from consumers.explain.start import Explain
from dashboard.problems import Problem, ProblemError
from schemas.errors import BundleError, ProviderError

log = logging.getLogger(__name__)

KEPT = 2_000
"""Explanations in memory: some hundred bytes each."""

WAITING = 64
"""Texts that wait for their turn; at about a fifth of a second each, a browser would not wait for more."""

NO_MODEL = Problem(
    "no-model", 503, "Nothing can be explained now", "This server runs without a model; its log says why."
)
BUSY = Problem(
    "busy", 503, "Too many explanations are asked for", "Others are being worked out; try again.", 5
)
UNREADABLE = Problem("unreadable-text", 422, "The model cannot read this text", "It fails on it.")


class Explanations:
    """The model is started when it is first needed. What waits is bounded, and so is what is kept.

    Args:
        start: makes what explains; None where nothing is to be explained.
    """

    def __init__(self, start: Callable[[], Explain] | None) -> None:
        self._start = start
        self._explain: Explain | None = None
        self._turns = ThreadPoolExecutor(1, thread_name_prefix="explain")
        self._places = BoundedSemaphore(WAITING)
        self._known: OrderedDict[bytes, Explanation | Problem] = OrderedDict()
        self._prepared: set[bytes] = set()
        self._broken = False

    @property
    def available(self) -> bool:
        return self._start is not None

    async def of(self, text: str) -> Explanation:
        """Why a text gets its label.

        Raises:
            ProblemError: there is no model, it cannot read the text, or too many wait.
        """
        outcome = self._known.get(_key(text))
        if outcome is None:
            if self._start is None:
                raise ProblemError(NO_MODEL)
            if not self._places.acquire(blocking=False):
                raise ProblemError(BUSY)
            # Whoever asked may leave; the work is finished all the same, so that one text at a time stays true.
            outcome = await asyncio.wrap_future(self._turns.submit(self._work, text))
        if isinstance(outcome, Problem):
            raise ProblemError(outcome)
        return outcome

    def ready(self, text: str) -> Explanation | None:
        """What is known already."""
        outcome = self._known.get(_key(text))
        return outcome if isinstance(outcome, Explanation) else None

    def prepare(self, texts: Iterable[str]) -> bool:
        """Have texts explained that are not known yet, as far as there is room; returns whether any is under way."""
        waiting = False
        for text in texts if self.available and not self._broken else ():
            key = _key(text)
            if key in self._known:
                continue
            if key not in self._prepared:
                if not self._places.acquire(blocking=False):
                    return True
                self._prepared.add(key)
                self._turns.submit(self._work, text)
            waiting = True
        return waiting

    def close(self) -> None:
        """Forget what waits."""
        self._turns.shutdown(wait=False, cancel_futures=True)

    def _work(self, text: str) -> Explanation | Problem:
        """In the one thread. A model that cannot be started is tried again when somebody asks, not for pages."""
        key = _key(text)
        try:
            outcome = self._known.get(key) or self._look(text)
            if outcome is not NO_MODEL:
                self._known[key] = outcome
                while len(self._known) > KEPT:
                    self._known.popitem(last=False)
            return outcome
        finally:
            self._prepared.discard(key)
            self._places.release()

    def _look(self, text: str) -> Explanation | Problem:
        try:
            if self._explain is None:
                assert self._start is not None
                self._explain = self._start()
            outcome: Any = self._explain(text)
            self._broken = False
        except (BundleError, ProviderError) as error:
            log.warning("nothing can be explained: %s", error)
            self._broken = True
            return NO_MODEL
        return outcome if isinstance(outcome, Explanation) else UNREADABLE


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
