"""A topic that holds what a small shop's customers wrote in two weeks."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from kafka import KafkaProducer
from scored_topic import ScoredTopic, open_scored_topic
from two_weeks import events, relabels

from embedded import KafkaCluster
from schemas.settings import ReaderSettings


@pytest.fixture(scope="module")
def topic(kafka: KafkaCluster, make_topic: Callable[..., str]) -> Iterator[ScoredTopic]:
    """Holds ``events``, and a record that is none; ``relabels`` stand in a topic of their own."""
    settings = ReaderSettings(
        bootstrap_servers=kafka.bootstrap_servers,
        scored_topic=make_topic(partitions=2),
        labels_topic=make_topic(),
    )
    with closing(KafkaProducer(bootstrap_servers=kafka.bootstrap_servers)) as producer:
        for event in relabels():
            producer.send(settings.labels_topic, event.to_json(), b"key").get(timeout=60)
    with open_scored_topic(settings) as topic:
        topic.publish_bytes(b"no event")
        topic.publish(*events())
        yield topic
