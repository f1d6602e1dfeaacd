"""What people said as training data: each review that still stands as it was labelled, with its text."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from consumers.aggregate.contribution import Contribution, Meaning
from consumers.aggregate.relabel import meaning_of
from consumers.topic_reader import TopicReader, open_reader
from schemas.codec import decode_label, decode_scored
from schemas.errors import InvalidEvent
from schemas.events import ScoredReview
from schemas.settings import KafkaSettings

Progress = Callable[[int, int], object]
"""Told records done, and offsets in all, of both topics."""

Review = tuple[str, str]
"""Product and review id."""

SOURCE = "people"
"""By which training's report tells these rows from others."""

_PROGRESS_EVERY = 1000


@dataclass(frozen=True)
class Labelled:
    """A review as it stands, and what a person says of it."""

    scored: ScoredReview
    meaning: Meaning

    def row(self) -> dict[str, str | None]:
        """As ``reviewstream train`` reads it."""
        label, intensity = self.meaning
        return {
            "text": self.scored.text,
            "label": label.value,
            "intensity": intensity.value,
            "product_id": self.scored.product_id,
            "language": self.scored.language,
            "source": SOURCE,
        }


def labelled_reviews(
    settings: KafkaSettings, progress: Progress = lambda _done, _total: None
) -> list[Labelled]:
    """Read what people said, then the scored topic from its beginning; by product and review id.

    Memory grows with the reviews that were ever labelled, not with the others.

    Raises:
        MissingTopic: there is no such topic.
        ServerUnavailable: Kafka was away for longer than the outage deadline.
    """
    said: dict[Review, dict[Contribution, Meaning]] = {}
    latest: dict[Review, ScoredReview] = {}
    with (
        open_reader(settings, settings.labels_topic) as labels,
        open_reader(settings, settings.scored_topic) as scored,
    ):
        total = sum(sum(reader.ends().values()) for reader in (labels, scored))
        done = 0
        for value in _values(labels):
            done += 1
            try:
                event = decode_label(value)
            except InvalidEvent:
                continue
            of_review = said.setdefault((event.product_id, event.review_id), {})
            judged, meaning = Contribution.judged(event.scored), meaning_of(event)
            if meaning is None:
                of_review.pop(judged, None)
            else:
                of_review[judged] = meaning
        for value in _values(scored):
            done += 1
            if done % _PROGRESS_EVERY == 0:
                progress(done, total)
            try:
                review = decode_scored(value)
            except InvalidEvent:
                continue
            if (review.product_id, review.review_id) in said:
                latest[review.product_id, review.review_id] = review
        progress(total, total)
    return [
        Labelled(review, meaning)
        for name, review in sorted(latest.items())
        if (counted := Contribution.of(review)) and (meaning := said[name].get(counted))
    ]


def _values(reader: TopicReader) -> Iterator[bytes | None]:
    reader.seek(reader.starts())
    return (record.value for record in reader.read_to(reader.ends()))
