"""The topics and how each is kept."""

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.settings import TopicSettings

DAY_MS = 86_400_000

DEAD_LETTER_MAX_BYTES = 2_097_152
"""Twice Kafka's default: a dead letter is a whole source record plus headers, and must always fit."""


@dataclass(frozen=True)
class TopicSpec:
    """A topic as ``reviewstream init`` creates it."""

    name: str
    partitions: int
    replication_factor: int
    configs: Mapping[str, str]


def topic_specs(settings: TopicSettings) -> tuple[TopicSpec, TopicSpec, TopicSpec, TopicSpec]:
    """Raw, scored, dead-letter and labels topics.

    Scored is the truth, so it is kept for ever by default; what people labelled is as true, tiny, and always kept.
    """

    def spec(name: str, retention_days: int, **configs: str) -> TopicSpec:
        retention_ms = -1 if retention_days < 0 else retention_days * DAY_MS
        return TopicSpec(
            name,
            settings.partitions,
            settings.replication_factor,
            {"cleanup.policy": "delete", "retention.ms": str(retention_ms), **configs},
        )

    return (
        spec(settings.raw_topic, settings.raw_retention_days),
        spec(settings.scored_topic, settings.scored_retention_days),
        spec(
            settings.dead_letter_topic,
            settings.dead_letter_retention_days,
            **{"max.message.bytes": str(DEAD_LETTER_MAX_BYTES)},
        ),
        spec(settings.labels_topic, -1),
    )
