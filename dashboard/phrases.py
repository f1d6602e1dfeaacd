"""What a product's strong negatives have in common, in a few of their own words: worked out aside, and kept."""

import hashlib
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from dashboard.latest_used import LatestUsed
from dashboard.text_rank import Phrase, key_phrases

log = logging.getLogger(__name__)

LISTED = 8

FEWEST_TEXTS = 5
"""Of fewer, a reader sees at once what they have in common."""

KEPT = 1_000
"""Products whose phrases are in memory: a kilobyte each."""

WAITING = 16
"""Products that wait, at up to some tenths of a second each; for any other the next look asks again."""


class PhraseBook:
    """One product at a time, so that pages are served meanwhile. What waits is bounded, and so is what is kept."""

    def __init__(self) -> None:
        self._turns = ThreadPoolExecutor(1, thread_name_prefix="phrases")
        self._lock = Lock()
        self._known: LatestUsed[bytes, Sequence[Phrase]] = LatestUsed(KEPT)
        self._waiting: set[bytes] = set()

    def of(self, texts: Sequence[str]) -> Sequence[Phrase] | None:
        """The phrases of these texts, the most telling first; None if they are still being worked out."""
        if len(texts) < FEWEST_TEXTS:
            return ()
        key = hashlib.sha256("\0".join(texts).encode("utf-8", "surrogatepass")).digest()
        with self._lock:
            if (known := self._known.get(key)) is not None:
                return known
            if key not in self._waiting and len(self._waiting) < WAITING:
                self._waiting.add(key)
                self._turns.submit(self._work, key, tuple(texts))
        return None

    def close(self) -> None:
        """Forget what waits."""
        self._turns.shutdown(wait=False, cancel_futures=True)

    def _work(self, key: bytes, texts: Sequence[str]) -> None:
        try:
            phrases: Sequence[Phrase] = key_phrases(texts, limit=LISTED)
        except Exception:
            log.exception("the phrases of a product could not be found")
            phrases = ()
        with self._lock:
            self._waiting.discard(key)
            self._known.put(key, phrases)
