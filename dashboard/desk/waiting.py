"""What waits for a person, read from the lists that the aggregator keeps of each product."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from importlib.resources import files
from typing import Any, Self

from redis.asyncio import Redis

from consumers.aggregate.contribution import Contribution
from consumers.aggregate.labels import StoredLabel
from consumers.aggregate.negatives import QUEUE_CHANNELS
from consumers.aggregate.relabel import relabel_place
from dashboard.latest_used import LatestUsed
from schemas.desk_keys import DeskKeys
from schemas.events import Channel
from schemas.labels import JudgedReview
from schemas.masking import mask
from schemas.redis_keys import LABEL_RETENTION, ViewKeys

DIGEST = (files("dashboard.desk") / "waiting.lua").read_text()

QUEUED_FOR = timedelta(days=30)
"""Nobody is helped by an answer that comes later than this."""

PRODUCTS_KEPT = 64
"""Of which what waits is held: half a megabyte each at the most. A page of the queue has 25, and everybody sees the same ones."""

PRODUCTS_AT_A_TIME = 10
"""Of which the lists are read at once: some 20 ms of this process, in which it answers nobody else."""


@dataclass(frozen=True)
class Waiting:
    """A review that waits: a scored event that still counts, and of which no person has said anything."""

    product_id: str
    review_id: str
    place: str
    """``<topic>:<partition>:<offset>`` of the scored event."""
    judged: JudgedReview
    text: str
    """Not masked; an excerpt if it is 1,000 characters long."""
    rating: float | None
    language: str | None

    @property
    def channel(self) -> Channel:
        return self.judged.channel

    @property
    def created_at(self) -> datetime:
        return self.judged.created_at

    @cached_property
    def strong_negative(self) -> bool:
        return Contribution.judged(self.judged).strong_negative

    @cached_property
    def masked_text(self) -> str:
        """As people are shown it; worked out once, for the same reviews are shown again and again."""
        return mask(self.text)

    @classmethod
    def of(cls, product_id: str, entry: Mapping[str, Any], said: Contribution) -> Self:
        """From an entry of a list, and what the model said of the review."""
        source = entry["source"]
        return cls(
            product_id,
            entry["review_id"],
            place_text(source),
            JudgedReview(
                **source,
                channel=said.channel,
                created_at=datetime.fromisoformat(entry["created_at"]),
                label=said.label,
                intensity=said.intensity,
                score=entry["score"],
                needs_review=said.needs_review,
            ),
            entry["text"],
            entry["rating"],
            entry["language"],
        )


def place_text(source: Mapping[str, Any]) -> str:
    """As the desk names a scored event."""
    return f"{source['topic']}:{source['partition']}:{source['offset']}"


class WaitingReader:
    """Reads what waits of some products in two round trips."""

    def __init__(self, redis: Redis, keys: ViewKeys, desk_keys: DeskKeys, scored_topic: str) -> None:
        self._offsets = keys.offsets(scored_topic)
        self._redis = redis
        self._keys = keys
        self._desk_keys = desk_keys
        self._known: LatestUsed[str, tuple[str, list[Waiting]]] = LatestUsed(PRODUCTS_KEPT)
        """Digest and what waits, of the products that were asked for last."""

    async def forgets(self) -> bool:
        """Whether the view forgets labels: then what people say is not counted."""
        return await self._redis.hmget(self._offsets, [LABEL_RETENTION]) != [None]

    async def read(self, product_ids: Sequence[str], now: datetime) -> dict[str, list[Waiting]]:
        """What waits of each product, newest first, strong negatives before uncertain ones."""
        found: dict[str, list[Waiting]] = {}
        for start in range(0, len(product_ids), PRODUCTS_AT_A_TIME):
            found |= await self._read(product_ids[start : start + PRODUCTS_AT_A_TIME], now - QUEUED_FOR)
        return found

    async def standing(self, product_ids: Sequence[str], now: datetime) -> dict[str, list[Waiting]]:
        """As ``read``; what was read this way before, and is as it was, is not fetched again."""
        digests = dict(zip(product_ids, await self.digests(product_ids), strict=True))
        found = {
            name: known[1]
            for name in product_ids
            if (known := self._known.get(name)) is not None and known[0] == digests[name]
        }
        fresh = await self.read([name for name in product_ids if name not in found], now)
        for name, waiting in fresh.items():
            self._known.put(name, (digests[name], waiting))
        found |= fresh
        return {
            name: [one for one in waiting if one.created_at >= now - QUEUED_FOR]
            for name, waiting in found.items()
        }

    def forget(self) -> None:
        """Hold nothing: another view took the place of the one that was read."""
        self._known.clear()

    async def digests(self, product_ids: Sequence[str]) -> list[str]:
        """Of what decides what waits of each product: where it is as before, so is that."""
        pipeline = self._redis.pipeline(transaction=False)
        for product_id in product_ids:
            keys = self._keys_of(product_id)
            pipeline.eval_ro(DIGEST, len(keys), *keys)
        return list(map(str, await pipeline.execute()))

    def _keys_of(self, product_id: str) -> tuple[str, str, str, str]:
        return (
            self._keys.negatives(product_id),
            self._keys.uncertain(product_id),
            self._keys.relabels(product_id),
            self._desk_keys.done(product_id),
        )

    async def _read(self, product_ids: Sequence[str], oldest: datetime) -> dict[str, list[Waiting]]:
        pipeline = self._redis.pipeline(transaction=False)
        for product_id in product_ids:
            negatives, uncertain, relabels_key, done_key = self._keys_of(product_id)
            pipeline.lrange(negatives, 0, -1)
            pipeline.lrange(uncertain, 0, -1)
            pipeline.hgetall(relabels_key)
            pipeline.zrange(done_key, 0, -1)
        answers = iter(await pipeline.execute())
        entries: dict[str, list[Mapping[str, Any]]] = {}
        relabels: dict[str, Mapping[str, str]] = {}
        for product_id in product_ids:
            listed = [json.loads(entry) for entry in (*next(answers), *next(answers))]
            relabels[product_id], done = next(answers), set(next(answers))
            entries[product_id] = [
                entry
                for entry in listed
                if entry["channel"] in QUEUE_CHANNELS
                and datetime.fromisoformat(entry["created_at"]) >= oldest
                and place_text(entry["source"]) not in done
            ]
        codes = await self._codes({product_id: listed for product_id, listed in entries.items() if listed})
        return {
            product_id: [
                Waiting.of(product_id, entry, said)
                for entry, said in zip(listed, codes.get(product_id, ()), strict=True)
                if said is not None and relabel_place(said, entry["review_id"]) not in relabels[product_id]
            ]
            for product_id, listed in entries.items()
        }

    async def _codes(
        self, entries: Mapping[str, Sequence[Mapping[str, Any]]]
    ) -> dict[str, list[Contribution | None]]:
        """What the model said of each review, if it still counts."""
        pipeline = self._redis.pipeline(transaction=False)
        for product_id, listed in entries.items():
            pipeline.hmget(self._keys.labels(product_id), [entry["review_id"] for entry in listed])
        answers = await pipeline.execute()
        return {
            product_id: [StoredLabel.found(code).contribution if code else None for code in codes]
            for product_id, codes in zip(entries, answers, strict=True)
        }
