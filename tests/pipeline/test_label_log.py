"""The topic of labels as a dashboard uses it, on a real Kafka."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from labelled import judged, labelled
from waiting import eventually

from consumers.labels.log import KafkaLabelLog
from embedded import KafkaCluster
from schemas.codec import decode_label
from schemas.events import Intensity, Label
from schemas.settings import KafkaSettings

FIRST = judged(labelled("r1"))
OTHER = judged(labelled("r2"), (Label.NEGATIVE, Intensity.STRONG))
ELSEWHERE = judged(labelled("r3", "pan"))
LAST = judged(labelled("r1"), None)


@pytest.fixture
def settings(kafka: KafkaCluster, make_topic: Callable[..., str]) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=kafka.bootstrap_servers, labels_topic=make_topic(3))


@contextmanager
def followed(settings: KafkaSettings) -> Iterator[KafkaLabelLog]:
    """A log that follows the topic in a thread, as ``serve`` runs it."""
    log = KafkaLabelLog(settings)
    thread = threading.Thread(target=log.run, daemon=True)
    thread.start()
    try:
        yield log
    finally:
        log.close()
        thread.join(60)
        assert not thread.is_alive()


def stored(settings: KafkaSettings) -> list[Any]:
    """All committed records of the topic, in no order of partitions."""
    with closing(
        KafkaConsumer(bootstrap_servers=settings.bootstrap_servers, isolation_level="read_committed")
    ) as consumer:
        places = [TopicPartition(settings.labels_topic, number) for number in range(3)]
        consumer.assign(places)
        consumer.seek_to_beginning()
        ends = sum(consumer.end_offsets(places).values())
        found: list[Any] = []
        while len(found) < ends:
            found += [record for records in consumer.poll(timeout_ms=200).values() for record in records]
    return found


def test_what_is_published_is_stored_under_its_product_when_the_call_returns(settings: KafkaSettings) -> None:
    with closing(KafkaLabelLog(settings)) as log:
        for event in (FIRST, OTHER, ELSEWHERE, LAST):
            log.publish(event)

    records = stored(settings)

    assert {(record.key, decode_label(record.value)) for record in records} == {
        (event.product_id.encode(), event) for event in (FIRST, OTHER, ELSEWHERE, LAST)
    }
    assert len({record.partition for record in records if record.key == b"kettle"}) == 1
    kettles = sorted((record for record in records if record.key == b"kettle"), key=lambda one: one.offset)
    assert [decode_label(record.value) for record in kettles] == [FIRST, OTHER, LAST]


def test_another_dashboard_knows_what_was_said_latest_first(settings: KafkaSettings) -> None:
    with closing(KafkaLabelLog(settings)) as one, followed(settings) as another:
        for event in (FIRST, OTHER, ELSEWHERE, LAST):
            one.publish(event)
        eventually(lambda: len(another.history("kettle")) == 3)

        assert another.history("kettle") == [LAST, OTHER, FIRST]
        assert another.history("kettle", "r1") == [LAST, FIRST]
        assert another.history("pan") == [ELSEWHERE]
        eventually(lambda: another.trouble is None)


def test_a_dashboard_that_starts_later_reads_all_and_says_so_until_it_has(settings: KafkaSettings) -> None:
    with closing(KafkaLabelLog(settings)) as log:
        log.publish(FIRST)
    assert log.trouble == "not read yet"

    with followed(settings) as later:
        eventually(lambda: later.trouble is None)
        assert later.history("kettle") == [FIRST]


def test_what_is_no_label_is_passed_over(settings: KafkaSettings) -> None:
    with closing(KafkaProducer(bootstrap_servers=settings.bootstrap_servers)) as producer:
        producer.send(settings.labels_topic, b"nonsense", b"kettle").get(timeout=60)
    with followed(settings) as log:
        log.publish(FIRST)

        eventually(lambda: log.history("kettle") == [FIRST])


def test_without_the_topic_the_history_says_what_it_lacks(settings: KafkaSettings) -> None:
    nowhere = settings.model_copy(update={"labels_topic": f"{settings.labels_topic}.nowhere"})

    with followed(nowhere) as log:
        eventually(lambda: "reviewstream init" in (log.trouble or ""))


def test_times_survive_to_the_microsecond(settings: KafkaSettings) -> None:
    precise = FIRST.model_copy(update={"labelled_at": FIRST.labelled_at + timedelta(microseconds=1)})
    with followed(settings) as log:
        log.publish(precise)

        eventually(lambda: log.history("kettle") == [precise])
