"""Following the scored topic on a real broker."""

import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from scored_events import deleted, scored
from scored_topic import ScoredTopic

from consumers.read.tail import ReviewFilter, Start, Tailed, tail
from embedded import KafkaCluster
from schemas.errors import MissingTopic, ServerUnavailable
from schemas.events import Channel, Intensity, Label, ScoredReview
from schemas.settings import KafkaSettings, ReaderSettings


def ids(reviews: Iterator[Tailed], count: int) -> list[str]:
    return [tailed.scored.review_id for tailed in islice(reviews, count)]


def test_only_what_is_published_after_the_start_comes_by_default(scored_topic: ScoredTopic) -> None:
    scored_topic.publish(scored("before"))

    with tail(scored_topic.settings) as reviews:
        scored_topic.publish(scored("after"))

        assert ids(reviews, 1) == ["after"]


def test_everything_comes_from_the_beginning_with_its_position(scored_topic: ScoredTopic) -> None:
    scored_topic.publish(scored("r1"), scored("r2"))

    with tail(scored_topic.settings, start=Start.BEGINNING, limit=2) as reviews:
        found = list(reviews)

    assert found == [Tailed(scored("r1"), 0, 0), Tailed(scored("r2"), 0, 1)]


def test_an_instant_is_the_start_in_every_partition(scored_topic: ScoredTopic) -> None:
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
    start_ms = int(start.timestamp() * 1000)
    scored_topic.publish(scored("older"), at_ms=start_ms - 1)
    scored_topic.publish(scored("just then"), at_ms=start_ms)
    scored_topic.publish(scored("older elsewhere"), partition=1, at_ms=start_ms - 1)

    with tail(scored_topic.settings, start=start) as reviews:
        scored_topic.publish(scored("new elsewhere"), partition=1, at_ms=start_ms + 1)

        assert set(ids(reviews, 2)) == {"just then", "new elsewhere"}


def test_aborted_transactions_are_never_seen(scored_topic: ScoredTopic) -> None:
    with tail(scored_topic.settings) as reviews:
        scored_topic.abort(scored("aborted"))
        scored_topic.publish(scored("committed"))

        assert ids(reviews, 1) == ["committed"]


def test_partitions_that_are_added_are_read_from_their_beginning(scored_topic: ScoredTopic) -> None:
    with tail(scored_topic.settings) as reviews:
        scored_topic.add_partitions(3)
        scored_topic.publish(scored("in the new partition"), partition=2)

        assert ids(reviews, 1) == ["in the new partition"]


def test_records_that_are_no_labelled_review_are_logged_and_left_out(
    scored_topic: ScoredTopic, caplog: pytest.LogCaptureFixture
) -> None:
    scored_topic.publish_bytes(b"{}", scored("good").to_json())

    with tail(scored_topic.settings, start=Start.BEGINNING) as reviews, caplog.at_level(logging.WARNING):
        assert ids(reviews, 1) == ["good"]

    assert f"{scored_topic.name}:0:0 is no labelled review" in caplog.text


def test_only_accepted_reviews_come_and_count_towards_the_limit(scored_topic: ScoredTopic) -> None:
    scored_topic.publish(scored("r1", "p1"), scored("r2", "p2"), scored("r3", "p1"), scored("r4", "p2"))

    wanted = ReviewFilter(product_id="p2").accepts
    with tail(scored_topic.settings, start=Start.BEGINNING, accepts=wanted, limit=2) as reviews:
        assert [tailed.scored.review_id for tailed in reviews] == ["r2", "r4"]


def test_it_ends_when_it_is_asked_to_stop(scored_topic: ScoredTopic) -> None:
    stop = threading.Event()
    scored_topic.publish(scored("r1"), scored("r2"))

    with tail(scored_topic.settings, start=Start.BEGINNING, stopped=stop.is_set) as reviews:
        first = next(reviews)
        stop.set()

        assert first.scored.review_id == "r1"
        assert list(reviews) == []


def test_a_limit_of_nothing_reads_nothing(scored_topic: ScoredTopic) -> None:
    with tail(scored_topic.settings, limit=0) as reviews:
        assert list(reviews) == []


def test_a_missing_topic_names_the_command_that_creates_it(kafka: KafkaCluster, unique_name: str) -> None:
    settings = ReaderSettings(bootstrap_servers=kafka.bootstrap_servers, scored_topic=unique_name)

    with pytest.raises(MissingTopic, match="reviewstream init"), tail(settings):
        pass


def test_a_broker_that_is_not_there_is_given_up_after_the_deadline() -> None:
    settings = KafkaSettings(bootstrap_servers="127.0.0.1:9", outage_deadline=1.0)

    with pytest.raises(ServerUnavailable, match=r"127\.0\.0\.1:9"), tail(settings):
        pass


@pytest.mark.parametrize(
    ("wanted", "accepted"),
    [
        (ReviewFilter(), {"happy", "cross", "gone"}),
        (ReviewFilter(channel=Channel.SUPPORT), {"cross"}),
        (ReviewFilter(label=Label.POSITIVE), {"happy"}),
        (ReviewFilter(intensity=Intensity.WEAK), {"cross"}),
        (ReviewFilter(needs_review=True), {"cross"}),
        (ReviewFilter(needs_review=False), {"happy"}),
        (ReviewFilter(product_id="p2"), {"gone"}),
        (ReviewFilter(label=Label.NEGATIVE, intensity=Intensity.STRONG), set()),
    ],
)
def test_a_filter_accepts_what_has_all_that_is_asked_for(wanted: ReviewFilter, accepted: set[str]) -> None:
    reviews: list[ScoredReview] = [
        scored("happy"),
        scored(
            "cross",
            label=Label.NEGATIVE,
            intensity=Intensity.WEAK,
            channel=Channel.SUPPORT,
            needs_review=True,
        ),
        deleted("gone", "p2"),
    ]

    assert {review.review_id for review in reviews if wanted.accepts(review)} == accepted
