"""A topic into a view, from where the view is to where the topic ends now."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import islice

from consumers.aggregate.sort_out import sort_out
from consumers.aggregate.view import RedisView
from consumers.topic_reader import TopicReader
from schemas.errors import ConfigurationError
from schemas.settings import KafkaSettings

Progress = Callable[[int, int], object]
"""Told how much is done, of how much."""

RECORDS_A_STEP = 2_000
"""Applied in one round trip, as the aggregator does."""


def replay(reader: TopicReader, view: RedisView, settings: KafkaSettings, progress: Progress) -> int:
    """Apply what ``view`` has not applied yet; records that are no such event are passed over.

    Returns:
        Records read.

    Raises:
        ConfigurationError: somebody else writes to this view.
    """
    topic, ends = reader.topic, reader.ends()
    stored = view.offsets(topic)
    if any(at > ends.get(partition, 0) for partition, at in stored.items()):
        raise ConfigurationError(
            f"{topic} was made anew since this rebuild began; first: reviewstream rebuild --abort"
        )
    known = {partition: stored.get(partition, 0) for partition in ends}
    _advance(view, topic, {partition: (stored.get(partition), at) for partition, at in known.items()})
    reader.seek(known)
    start, total = sum(known.values()), sum(ends.values())
    records, count = reader.read_to(ends), 0
    while batch := list(islice(records, RECORDS_A_STEP)):
        count += len(batch)
        # What is refused here, the aggregator has dead-lettered. One topic holds one kind.
        found = sort_out(batch, settings, datetime.now(UTC))
        if view.apply(topic, [*found.events, *found.labels], known):
            raise _taken_over()
        _go_on(view, topic, known, {record.partition: record.offset + 1 for record in batch})
        progress(sum(known.values()) - start, total - start)
    _go_on(view, topic, known, ends)
    progress(total - start, total - start)
    return count


def _go_on(view: RedisView, topic: str, known: dict[int, int], following: Mapping[int, int]) -> None:
    _advance(view, topic, {partition: (known[partition], at) for partition, at in following.items()})
    known.update(following)


def _advance(view: RedisView, topic: str, steps: Mapping[int, tuple[int | None, int]]) -> None:
    if view.advance(topic, steps):
        raise _taken_over()


def _taken_over() -> ConfigurationError:
    return ConfigurationError(
        "another rebuild of this view has begun, or Redis lost its latest writes; run reviewstream rebuild again"
    )
