"""A report from the scored topic."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from consumers.read.show import harmless
from consumers.read.store import Store, open_store
from consumers.topic_reader import TopicReader, open_reader
from dashboard.statistics import difference
from dashboard.text_rank import key_phrases, typical
from reports.contents import (
    Change,
    ChannelCounts,
    Counts,
    DayCounts,
    Excerpt,
    Phrase,
    Product,
    Report,
    Voices,
)
from reports.counted import Counted, Spot, Wanted, count, draw, fetch, read_relabels
from reports.findings import Finding, Findings, find
from schemas.events import Channel, Label, ScoredReview
from schemas.masking import mask
from schemas.settings import KafkaSettings

Progress = Callable[[int, int], None]

TOLD = 8
"""Products of each kind that a report tells of one by one."""

SAMPLE = 300
"""Strong reviews of each kind whose texts are read, over all products."""

SAMPLE_OF_A_PRODUCT = 100

EXCERPT_CHARACTERS = 400
LONGEST_TEXT = 2_000
"""Characters of a text that are looked at: the beginning of a novel says what it is about."""

PHRASES = 8


def make_report(
    settings: KafkaSettings,
    wanted: Wanted,
    *,
    now: datetime,
    stage: Callable[[str], object] = lambda _name: None,
    progress: Progress = lambda _done, _total: None,
) -> Report:
    """Read the scored topic and say what it holds for a reader who never heard of it.

    Memory grows with the products and the samples, not with the reviews, which wait in a temporary file
    (in the folder that ``SQLITE_TMPDIR`` or ``TMPDIR`` names, about 200 bytes an event).

    Args:
        settings: where Kafka is.
        wanted: days, channels, products.
        now: the time, told in the report.
        stage: told what is being done.
        progress: told how much is done, and how much there is.

    Raises:
        MissingTopic: there is no scored topic.
        ConfigurationError: a product was never heard of, or nobody wrote in the period.
        ServerUnavailable: Kafka was away for longer than the outage deadline.
    """
    with (
        open_store(None, {"topic": settings.scored_topic}) as store,
        open_reader(settings, settings.scored_topic) as reader,
    ):
        stage("counting")
        if reader.lists(settings.labels_topic):
            with open_reader(settings, settings.labels_topic) as said:
                read_relabels(store, said, progress)
        counted = count(store, reader, wanted, progress)
        findings = find(counted.products, counted.total)
        told = _told(findings, wanted)
        stage("reading texts")
        voices = _Voices(store, reader, told, progress)
        return Report(
            made_at=now,
            topic=settings.scored_topic,
            records=counted.records,
            unreadable=counted.unreadable,
            first=wanted.period.first,
            last=wanted.period.last,
            first_before=wanted.period.before.first,
            last_before=wanted.period.before.last,
            channels=list(wanted.channels),
            products_asked=sorted(wanted.products),
            incomplete=any(reader.starts().values()),
            products=len(counted.products),
            tested=findings.tested,
            **_totals(counted),
            need_somebody=[voices.product(one) for one in findings.need_somebody[:TOLD]],
            worse=[voices.product(one) for one in findings.worse[:TOLD]],
            better=[voices.product(one) for one in findings.better[:TOLD]],
            largest=[voices.product(one) for one in _largest(findings, wanted)],
            negative=voices.of(Label.NEGATIVE),
            positive=voices.of(Label.POSITIVE),
        )


def _totals(counted: Counted) -> dict[str, object]:
    now, before = counted.total.now, counted.total.before
    return {
        "now": Counts.of(now),
        "before": Counts.of(before),
        "change": Change.alone(difference(now.positive, now.reviews, before.positive, before.reviews)),
        "strong_negative_change": Change.alone(
            difference(now.strong_negative, now.reviews, before.strong_negative, before.reviews)
        ),
        "days": [
            DayCounts(day=day, counts=Counts.of(counts)) for day, counts in sorted(counted.days.items())
        ],
        "by_channel": [
            ChannelCounts(channel=channel, now=Counts.of(sides.now), before=Counts.of(sides.before))
            for channel, sides in counted.channels.items()
        ],
    }


def _largest(findings: Findings, wanted: Wanted) -> list[Finding]:
    largest = sorted(findings.products, key=lambda one: (-one.now.reviews, one.product_id))
    return largest if wanted.products else largest[:TOLD]


def _told(findings: Findings, wanted: Wanted) -> list[str]:
    """Products of which the report says what customers wrote."""
    told = [
        *findings.need_somebody[:TOLD],
        *findings.worse[:TOLD],
        *findings.better[:TOLD],
        *_largest(findings, wanted)[:TOLD],
    ]
    return list(dict.fromkeys(one.product_id for one in told))


class _Voices:
    """Texts of a sample of strong reviews: of all products, and of those that are told of."""

    def __init__(self, store: Store, reader: TopicReader, told: Iterable[str], progress: Progress) -> None:
        self._spots: dict[tuple[str | None, Label], list[Spot]] = {
            (product_id, label): draw(
                store, label, SAMPLE if product_id is None else SAMPLE_OF_A_PRODUCT, product_id
            )
            for product_id in (None, *told)
            for label in Label
        }
        every = {spot for spots in self._spots.values() for spot in spots}
        self._reviews: Mapping[Spot, ScoredReview] = fetch(reader, every, progress)

    def of(self, label: Label, product_id: str | None = None) -> Voices:
        """What the strong reviews of a label say that those of the other one do not."""
        reviews, texts = self._texts(product_id, label)
        _, others = self._texts(product_id, Label.NEGATIVE if label is Label.POSITIVE else Label.POSITIVE)
        return Voices(
            reviews=len(reviews),
            phrases=Phrase.all_of(key_phrases(texts, others, PHRASES)),
            typical=[_excerpt(reviews[place]) for place in typical(texts)],
        )

    def product(self, found: Finding) -> Product:
        """A product with what customers wrote of it, if that was read."""
        if (found.product_id, Label.NEGATIVE) not in self._spots:
            return Product.of(found)
        return Product.of(
            found,
            self.of(Label.NEGATIVE, found.product_id),
            self.of(Label.POSITIVE, found.product_id),
        )

    def _texts(self, product_id: str | None, label: Label) -> tuple[list[ScoredReview], list[str]]:
        spots = self._spots[product_id, label]
        reviews = [self._reviews[spot] for spot in spots if spot in self._reviews]
        return reviews, [mask((review.text or "")[:LONGEST_TEXT]) for review in reviews]


def _excerpt(review: ScoredReview) -> Excerpt:
    assert review.sentiment is not None
    return Excerpt(
        review_id=review.review_id,
        product_id=review.product_id,
        channel=Channel(review.channel),
        created_at=review.created_at,
        rating=review.rating,
        score=review.sentiment.score,
        text=harmless(mask(review.text or ""), EXCERPT_CHARACTERS),
    )
