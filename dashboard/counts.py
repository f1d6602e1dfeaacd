"""The counts of single products, read from Redis when they are asked for."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from importlib.resources import files
from typing import Any, Self

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from consumers.read.counts import Counts, ProductCounts
from dashboard.periods import Period
from schemas.events import Channel
from schemas.masking import mask
from schemas.redis_keys import Counter, Ranking, ViewKeys
from schemas.settings import RedisSettings

SERIES = (files("dashboard") / "series.lua").read_text()

CHANNELS = tuple(Channel)

FIELDS = ("reviews", "positive", "strong_positive", "strong_negative", "uncertain")
"""The counts of a day in ``series.lua``'s lines; the others follow from them."""

REDIS_TIMEOUT_S = 2.0
"""For a connection, and for each answer: a page that takes longer says that Redis is away."""

CONNECTIONS = 16
"""Requests that talk to Redis at the same time; others wait for as long as for an answer."""

DayCounts = tuple[date, Counts]


def connect(settings: RedisSettings) -> Redis:
    """A client that waits for nothing for long; it connects when it is first used."""
    pool = BlockingConnectionPool.from_url(
        **settings.redis_config(),
        max_connections=CONNECTIONS,
        timeout=REDIS_TIMEOUT_S,
        socket_timeout=REDIS_TIMEOUT_S,
        socket_connect_timeout=REDIS_TIMEOUT_S,
        retry=Retry(NoBackoff(), 1),  # a connection that Redis closed meanwhile is made anew
    )
    return Redis.from_pool(pool)


@dataclass(frozen=True)
class StrongNegative:
    """One of a product's latest strong negatives; personal data in its text is masked, and it may be an excerpt."""

    review_id: str
    channel: Channel
    text: str
    score: float
    intensity_score: float
    rating: float | None
    language: str | None
    created_at: datetime
    scored_at: datetime

    @classmethod
    def of(cls, entry: str) -> Self:
        """Read an entry as the aggregator writes it."""
        return cls.of_fields(json.loads(entry))

    @classmethod
    def of_fields(cls, fields: Mapping[str, Any]) -> Self:
        """The same, once it is no text any more."""
        return cls(
            review_id=fields["review_id"],
            channel=Channel(fields["channel"]),
            text=mask(fields["text"]),
            score=fields["score"],
            intensity_score=fields["intensity_score"],
            rating=fields["rating"],
            language=fields["language"],
            created_at=datetime.fromisoformat(fields["created_at"]),
            scored_at=datetime.fromisoformat(fields["scored_at"]),
        )


class CountsReader:
    """Reads one product, or one page of them, in a round trip each."""

    def __init__(self, redis: Redis, keys: ViewKeys) -> None:
        self.redis = redis
        self.keys = keys

    async def products(self, product_ids: Sequence[str]) -> list[ProductCounts]:
        """The counts in every channel of those that are known, in this order."""
        pipeline = self.redis.pipeline(transaction=False)
        for product_id in product_ids:
            for channel in CHANNELS:
                pipeline.hgetall(self.keys.counts(product_id, channel))
        stored = iter(await pipeline.execute())
        read = {product_id: {channel: next(stored) for channel in CHANNELS} for product_id in product_ids}
        return [
            ProductCounts(product_id, {channel: Counts.of(hashed) for channel, hashed in channels.items()})
            for product_id, channels in read.items()
            if any(channels.values())
        ]

    async def series(
        self, channel: Channel, wanted: Sequence[tuple[str, Period]]
    ) -> list[list[DayCounts] | None]:
        """Every day of each product and period; a day without reviews has zeros. None where the product is unknown."""
        pipeline = self.redis.pipeline(transaction=False)
        for product_id, period in wanted:
            pipeline.exists(*(self.keys.counts(product_id, one) for one in CHANNELS))
            key = self.keys.counts(product_id, channel)
            pipeline.eval_ro(SERIES, 1, key, *(day.isoformat() for day in period))
        answers = iter(await pipeline.execute())
        return [
            _series(period, text) if known else None
            for (_, period), known, text in zip(wanted, answers, answers, strict=True)
        ]

    async def ranked(self, ranking: Ranking, offset: int, limit: int) -> tuple[list[str], int]:
        """Products from the highest count down, and how many there are in all."""
        pipeline = self.redis.pipeline(transaction=False)
        pipeline.zrange(self.keys.ranking(ranking), offset, offset + limit - 1, desc=True)
        pipeline.zcard(self.keys.ranking(ranking))
        products, total = await pipeline.execute()
        return products, total

    async def negatives(self, product_id: str, limit: int) -> list[StrongNegative]:
        """The latest strong negatives, newest first."""
        entries = await self.redis.lrange(self.keys.negatives(product_id), 0, limit - 1)
        return [StrongNegative.of(str(entry)) for entry in entries]

    async def picked(
        self, product_ids: Sequence[str], wanted: Callable[[str, Mapping[str, Any]], bool]
    ) -> list[tuple[str, StrongNegative]]:
        """Of some products, those of the latest strong negatives that are wanted; masking the others would take longest."""
        pipeline = self.redis.pipeline(transaction=False)
        for product_id in product_ids:
            pipeline.lrange(self.keys.negatives(product_id), 0, -1)
        return [
            (product_id, StrongNegative.of_fields(fields))
            for product_id, entries in zip(product_ids, await pipeline.execute(), strict=True)
            for fields in map(json.loads, entries)
            if wanted(product_id, fields)
        ]


def series_arguments(keys: ViewKeys, product_id: str, days: Iterable[date]) -> list[str]:
    """Keys and arguments of ``series.lua``; there are as many keys as channels."""
    names = [keys.counts(product_id, channel) for channel in CHANNELS]
    return [*names, *(day.isoformat() for day in days)]


def counts_of(fields: Iterable[int], score_sum: Decimal) -> Counts:
    """Counts from what cannot be derived: ``fields`` in the order of ``FIELDS``."""
    reviews, positive, strong_positive, strong_negative, uncertain = fields
    negative = reviews - positive
    return Counts(
        reviews=reviews,
        positive=positive,
        negative=negative,
        strong_positive=strong_positive,
        weak_positive=positive - strong_positive,
        strong_negative=strong_negative,
        weak_negative=negative - strong_negative,
        uncertain=uncertain,
        score_sum=score_sum,
    )


def _series(period: Period, text: str) -> list[DayCounts]:
    """Of ``series.lua``'s lines of one channel."""
    found = {}
    for line in text.splitlines():
        _, day, *fields, score_sum = line.split(" ")
        found[int(day)] = counts_of(map(int, fields), Decimal(score_sum))
    return [(day, found.get(number, _NONE)) for number, day in enumerate(period)]


_NONE = Counts()


def total(counts: Iterable[Counts]) -> Counts:
    """All of them together; when they were last updated is not kept."""
    counts = list(counts)
    return Counts(
        **{name: sum(getattr(one, name) for one in counts) for name in SUMMED},
        score_sum=sum((one.score_sum for one in counts), Decimal(0)),
    )


SUMMED = tuple(counter.value for counter in Counter if counter is not Counter.SCORE_SUM)
"""The fields of ``Counts`` that are whole numbers."""
