"""The dead letters as the pipeline page counts them: each look reads on from where the last one ended."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from raw_topics import Raw, Topics, review
from refused import redrive, refuse

from dashboard.kafka_state import ask_kafka
from dashboard.refused import MEANINGS, LetterWatch
from embedded import KafkaCluster
from schemas.dead_letters import DeadLetterReason

FIRST, LATER = datetime(2026, 3, 1, 12, tzinfo=UTC), datetime(2026, 3, 3, 12, tzinfo=UTC)


@pytest.fixture
def topics(kafka: KafkaCluster, topic_prefix: str) -> Iterator[Topics]:
    with Topics(kafka.bootstrap_servers, topic_prefix, 2) as created:
        yield created


def waiting(watch: LetterWatch) -> dict[str, tuple[int, datetime]]:
    return {one.reason.value: (one.waiting, one.oldest) for one in watch.look().reasons}


def test_letters_are_counted_by_reason_with_the_oldest_until_they_are_put_back(topics: Topics) -> None:
    watch = LetterWatch(topics.settings())
    assert waiting(watch) == {}

    refuse(topics, Raw(review("r1")), Raw(review("r2", "pan")), failed_at=LATER)
    refuse(topics, Raw(review("r3")), failed_at=FIRST)
    refuse(topics, Raw(b"\xff"), reason=DeadLetterReason.INVALID_UTF8, failed_at=LATER)
    assert waiting(watch) == {"model_error": (3, FIRST), "invalid_utf8": (1, LATER)}

    assert redrive(topics) == 3
    assert waiting(watch) == {"invalid_utf8": (1, LATER)}
    assert waiting(LetterWatch(topics.settings())) == waiting(watch)


def test_a_look_reads_no_more_than_it_may_and_the_next_one_goes_on(topics: Topics) -> None:
    refuse(topics, *(Raw(review(f"r{number}")) for number in range(5)), failed_at=FIRST)
    watch = LetterWatch(topics.settings(), records_a_look=3)

    first, second = watch.look(), watch.look()

    assert ([one.waiting for one in first.reasons], first.complete) == ([3], False)
    assert ([one.waiting for one in second.reasons], second.complete) == ([5], True)


def test_more_letters_than_are_held_are_at_least_so_many(topics: Topics) -> None:
    refuse(topics, *(Raw(review(f"r{number}")) for number in range(5)), failed_at=FIRST)

    found = LetterWatch(topics.settings(), most_held=4).look()

    assert ([one.waiting for one in found.reasons], found.complete) == ([4], False)


def test_without_the_topic_its_lack_is_told(topics: Topics) -> None:
    nowhere = topics.settings(dead_letter_topic=f"{topics.raw}.nowhere")

    answer = ask_kafka(topics.settings(), {}, LetterWatch(nowhere))

    assert answer.letters is None
    assert answer.letters_trouble is not None


def test_every_reason_is_told_in_words() -> None:
    assert MEANINGS.keys() == set(DeadLetterReason)
