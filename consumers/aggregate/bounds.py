"""Where to begin to read a topic, and whether what Redis has applied of it can be of the topic that is there."""

import logging
from collections.abc import Iterable, Mapping

from schemas.errors import ViewMismatch
from schemas.settings import AggregatorSettings

log = logging.getLogger(__name__)


def first_steps(
    settings: AggregatorSettings,
    topic: str,
    partitions: Iterable[int],
    stored: Mapping[int, int],
    starts: Mapping[int, int],
    ends: Mapping[int, int],
) -> dict[int, tuple[int | None, int]]:
    """Of each partition the offset that Redis holds (None for none), and the one to begin with.

    Raises:
        ViewMismatch: the view belongs to another topic.
    """
    steps = {}
    for partition in partitions:
        known, start = stored.get(partition), starts[partition]
        _check_bounds(settings, topic, partition, known or 0, start, ends[partition])
        steps[partition] = (known, max(known or 0, start))
    return steps


def _check_bounds(
    settings: AggregatorSettings, topic: str, partition: int, applied: int, start: int, end: int
) -> None:
    """Refuse a Redis that is ahead of the topic, and say what is missing where it is behind its beginning."""
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
