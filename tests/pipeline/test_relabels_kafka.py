"""What people say, from Kafka to Redis and back through verify and rebuild, on real servers."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from jobs import run_aggregator
from kafka import KafkaProducer
from labelled import ScoredTopic, hash_of, judged, labelled, stream
from recounted import EVERY_DAY, assert_equal, wait_until_caught_up
from redis import Redis
from stored_keys import stored
from waiting import eventually

from console.labelling import labels
from consumers.read.report import Verdict, VerifyReport
from consumers.read.verify import verify
from consumers.rebuild.rebuild import rebuild
from embedded import KafkaCluster
from model_export.data.reviews import LabelledReview, parse_row
from model_export.data.sources import Row, rows
from schemas.events import Intensity, Label, ScoredReview
from schemas.labels import ReviewLabel
from schemas.redis_keys import Counter, ViewKeys
from schemas.settings import AggregatorSettings, ReaderSettings, RebuildSettings

PARTITIONS = 3
SURE_NEGATIVE = (Label.NEGATIVE, Intensity.STRONG)


@pytest.fixture
def scored(kafka: KafkaCluster, redis: Redis, redis_url: str, topic_prefix: str) -> Iterator[ScoredTopic]:
    redis.flushdb()
    with ScoredTopic(kafka.bootstrap_servers, topic_prefix, PARTITIONS, redis_url) as topic:
        yield topic


def say(scored: ScoredTopic, *events: ReviewLabel, extra: Sequence[bytes] = ()) -> None:
    """Publish labels, and what is none."""
    values = [(hash_of(event.product_id), event.to_json()) for event in events]
    with closing(KafkaProducer(bootstrap_servers=scored.servers)) as producer:
        for number, value in [*values, *((0, value) for value in extra)]:
            sent = producer.send(scored.names["labels_topic"], value, b"key", partition=number % PARTITIONS)
            sent.get(timeout=60)


def wait_for_labels(scored: ScoredTopic, redis: Redis, count: int) -> None:
    """Until Redis has applied so many, which stand in a topic without markers."""
    key = ViewKeys(scored.prefix).offsets(scored.names["labels_topic"])
    eventually(lambda: sum(map(int, redis.hgetall(key).values())) == count)


def recount(scored: ScoredTopic, redis: Redis) -> VerifyReport:
    return verify(ReaderSettings(**scored.environment()), redis, day_retention=EVERY_DAY)


def subjects(events: Sequence[ScoredReview]) -> list[ScoredReview]:
    return [event for event in events if event.sentiment is not None]


def test_relabels_are_counted_verified_and_rebuilt(scored: ScoredTopic, redis: Redis) -> None:
    events = stream(200)
    said = [judged(event, SURE_NEGATIVE) for event in subjects(events)[::7]]
    scored.publish(*events[:100])
    say(scored, *said, extra=[b"{}"])
    with run_aggregator(scored.settings()) as first:
        wait_until_caught_up(scored, redis)
        wait_for_labels(scored, redis, len(said) + 1)
    scored.publish(*events[100:])
    say(scored, judged(subjects(events)[0], None))
    with run_aggregator(scored.settings()):
        wait_for_labels(scored, redis, len(said) + 2)
        assert_equal(scored, redis)

    assert first.worker.counts.labels == len(said)
    report = recount(scored, redis)
    assert (report.records, report.unreadable) == (200 + len(said) + 2, 1)
    assert sum(part.recounted_to for part in report.labels) == len(said) + 2

    keys = ViewKeys(scored.prefix)
    before = stored(redis, keys)
    assert any(name.endswith(":relabels") for name in before)
    redis.hset(keys.relabels("product-0"), "review|P|-|1|20000 r0", "N")
    redis.hincrby(keys.product("product-1"), Counter.NEGATIVE, 1)
    damaged = recount(scored, redis)
    assert damaged.verdict is Verdict.DIFFERENT
    assert {difference.key for difference in damaged.differences} == {
        keys.relabels("product-0"),
        keys.product("product-1"),
    }

    rebuild(RebuildSettings(**scored.environment(), day_retention=EVERY_DAY), redis)

    again = recount(scored, redis)
    assert again.verdict is Verdict.EQUAL
    assert again.digest == report.digest


def test_a_redis_that_was_put_back_catches_up_with_both_topics(scored: ScoredTopic, redis: Redis) -> None:
    events = stream(60)
    said = [judged(event) for event in subjects(events)[::3]]
    scored.publish(*events)
    say(scored, *said)
    with run_aggregator(scored.settings()):
        assert_equal(scored, redis)
        wait_for_labels(scored, redis, len(said))
        keys = ViewKeys(scored.prefix)
        whole = stored(redis, keys)
        redis.flushdb()

        say(scored, judged(events[0]) if events[0].sentiment else judged(subjects(events)[0]))
        wait_for_labels(scored, redis, len(said) + 1)
        assert_equal(scored, redis)

    assert recount(scored, redis).verdict is Verdict.EQUAL
    assert whole.keys() <= stored(redis, keys).keys()


def test_a_label_for_a_deployment_whose_topic_came_later_waits_until_its_aggregator_is_started_anew(
    scored: ScoredTopic, redis: Redis
) -> None:
    old: AggregatorSettings = scored.settings(labels_topic=f"{scored.name}.nowhere")
    scored.publish(labelled("r1"))
    with run_aggregator(old):
        assert_equal(scored, redis)
    say(scored, judged(labelled("r1"), SURE_NEGATIVE))

    with run_aggregator(scored.settings()):
        wait_for_labels(scored, redis, 1)

    assert redis.hget(ViewKeys(scored.prefix).product("kettle"), Counter.STRONG_NEGATIVE) == "1"
    assert recount(scored, redis).verdict is Verdict.EQUAL


def test_labelled_reviews_that_still_stand_are_training_data(scored: ScoredTopic, tmp_path: Path) -> None:
    stands, corrected, deleted, withdrawn, twice = (
        labelled(f"r{number}", text=f"It says {number}: \u2028 good.") for number in range(5)
    )
    scored.publish(stands, corrected, deleted, withdrawn, twice, labelled("r9"))
    say(
        scored,
        *(judged(event, SURE_NEGATIVE) for event in (stands, corrected, deleted, withdrawn, twice)),
        judged(withdrawn, None),
        judged(twice, (Label.POSITIVE, Intensity.WEAK)),
        extra=[b"{}"],
    )
    scored.publish(
        labelled("r1", text="Another text.", minute=1), labelled("r2", text=None, minute=1), stands
    )
    output = tmp_path / "labelled.jsonl"
    options = [f"--{name.replace('_', '-')}={value}" for name, value in scored.names.items()]

    ran = CliRunner().invoke(
        labels, [f"--bootstrap-servers={scored.servers}", f"--output={output}", *options]
    )

    assert ran.exit_code == 0, ran.output
    assert f"{output}: 2 reviews" in ran.output
    read = [parse_row(row) for row in rows(output) if isinstance(row, Row)]
    assert [
        (review.text, review.polarity, review.intensity, review.product_id, review.source)
        for review in read
        if isinstance(review, LabelledReview)
    ] == [(stands.text, 0.0, 1.0, "kettle", "people"), (twice.text, 1.0, 0.0, "kettle", "people")]
