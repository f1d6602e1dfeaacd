"""What counts after which sequence of events, from the raw topic to Redis: the table of ``docs/corrections.md``."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jobs import run_aggregator, run_scorer
from labelled import ScoredTopic, hash_of
from raw_topics import Raw, Topics
from recounted import assert_equal
from redis import Redis

from schemas.redis_keys import Counter, ViewKeys

PARTITIONS = 3
UPSERT, OTHER_TEXT, DELETE = {"text": "It boils."}, {"text": "It leaks."}, {"op": "delete"}

CASES: dict[str, tuple[list[dict[str, Any]], int]] = {
    "a review": ([UPSERT], 1),
    "the same review again": ([UPSERT, UPSERT], 1),
    "with other text": ([UPSERT, OTHER_TEXT], 1),
    "and with the first text again": ([UPSERT, OTHER_TEXT, UPSERT], 1),
    "deleted": ([UPSERT, DELETE], 0),
    "deleted twice": ([UPSERT, DELETE, DELETE], 0),
    "deleted and written anew": ([UPSERT, DELETE, OTHER_TEXT], 1),
    "deleted before it came": ([DELETE, UPSERT], 1),
    "deleted and never written": ([DELETE], 0),
    "moved to another channel": ([UPSERT, {**UPSERT, "channel": "support"}], 0),
    "corrected by an event with an older time": (
        [
            {**UPSERT, "created_at": "2026-03-02T00:00:00Z"},
            {**OTHER_TEXT, "created_at": "2026-03-01T00:00:00Z"},
        ],
        1,
    ),
}
"""Events of one review, in the order of its product's partition, and as how many reviews of its product it counts."""

CHANGES = {
    "without a delete": ([("old", UPSERT), ("new", UPSERT)], {"old": 1, "new": 1}),
    "with a delete": ([("old", UPSERT), ("old", DELETE), ("new", UPSERT)], {"old": 0, "new": 1}),
    "with a late delete": ([("old", UPSERT), ("new", UPSERT), ("old", DELETE)], {"old": 0, "new": 1}),
}
"""Events of one review that changes its product, and as how many reviews of each it counts."""


@pytest.fixture
def scored(topics: Topics, redis_url: str, topic_prefix: str) -> Iterator[ScoredTopic]:
    with ScoredTopic(topics.servers, topic_prefix, PARTITIONS, redis_url) as topic:
        yield topic


def raw(product_id: str, event: dict[str, Any]) -> Raw:
    value = json.dumps({"review_id": "r1", "product_id": product_id, **event}).encode()
    return Raw(value, product_id.encode(), hash_of(product_id) % PARTITIONS)


def test_each_sequence_counts_as_the_table_says_and_replayed_as_well(
    topics: Topics, scored: ScoredTopic, redis: Redis
) -> None:
    keys = ViewKeys(scored.prefix)
    events = [raw(name, event) for name, (sequence, _) in CASES.items() for event in sequence]
    events += [raw(f"{name} {step}", event) for name, (steps, _) in CHANGES.items() for step, event in steps]
    expected = {name: reviews for name, (_, reviews) in CASES.items()}
    expected |= {f"{name} {step}": n for name, (_, counts) in CHANGES.items() for step, n in counts.items()}

    def counted() -> dict[str, int]:
        return {name: int(redis.hget(keys.product(name), Counter.REVIEWS) or 0) for name in expected}

    with run_scorer(topics.settings()), run_aggregator(scored.settings()):
        topics.publish(*events)
        topics.outcomes.until(len(events))
        assert_equal(scored, redis)
        assert counted() == expected

        redis.flushdb()
        assert_equal(scored, redis)
        assert counted() == expected
