"""Create the topics."""

from dataclasses import dataclass

from kafka.errors import TopicAlreadyExistsError

from schemas.settings import TopicSettings
from schemas.topic_access import admin
from schemas.topics import topic_specs


@dataclass(frozen=True)
class TopicOutcome:
    """What ``create_topics`` did about one topic."""

    name: str
    created: bool


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
