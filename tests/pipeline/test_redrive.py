"""Dead letters go back to the raw topic of a real Kafka: which, where to, and what is left out."""

from collections.abc import Iterator

import pytest
from bad_records import BAD
from kafka import KafkaAdminClient, TopicPartition
from raw_topics import Raw, Topics, review
from refused import copied_sources, copies, plan_of, redrive, refuse, write_letters

from consumers.read.letters import LetterFilter, Place
from consumers.records import to_record
from consumers.redrive.plan import Obstacle
from embedded import KafkaCluster
from schemas.dead_letters import RedriveMarker
from schemas.errors import ConfigurationError

LONG_AGO_MS = 1_600_000_000_000


@pytest.fixture
def topics(kafka: KafkaCluster, topic_prefix: str) -> Iterator[Topics]:
    with Topics(kafka.bootstrap_servers, topic_prefix, 3) as created:
        yield created


def test_a_letter_goes_back_unchanged_to_the_partition_where_it_stood(topics: Topics) -> None:
    sent = Raw(review("r1"), b"any key", partition=2, timestamp_ms=LONG_AGO_MS)
    refuse(topics, sent)

    assert redrive(topics) == 1

    (copy,) = copies(topics)
    assert (copy.key, copy.value, copy.partition) == (sent.key, sent.value, 2)


def test_a_copy_bears_the_present_time_so_that_retention_spares_it_and_tells_the_old_one(
    topics: Topics,
) -> None:
    refuse(topics, Raw(review("r1"), timestamp_ms=LONG_AGO_MS))

    redrive(topics)

    (copy,) = copies(topics)
    assert copy.timestamp > LONG_AGO_MS
    assert to_record(copy).written_ms == LONG_AGO_MS


def test_a_letter_without_a_key_goes_back_without_one(topics: Topics) -> None:
    refuse(topics, Raw(review("r1"), key=None, partition=1))

    redrive(topics)

    (copy,) = copies(topics)
    assert (copy.key, copy.partition) == (None, 1)


def test_the_marker_says_which_record_the_letter_became(topics: Topics) -> None:
    (letter,) = refuse(topics, Raw(review("r1")))

    redrive(topics)

    (copy,) = copies(topics)
    marker = RedriveMarker.from_headers(topics.outcomes.until(2)[-1].headers)
    assert marker is not None
    assert (marker.letter_offset, marker.topic, marker.partition, marker.offset) == (
        letter.offset, topics.raw, copy.partition, copy.offset,
    )  # fmt: skip


def test_a_letter_that_went_back_never_goes_again(topics: Topics) -> None:
    (letter,) = refuse(topics, Raw(review("r1")))
    old_plan = plan_of(topics)

    assert [redrive(topics), redrive(topics), redrive(topics, force=True)] == [1, 0, 0]
    assert list(old_plan.going) == [letter]
    assert list(plan_of(topics, LetterFilter(places=frozenset([letter]))).redriven) == [letter]


def test_only_chosen_letters_go(topics: Topics) -> None:
    letters = refuse(topics, *(Raw(review(f"r{number}")) for number in range(3)))

    assert redrive(topics, LetterFilter(places=frozenset([letters[1]]))) == 1

    assert copied_sources(topics) == [(0, 1)]
    assert set(plan_of(topics).going) == {letters[0], letters[2]}


def test_a_place_that_holds_no_letter_is_told(topics: Topics) -> None:
    nowhere = frozenset([Place(0, 99), Place(7, 0)])

    assert plan_of(topics, LetterFilter(places=nowhere)).missing == sorted(nowhere)


def test_many_letters_go_in_several_transactions_and_in_their_order(topics: Topics) -> None:
    refuse(topics, *(Raw(review(f"r{number}"), f"{number % 7}".encode()) for number in range(250)))

    assert redrive(topics) == 250

    for key in range(7):
        offsets = [
            int(dict(copy.headers)["dlq.source.offset"])
            for copy in copies(topics)
            if copy.key == f"{key}".encode()
        ]
        assert offsets == list(range(key, 250, 7))


@pytest.mark.parametrize(
    "newer",
    [review("r1", text="Better now."), b'{"review_id": "r1", "product_id": "kettle", "op": "delete"}'],
)
def test_a_letter_behind_which_a_newer_event_of_its_review_stands_is_left_out(
    topics: Topics, newer: bytes
) -> None:
    old, other = refuse(topics, Raw(review("r1")), Raw(review("r2")))
    topics.publish(Raw(newer))

    plan = plan_of(topics)

    assert plan.staying == {old: Obstacle.SUPERSEDED}
    assert list(plan.going) == [other]
    assert set(plan_of(topics, force=True).going) == {old, other}


def test_an_older_event_of_the_review_is_no_obstacle(topics: Topics) -> None:
    topics.publish(Raw(review("r1")))
    letters = refuse(topics, Raw(review("r1", text="Better now.")))

    assert list(plan_of(topics).going) == letters


def test_of_several_letters_of_a_review_only_the_newest_goes(topics: Topics) -> None:
    first, second = refuse(topics, Raw(review("r1")), Raw(review("r1", text="Better now.")))

    plan = plan_of(topics)

    assert (list(plan.going), plan.staying) == ([second], {first: Obstacle.SUPERSEDED})


def test_a_copy_is_no_newer_than_what_it_repeats(topics: Topics) -> None:
    first, second = refuse(topics, Raw(review("r1")), Raw(review("r1", text="Better now.")))
    redrive(topics, LetterFilter(places=frozenset([first])), force=True)

    assert list(plan_of(topics).going) == [second]


def test_a_record_that_was_refused_twice_goes_back_once(topics: Topics) -> None:
    record = Raw(review("r1"))
    (source,) = topics.publish(record)
    write_letters(topics, [record] * 2, [source] * 2)

    assert [redrive(topics), redrive(topics)] == [1, 0]


def test_a_letter_that_would_be_refused_again_is_left_out(topics: Topics) -> None:
    (letter,) = refuse(topics, Raw(b"nonsense"))

    assert plan_of(topics).staying == {letter: Obstacle.STILL_REFUSED}
    assert redrive(topics, force=True) == 1


def test_a_letter_whose_copy_the_raw_topic_cannot_take_stays_and_the_limit_is_named(topics: Topics) -> None:
    largest, _ = BAD["as large as can be"]
    (letter,) = refuse(topics, largest)

    with pytest.raises(ConfigurationError, match=r"max\.message\.bytes"):
        redrive(topics, force=True)

    assert list(plan_of(topics).staying) == [letter]


def test_a_letter_that_the_raw_topic_no_longer_reaches_back_to_is_left_out(topics: Topics) -> None:
    (letter,) = refuse(topics, Raw(review("r1")))
    topics.publish(Raw(review("r2")), Raw(review("r3")))
    with KafkaAdminClient(bootstrap_servers=topics.servers) as admin:
        admin.delete_records({TopicPartition(topics.raw, 0): 2})

    assert plan_of(topics).staying == {letter: Obstacle.UNKNOWABLE}
    assert redrive(topics, force=True) == 1


def test_what_came_from_another_topic_never_goes_to_the_raw_topic(topics: Topics) -> None:
    (labelled,) = refuse(topics, Raw(review("r1")), source_topic=topics.scored)
    (foreign,) = refuse(topics, Raw(review("r2")), source_topic="another.raw")

    for force in (False, True):
        plan = plan_of(topics, force=force)
        assert (plan.going, plan.staying) == (
            {}, {labelled: Obstacle.LABELLED, foreign: Obstacle.ELSEWHERE},
        )  # fmt: skip


def test_records_that_are_not_ours_are_passed_over(topics: Topics) -> None:
    refuse(topics, Raw(review("r1")))
    topics._producer.send(topics.dead_letters, b"not ours").get(timeout=60)

    assert redrive(topics) == 1
