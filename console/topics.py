"""Create and look up the topics."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from kafka import KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError

from schemas.errors import ServerUnavailable
from schemas.settings import KafkaSettings, TopicSettings
from schemas.topics import topic_specs


@dataclass(frozen=True)
class TopicOutcome:
    """What ``create_topics`` did about one topic."""

    name: str
    created: bool


@contextmanager
def admin(settings: KafkaSettings) -> Iterator[KafkaAdminClient]:
    """A connected admin client.

    Raises:
        ServerUnavailable: no broker answered within the outage deadline.
    """
    try:
        client = KafkaAdminClient(**settings.client_config(), client_id="reviewstream-admin")
    except KafkaError as error:
        raise ServerUnavailable(
            f"no Kafka broker answers at {settings.bootstrap_servers}: {error}"
        ) from error
    with closing(client):
        yield client


def create_topics(settings: TopicSettings) -> list[TopicOutcome]:
    """Create the topics that do not exist; one that exists is left as it is."""
    outcomes = []
    with admin(settings) as client:
        for spec in topic_specs(settings):
            options = {
                "num_partitions": spec.partitions,
                "replication_factor": spec.replication_factor,
                "configs": dict(spec.configs),
            }
            try:
                client.create_topics({spec.name: options}, wait_for_metadata=True)
            except TopicAlreadyExistsError:
                outcomes.append(TopicOutcome(spec.name, created=False))
            else:
                outcomes.append(TopicOutcome(spec.name, created=True))
    return outcomes


def missing_topics(settings: KafkaSettings) -> list[str]:
    """Those of the three topics that do not exist."""
    with admin(settings) as client:
        existing: list[Any] = client.list_topics()
    return [
        name
        for name in (settings.raw_topic, settings.scored_topic, settings.dead_letter_topic)
        if name not in existing
    ]
