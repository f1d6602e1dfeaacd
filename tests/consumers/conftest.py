"""What the tests of the reading side share."""

from collections.abc import Callable, Iterator

import pytest
from redis import Redis
from scored_events import HISTORY
from scored_topic import ScoredTopic, open_scored_topic
from stored_view import StoredView

from embedded import KafkaCluster
from schemas.settings import ReaderSettings


@pytest.fixture
def scored_topic(
    kafka: KafkaCluster, make_topic: Callable[..., str], redis_prefix: str
) -> Iterator[ScoredTopic]:
    """A scored topic of two partitions, and settings that name it and a prefix for its view."""
    settings = ReaderSettings(
        bootstrap_servers=kafka.bootstrap_servers,
        scored_topic=make_topic(partitions=2),
        redis_prefix=redis_prefix,
    )
    with open_scored_topic(settings) as topic:
        yield topic


@pytest.fixture
def view(scored_topic: ScoredTopic, redis: Redis) -> StoredView:
    """Empty, over a topic of its own."""
    return StoredView(scored_topic, redis)


@pytest.fixture(scope="module")
def history(kafka: KafkaCluster, make_topic: Callable[..., str]) -> Iterator[tuple[ScoredTopic, list[int]]]:
    """A topic that holds ``HISTORY`` and no more, and the offsets of its events."""
    settings = ReaderSettings(
        bootstrap_servers=kafka.bootstrap_servers, scored_topic=make_topic(partitions=2)
    )
    with open_scored_topic(settings) as topic:
        yield topic, topic.publish(*HISTORY)


@pytest.fixture
def full(history: tuple[ScoredTopic, list[int]], redis: Redis, redis_prefix: str) -> StoredView:
    """All of ``HISTORY`` applied, under a prefix of its own; the topic is shared, so publish nothing more."""
    topic, offsets = history
    view = StoredView(topic, redis, topic.settings.model_copy(update={"redis_prefix": redis_prefix}))
    view.apply(HISTORY, offsets)
    view.claim_all()
    return view
