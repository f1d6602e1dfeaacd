"""Partitions are added to the scored topic: no product moves until all scorers are told to use them."""

from typing import Any

import pytest
from jobs import run_scorer
from raw_topics import Topics, ends_of
from waiting import eventually

from schemas.errors import ConfigurationError

PARTITIONS = 3
ADDED = 4
REVIEWS = 60


def score(topics: Topics, name: str, **fields: Any) -> None:
    """Publish reviews of ten products and let a scorer of its own label them."""
    places = topics.publish_reviews(REVIEWS, partitions=PARTITIONS, name=name)
    with run_scorer(topics.settings(**fields)):
        eventually(lambda: topics.committed() == ends_of(places))


def partitions_used(topics: Topics) -> dict[bytes, set[int]]:
    """Where the events of each product stand."""
    used: dict[bytes, set[int]] = {}
    for record in topics.labelled():
        used.setdefault(record.key, set()).add(record.partition)
    return used


def test_a_product_stays_in_its_partition_until_all_scorers_are_told_to_use_the_new_ones(
    topics: Topics,
) -> None:
    score(topics, "before")
    first = partitions_used(topics)

    topics.widen_scored(PARTITIONS + ADDED)
    score(topics, "after")
    assert partitions_used(topics) == first

    score(topics, "told", scored_partitions=PARTITIONS + ADDED)
    moved = partitions_used(topics)
    assert any(partition >= PARTITIONS for partitions in moved.values() for partition in partitions)
    score(topics, "remembered")
    assert partitions_used(topics) == moved


def test_more_partitions_than_there_are_are_refused(topics: Topics) -> None:
    topics.publish_reviews(1, partitions=1)

    with (
        pytest.raises(ConfigurationError, match="has only 3"),
        run_scorer(topics.settings(scored_partitions=4)) as scorer,
    ):
        scorer.join()
