"""Follow ``reviews.scored`` as it grows."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from consumers.records import Record
from consumers.topic_reader import TopicReader, open_reader
from schemas.codec import decode_scored
from schemas.errors import InvalidEvent
from schemas.events import Channel, Intensity, Label, ScoredReview
from schemas.settings import KafkaSettings

log = logging.getLogger(__name__)


class Start(Enum):
    """Where to begin in the topic."""

    LATEST = auto()
    BEGINNING = auto()


@dataclass(frozen=True)
class ReviewFilter:
    """Which reviews to show; None accepts all. A delete has no sentiment, so it passes no filter of sentiments."""

    product_id: str | None = None
    channel: Channel | None = None
    label: Label | None = None
    intensity: Intensity | None = None
    needs_review: bool | None = None

    def accepts(self, scored: ScoredReview) -> bool:
        """Whether it has all that is asked for."""
        sentiment = scored.sentiment
        return (
            self.product_id in (None, scored.product_id)
            and self.channel in (None, scored.channel)
            and self.label in (None, sentiment and sentiment.label)
            and self.intensity in (None, sentiment and sentiment.intensity)
            and self.needs_review in (None, sentiment and sentiment.needs_review)
        )


@dataclass(frozen=True)
class Tailed:
    """A labelled review and where it stands in the scored topic."""

    scored: ScoredReview
    partition: int
    offset: int


@contextmanager
def tail(
    settings: KafkaSettings,
    *,
    start: Start | datetime = Start.LATEST,
    accepts: Callable[[ScoredReview], bool] = ReviewFilter().accepts,
    limit: int | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Iterator[Tailed]]:
    """Open the scored topic and hand out an endless iterator over its reviews, in order within each partition.

    What is published from now on will come, also on partitions that are added later. Records that are no valid
    event are logged and left out.

    Args:
        settings: where Kafka is.
        start: the end, the beginning, or the first record published at or after an instant.
        accepts: which reviews to hand out.
        limit: end after this many.
        stopped: asked about every second, or after each review; the iterator ends when it says yes.

    Raises:
        MissingTopic: there is no scored topic.
        ServerUnavailable: Kafka was away for longer than the outage deadline; the iterator raises it too.
    """
    with open_reader(settings, settings.scored_topic) as reader:
        if start is Start.LATEST:
            reader.seek(reader.ends())
        elif start is Start.BEGINNING:
            reader.seek(reader.starts())
        else:
            reader.seek(reader.offsets_at(start))
        yield _follow(reader, accepts, limit, stopped)


def _follow(
    reader: TopicReader,
    accepts: Callable[[ScoredReview], bool],
    limit: int | None,
    stopped: Callable[[], bool],
) -> Iterator[Tailed]:
    left = limit
    while left != 0 and not stopped():
        for record in reader.poll():
            scored = _decode(record)
            if scored is None or not accepts(scored):
                continue
            yield Tailed(scored, record.partition, record.offset)
            if left is not None:
                left -= 1
            if left == 0 or stopped():
                return
        reader.take_up_new_partitions()


def _decode(record: Record) -> ScoredReview | None:
    try:
        return decode_scored(record.value)
    except InvalidEvent as invalid:
        log.warning(
            "%s:%d:%d is no labelled review: %s", record.topic, record.partition, record.offset, invalid
        )
        return None
