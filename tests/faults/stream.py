"""What a difficult shop publishes, drawn from a seed: the same records in every run on the same day."""

import json
import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from bad_records import BAD
from fake_engine import POISON
from raw_topics import Raw

PRODUCTS_A_PARTITION = 8
AWKWARD_PRODUCTS = ("{p}:labels", "a}b", "*?[x]", "%s|\n", "ünï", "product-1:day:2026-01-01")
"""Ids that collide with keys, patterns and formats where these are put together carelessly."""

CAMPAIGNS = ("summer", "{{campaign.id}}:day:2026-01-01", "ü#@~%", None)
CHANNELS = ("review", "support", "ad", "social")
WORDS = ("boils", "leaks", "loud", "fine", "never again", "große Klasse", "😀", '"', "\\u0000", "\u2028")

HUGE = ("deep nesting", "as large as can be")
"""A megabyte each in the worst case, so they come seldom."""

EVENT, EDIT, TURN_BACK, DELETE, DELETE_UNKNOWN, MOVE, COPY, BAD_RECORD, POISONED = range(9)
WEIGHTS = {
    EVENT: 51,
    EDIT: 16,
    TURN_BACK: 5,
    DELETE: 10,
    DELETE_UNKNOWN: 3,
    MOVE: 5,
    COPY: 5,
    BAD_RECORD: 3,
    POISONED: 2,
}

HUGE_ONCE_IN = 4000


class Stream:
    """Upserts, corrections and the first text again, deletes before and after their review, moves, all channels, bad records.

    A product stays in its partition, as with every producer that chooses partitions by key. Some records have no key.

    Args:
        seed: of everything but today's date.
        partitions: of the raw topic.
    """

    def __init__(self, seed: int, partitions: int) -> None:
        self._random = random.Random(seed)
        self._today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        self._partition_of: dict[str, int] = {}
        self._reviews: defaultdict[str, list[str]] = defaultdict(list)
        """Of each product: the ids of reviews that are there."""
        self._first: dict[tuple[str, str], Raw] = {}
        """Of each product and review: as it was published first."""
        self._number = 0
        self._partitions = 0
        self._waiting: list[Raw] = []
        self.widen(partitions)

    def widen(self, partitions: int) -> None:
        """Go on with more partitions: what is new there are new products, so that the order of each is kept."""
        for partition in range(self._partitions, partitions):
            for number in range(PRODUCTS_A_PARTITION):
                self._partition_of[f"product-{partition}-{number}"] = partition
        if not self._partitions:
            self._partition_of |= {name: index % partitions for index, name in enumerate(AWKWARD_PRODUCTS)}
        self._partitions = partitions
        self._products = list(self._partition_of)

    def take(self, count: int) -> list[Raw]:
        """The next ``count`` records."""
        while len(self._waiting) < count:
            self._waiting += self._draw()
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return taken

    def _draw(self) -> list[Raw]:
        self._number += 1
        product = self._random.choice(self._products)
        (kind,) = self._random.choices(list(WEIGHTS), list(WEIGHTS.values()))
        if kind == BAD_RECORD:
            return [self._bad(product)]
        if kind == POISONED:
            return [self._upsert(product, f"ill-{self._number}", f"{POISON} {self._number}")]
        if kind == DELETE_UNKNOWN:
            # Half of them are published later: a delete that came before its review.
            review_id = f"r{self._number}"
            if self._random.random() < 0.5:
                self._reviews[product].append(review_id)
            return [self._delete(product, review_id)]
        if kind == EVENT or not self._reviews[product]:
            self._reviews[product].append(f"r{self._number}")
            return [self._upsert(product, f"r{self._number}")]
        return self._change(kind, product, self._random.choice(self._reviews[product]))

    def _change(self, kind: int, product: str, review_id: str) -> list[Raw]:
        if kind == EDIT:
            return [self._upsert(product, review_id)]
        if kind == TURN_BACK:
            return [self._first.get((product, review_id)) or self._upsert(product, review_id)]
        if kind == DELETE:
            self._reviews[product].remove(review_id)
            return [self._delete(product, review_id)]
        if kind == COPY:
            return [self._upsert(product, review_id)] * 2
        # Moved to another product; half of the shops forget to delete it under the old one.
        other = self._random.choice(self._products)
        self._reviews[other].append(review_id)
        moved = [self._upsert(other, review_id)]
        return moved if self._random.random() < 0.5 else [self._delete(product, review_id), *moved]

    def _upsert(self, product: str, review_id: str, text: str | None = None) -> Raw:
        draw = self._random
        fields: dict[str, Any] = {"text": text or self._text()}
        if draw.random() < 0.4:
            fields["channel"] = draw.choice(CHANNELS)
        if draw.random() < 0.5:
            fields["rating"] = draw.choice([1, 2.5, 3, 4, 5.0, None])
        if draw.random() < 0.3:
            fields["language"] = draw.choice(["en", "de-CH", None])
        if draw.random() < 0.2:
            fields["campaign_id"] = draw.choice(CAMPAIGNS)
        if draw.random() < 0.7:
            fields["created_at"] = self._instant()
        if draw.random() < 0.1:
            fields |= {"op": "upsert", "schema_version": 1, "shop": {"unknown": [1, None, "field"]}}
        record = self._record(product, review_id, fields)
        self._first.setdefault((product, review_id), record)
        return record

    def _delete(self, product: str, review_id: str) -> Raw:
        return self._record(product, review_id, {"op": "delete"})

    def _record(self, product: str, review_id: str, fields: dict[str, Any]) -> Raw:
        event = {"review_id": review_id, "product_id": product, **fields}
        value = json.dumps(event, ensure_ascii=self._random.random() < 0.5).encode()
        key = None if self._random.random() < 0.05 else product.encode()
        return Raw(value, key, self._partition_of[product])

    def _bad(self, product: str) -> Raw:
        names = [name for name in BAD if name not in HUGE]
        if self._random.random() < 1 / (HUGE_ONCE_IN * WEIGHTS[BAD_RECORD] / 100):
            names = list(HUGE)
        raw, _ = BAD[self._random.choice(names)]
        return Raw(raw.value, raw.key, self._partition_of[product])

    def _text(self) -> str:
        words = " ".join(self._random.choices(WORDS, k=self._random.randint(1, 12)))
        long = " " * 1500 if self._random.random() < 0.01 else ""
        return f"{words}{long} {self._number}"

    def _instant(self) -> str:
        draw = self._random
        age = timedelta(seconds=draw.randrange(20 * 86_400))
        if draw.random() < 0.02:  # beyond every retention, before 1970 too
            age += timedelta(days=draw.choice([500, 30_000]))
        zone = timezone(timedelta(minutes=draw.choice([0, 0, 330, -480])))
        text = (self._today - age).astimezone(zone).isoformat()
        return text.replace("+00:00", "Z") if draw.random() < 0.5 else text
