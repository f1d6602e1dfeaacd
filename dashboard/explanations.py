"""Which words decided a text's label, worked out one text at a time and kept for whoever asks next."""

import asyncio
import hashlib
import logging
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Any

from consumers.explain.occlusion import Explanation
from consumers.explain.start import Explain
from dashboard.latest_used import LatestUsed
from dashboard.problems import Problem, ProblemError
from schemas.errors import BundleError, ProviderError

log = logging.getLogger(__name__)

KEPT = 2_000
"""Explanations in memory: some hundred bytes each."""

WAITING = 64
"""Texts that somebody waits for, and as many again of pages; at about a fifth of a second each, nobody would wait for more."""

Outcome = Explanation | Problem

NO_MODEL = Problem(
    "no-model", 503, "Nothing can be explained now", "This server runs without a model; its log says why."
)
BUSY = Problem(
    "busy", 503, "Too many explanations are asked for", "Others are being worked out; try again.", 5
)
UNREADABLE = Problem("unreadable-text", 422, "The model cannot read this text", "It fails on it.")


class Explanations:
    """The model is started when it is first needed.

    One text is worked out at a time, and first those that somebody waits for. What waits is bounded, and so is what is kept.

    Args:
        start: makes what explains; None where nothing is to be explained.
    """

    def __init__(self, start: Callable[[], Explain] | None) -> None:
        self._start = start
        self._explain: Explain | None = None
        self._turns = ThreadPoolExecutor(1, thread_name_prefix="explain")
        self._lock = Lock()
        self._asked: deque[tuple[str, Future[Outcome]]] = deque()
        """Texts that somebody waits for."""
        self._wanted: deque[str] = deque()
        """Texts of pages, which show what is known by then."""
        self._known: LatestUsed[bytes, Outcome] = LatestUsed(KEPT)
        self._prepared: set[bytes] = set()
        self._broken = False
        self._closed = False

    @property
    def available(self) -> bool:
        return self._start is not None

    @property
    def asked(self) -> int:
        """How many wait for somebody."""
        return len(self._asked)

    @property
    def wanted(self) -> int:
        """How many wait for pages."""
        return len(self._wanted)

    async def of(self, text: str) -> Explanation:
        """Why a text gets its label.

        Raises:
            ProblemError: there is no model, it cannot read the text, or too many wait.
        """
        outcome = self._known.get(_key(text))
        if outcome is None:
            if self._start is None:
                raise ProblemError(NO_MODEL)
            done: Future[Outcome] = Future()
            with self._lock:
                if len(self._asked) >= WAITING:
                    raise ProblemError(BUSY)
                self._asked.append((text, done))
            self._turns.submit(self._turn)
            # Whoever asked may leave; the work is finished all the same, so that one text at a time stays true.
            outcome = await asyncio.shield(asyncio.wrap_future(done))
        if isinstance(outcome, Problem):
            raise ProblemError(outcome)
        return outcome

    def ready(self, text: str) -> Explanation | None:
        """What is known already."""
        outcome = self._known.get(_key(text))
        return outcome if isinstance(outcome, Explanation) else None

    def prepare(self, texts: Iterable[str]) -> set[str]:
        """Have texts explained that are not known yet, as far as there is room; returns those that are not known yet."""
        if not self.available or self._broken:
            return set()
        unknown = [text for text in texts if self._known.get(_key(text)) is None]
        with self._lock:
            for text in unknown:
                if len(self._wanted) < WAITING and _key(text) not in self._prepared:
                    self._prepared.add(_key(text))
                    self._wanted.append(text)
                    self._turns.submit(self._turn)
        return set(unknown)

    def close(self) -> None:
        """Forget what waits."""
        self._closed = True
        self._turns.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            for _, done in self._asked:
                done.cancel()

    def _turn(self) -> None:
        """In the one thread: work out the next text, and tell who waits for it."""
        with self._lock:
            text, done = self._asked.popleft() if self._asked else (self._wanted.popleft(), None)
        try:
            outcome = self._work(text)
        except Exception as error:
            if not self._closed:
                log.exception("a text could not be explained")
            if done is not None:
                done.set_exception(error)
        else:
            if done is not None:
                done.set_result(outcome)

    def _work(self, text: str) -> Outcome:
        """A model that cannot be started is tried again when somebody asks, not for pages."""
        key = _key(text)
        try:
            outcome = self._known.get(key) or self._look(text)
            if outcome is not NO_MODEL:
                self._known.put(key, outcome)
            return outcome
        finally:
            self._prepared.discard(key)

    def _look(self, text: str) -> Outcome:
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
