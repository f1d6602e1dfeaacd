"""A large shop's view in Valkey, counted by the aggregator's own code, and more reviews that go on being counted."""

import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Event

import numpy as np
from redis import Redis

from consumers.aggregate.view import PositionedEvent, RedisView
from schemas.events import (
    Channel,
    Intensity,
    Label,
    ModelReference,
    Op,
    ScoredReview,
    Sentiment,
    SourceRecord,
)
from schemas.redis_keys import ViewKeys
from schemas.settings import ReaderSettings

PARTITIONS = 6
MEAN_AGE_DAYS = 90.0
"""Of reviews at the start: more of the latest weeks than of last year."""

CHANNEL_SHARES = (0.8, 0.1, 0.04, 0.06)
"""Of reviews, support, ads and social."""

A_BATCH = 5_000
COUNTING_EVERY_S = 0.1


class LargeShop:
    """Products of very different size, and what customers write of them; everything follows from the seed.

    Args:
        products: how many.
        texts: what customers write.
        seed: of sizes and reviews.
    """

    def __init__(self, products: int, texts: Sequence[str], seed: int = 7) -> None:
        self.names = [f"product-{number:05d}" for number in range(products)]
        self._texts = texts
        self._chance = np.random.default_rng(seed)
        sizes = self._chance.lognormal(0, 1.2, products)
        self.shares = sizes / sizes.sum()
        """Of each product: its part of all reviews."""
        self._happiness = self._chance.beta(8, 3, products)

    def reviews(self, number: int, *, first: int, mean_age_days: float) -> Iterator[ScoredReview]:
        """So many new ones, the first with this number."""
        now = datetime.now(UTC)
        chosen = self._chance.choice(len(self.names), number, p=self.shares)
        ages = self._chance.exponential(mean_age_days, number)
        draws = self._chance.random((number, 4))
        channels = self._chance.choice(len(Channel), number, p=CHANNEL_SHARES)
        for row, (product, age, draw) in enumerate(zip(chosen, ages, draws, strict=True)):
            positive = draw[0] < self._happiness[product]
            score = round(float(0.5 + draw[1] / 2 if positive else 0.5 - draw[1] / 2), 6)
            confidence = max(score, 1 - score)
            yield ScoredReview(
                review_id=f"review-{first + row:09d}",
                product_id=self.names[product],
                op=Op.UPSERT,
                channel=list(Channel)[channels[row]],
                text=self._texts[int(draw[3] * len(self._texts))][:1_000],
                created_at=now - timedelta(days=float(age)),
                sentiment=Sentiment(
                    label=Label.POSITIVE if score >= 0.5 else Label.NEGATIVE,
                    score=score,
                    intensity=Intensity.STRONG if draw[2] < 0.6 else Intensity.WEAK,
                    intensity_score=0.7,
                    confidence=confidence,
                    needs_review=confidence < 0.6,
                ),
                model=ModelReference(name="benchmark", version="0" * 12),
                source=SourceRecord(topic="reviews.raw", partition=0, offset=first + row),
                scored_at=now,
            )


class Counting:
    """Counts reviews as an aggregator that reads them from the topic does."""

    def __init__(self, settings: ReaderSettings) -> None:
        self._topic = settings.scored_topic
        self._view = RedisView(
            Redis.from_url(**settings.redis_config()),
            ViewKeys(settings.redis_prefix),
            day_retention=400,
            negatives_kept=100,
            uncertain_kept=100,
        )
        self._offsets = self._view.offsets(self._topic)
        if not self._offsets:
            self._offsets = dict.fromkeys(range(PARTITIONS), 0)
            self._view.advance(self._topic, dict.fromkeys(self._offsets, (None, 0)))

    @property
    def counted(self) -> int:
        """Reviews so far."""
        return sum(self._offsets.values())

    def count(self, reviews: Iterator[ScoredReview]) -> None:
        """Apply them, and store the offsets after them."""
        following = defaultdict(int, self._offsets)
        events = []
        for scored in reviews:
            partition = zlib.crc32(scored.product_id.encode()) % PARTITIONS
            events.append(PositionedEvent(partition, following[partition], scored))
            following[partition] += 1
        steps = {part: (offset, following[part]) for part, offset in self._offsets.items()}
        if self._view.apply(self._topic, events, self._offsets) or self._view.advance(self._topic, steps):
            raise SystemExit("somebody else counts into this view")
        self._offsets = dict(following)


def fill(
    settings: ReaderSettings, shop: LargeShop, reviews: int, told: Callable[[int], None] = lambda _: None
) -> bool:
    """Count until the view holds so many; returns whether any lacked."""
    counting = Counting(settings)
    lacked = counting.counted < reviews
    while (left := reviews - counting.counted) > 0:
        size = min(A_BATCH, left)
        counting.count(shop.reviews(size, first=counting.counted, mean_age_days=MEAN_AGE_DAYS))
        told(counting.counted)
    return lacked


def go_on_counting(settings: ReaderSettings, shop: LargeShop, rate: float, stopped: Event) -> None:
    """New reviews of these days, ``rate`` a second, until told to stop; for a process of its own."""
    counting = Counting(settings)
    begun, first = time.monotonic(), counting.counted
    while not stopped.wait(COUNTING_EVERY_S):
        due = int((time.monotonic() - begun) * rate) - (counting.counted - first)
        if due > 0:
            counting.count(shop.reviews(due, first=counting.counted, mean_age_days=0.2))
