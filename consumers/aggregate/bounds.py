"""Whether what Redis has applied of a partition can be of the topic that is there."""

import logging

from schemas.errors import ViewMismatch
from schemas.settings import AggregatorSettings

log = logging.getLogger(__name__)


def check_bounds(
    settings: AggregatorSettings, topic: str, partition: int, applied: int, start: int, end: int
) -> None:
    """Refuse a Redis that is ahead of the topic, and say what is missing where it is behind its beginning.

    Raises:
        ViewMismatch: the view belongs to another topic.
    """
    if applied > end:
        raise ViewMismatch(
            f"Redis has applied {topic}:{partition} up to {applied}, but the topic ends at "
            f"{end}: it was made anew, or the prefix {settings.redis_prefix!r} belongs to another Kafka. "
            "Use another --redis-prefix, or empty this one."
        )
    if applied < start:
        log.error(
            "%s:%d starts at %d, but Redis has applied it only up to %d: what lies between is gone by retention "
            "and will be missing from the counts",
            topic, partition, start, applied,
        )  # fmt: skip
