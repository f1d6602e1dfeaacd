"""The shadow in the live view's place: one call of a script, or several for a view of very many keys.

A product changes in one call, whole. With several calls readers see some products before others, and rankings last.
"""

import sqlite3
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from importlib.resources import files
from itertools import chain, groupby
from operator import itemgetter

from redis import Redis

from consumers.rebuild.replay import Progress
from schemas.errors import ConfigurationError
from schemas.redis_keys import SWAP, Ranking, ViewKeys

SCRIPT = (files("consumers.rebuild") / "swap.lua").read_text()

KEYS_A_CALL = 20_000
"""While they move, Redis answers nobody else: a tenth of a second, at 5.5 µs a key (``benchmarks/rebuild.py``)."""

_SCAN_COUNT = 1_000
_LEFTOVERS, _MOVES, _DONE = "leftovers", "moves", "done"

Pair = tuple[str, str]
"""The key that moves ("" for none), and the key whose place it takes."""

# A product that the shadow does not have is a leftover. Its keys go before any product moves: a swap that goes on later
# could not tell it from a product that has moved already. The keys of campaigns and customers move likewise, one by one.
_KEYS = "CREATE TABLE found (shadow INT, product TEXT, key TEXT)"
_LEFTOVER_KEYS = """
SELECT product, key FROM found WHERE NOT shadow AND product NOT IN (SELECT product FROM found WHERE shadow)
ORDER BY product
"""
_MOVING_KEYS = """
SELECT product, shadow, key FROM found WHERE product IN (SELECT product FROM found WHERE shadow) ORDER BY product
"""


class Swap:
    """One swap; ``begin`` stops the aggregators' writes, ``finish`` may be called again by another process."""

    def __init__(
        self, redis: Redis, keys: ViewKeys, shadow: str, owner: str, *, keys_a_call: int = KEYS_A_CALL
    ) -> None:
        self.keys = 0
        self.calls = 0
        self.longest_call_s = 0.0
        self._redis = redis
        self._keys = keys
        self._shadow = keys.shadow(shadow)
        self._owner = owner
        self._keys_a_call = keys_a_call
        self._script = redis.register_script(SCRIPT)

    def begin(self) -> None:
        """Let nobody count into the live view. The shadow is complete."""
        self._call(_LEFTOVERS, [])

    def finish(self, progress: Progress = lambda _done, _total: None) -> None:
        """Swap all that is not swapped yet, and let aggregators go on."""
        phase, topic = map(self._state, (SWAP, "topic"))
        if not phase or not topic:
            raise ConfigurationError(
                f"{self._keys.rebuild} does not say how far the swap is: another rebuild finished it, or it was changed by hand"
            )
        waiting: list[Pair] = []
        with closing(sqlite3.connect("")) as store:  # a temporary file, for the keys may be many
            store.execute(_KEYS)
            self._list(store, self._keys, shadow=False)
            self._list(store, self._shadow, shadow=True)
            [(total,)] = store.execute("SELECT count(*) FROM found")
            for of_phase, pairs in self._products(store, leftovers=phase == _LEFTOVERS):
                if waiting and len(waiting) + len(pairs) > self._keys_a_call:
                    self._call(phase, waiting)
                    progress(self.keys, total)
                    waiting = []
                phase = of_phase
                waiting += pairs
        self._call(_DONE, [*waiting, *self._shared({topic, self._state("labels_topic") or topic})])
        progress(1, 1)

    def _state(self, name: str) -> str:
        return str(self._redis.hget(self._keys.rebuild, name) or "")

    def _list(self, store: sqlite3.Connection, keys: ViewKeys, *, shadow: bool) -> None:
        """Nobody else writes now, so what SCAN finds is all there is; it may find a key twice."""
        for pattern in (keys.products, *keys.all_across_products):
            found = self._redis.scan_iter(match=pattern, count=_SCAN_COUNT)
            rows = ((shadow, _unit_of(keys, key), key) for key in found)
            store.executemany("INSERT INTO found VALUES (?, ?, ?)", rows)

    def _products(self, store: sqlite3.Connection, *, leftovers: bool) -> Iterator[tuple[str, list[Pair]]]:
        """The keys of each leftover product, then of each that moves, with the phase that they belong to."""
        if leftovers:
            for _, rows in groupby(store.execute(_LEFTOVER_KEYS), key=itemgetter(0)):
                yield _LEFTOVERS, [("", key) for _, key in rows]
        for _, rows in groupby(store.execute(_MOVING_KEYS), key=itemgetter(0)):
            sources: dict[str, str] = {}
            for _, shadow, key in rows:
                if shadow:
                    sources[self._keys.prefix + key.removeprefix(self._shadow.prefix)] = key
                else:
                    sources.setdefault(key, "")
            yield _MOVES, [(source, target) for target, source in sources.items()]

    def _shared(self, topics: Collection[str]) -> Iterator[Pair]:
        """Rankings, offsets and marks.

        Offsets of other topics go: their events are not in the shadow and must be read again. All marks go, so that
        whatever an aggregator had begun on the old view is refused on the new one.
        """
        keys, shadow = self._keys, self._shadow
        for ranking in Ranking:
            yield shadow.ranking(ranking), keys.ranking(ranking)
            yield shadow.ranking_revisions(ranking), keys.ranking_revisions(ranking)
        for pattern in (keys.all_offsets, keys.all_marks, shadow.all_marks):
            for key in self._redis.scan_iter(match=pattern, count=_SCAN_COUNT):
                if key not in map(keys.offsets, topics):
                    yield "", key
        for topic in topics:
            yield shadow.offsets(topic), keys.offsets(topic)

    def _call(self, phase: str, pairs: Sequence[Pair]) -> None:
        keys = [self._keys.rebuild, self._keys.generation]
        started = time.perf_counter()
        if not self._script(keys=keys, args=[self._owner, phase, *chain.from_iterable(pairs)]):
            raise ConfigurationError("another rebuild of this view has begun; it goes on with the swap")
        if pairs:
            self.longest_call_s = max(self.longest_call_s, time.perf_counter() - started)
            self.calls += 1
            self.keys += len(pairs)


def _unit_of(keys: ViewKeys, key: str) -> str:
    """What changes in one call: a product, or one key of campaigns or customers."""
    if not key.startswith(f"{keys.prefix}product:"):
        return f"key {key.removeprefix(keys.prefix)}"
    product = keys.parse_product_key(key)
    return f"product {product[0] if product else ''}"
