"""Scorers that come, go and lose their membership: each record still comes out once."""

from fake_engine import FakeEngine
from jobs import InThread, run_scorer
from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import MemberToRemove
from raw_topics import Raw, Topics, review, sources_of
from waiting import eventually

from consumers.score import Scorer

UNDER_LOAD = 2500
SMALL_BATCH = 8
SECONDS_A_BATCH = 0.02


def assigned(scorer: InThread[Scorer]) -> set[TopicPartition]:
    partitions: set[TopicPartition] = scorer.worker._intake.consumer.assignment()
    return partitions


def remove_members(topics: Topics) -> None:
    """Throw all members out of the scorers' group, as the broker does to those that fall silent."""
    with KafkaAdminClient(bootstrap_servers=topics.servers) as admin:
        members = admin.describe_groups([topics.group])[topics.group]["members"]
        admin.remove_group_members(
            topics.group, [MemberToRemove(member_id=member["member_id"]) for member in members]
        )


def test_scaling_from_one_to_two_and_back_under_load_gives_each_record_once(topics: Topics) -> None:
    places = topics.publish_reviews(UNDER_LOAD, partitions=3)
    small = topics.settings(batch_size=SMALL_BATCH)

    with run_scorer(small, FakeEngine(SECONDS_A_BATCH)):
        topics.outcomes.until(UNDER_LOAD // 10)
        with run_scorer(small, FakeEngine(SECONDS_A_BATCH), instance="b") as second:
            eventually(lambda: second.worker.counts.batches > 5)
            topics.outcomes.until(UNDER_LOAD // 2)
            assert len(topics.outcomes.records) < UNDER_LOAD
        topics.outcomes.until(UNDER_LOAD)

    assert sources_of(topics.outcomes.all()) == sorted(places)


def test_a_batch_of_a_member_that_was_thrown_out_is_not_committed(topics: Topics) -> None:
    engine = FakeEngine()
    places = topics.publish_reviews(30, partitions=3)

    with run_scorer(topics.settings(batch_deadline=1.0), engine) as first:
        engine.hold()
        eventually(lambda: engine.batches)
        remove_members(topics)
        with run_scorer(topics.settings(), instance="b"):
            topics.outcomes.until(len(places))
            engine.release()
            eventually(lambda: first.worker.counts.aborted)

    assert sources_of(topics.outcomes.all()) == sorted(places)


def test_offsets_of_an_aborted_batch_are_never_committed_later(topics: Topics) -> None:
    engine = FakeEngine()
    held = topics.publish(*(Raw(review(f"held{number}"), partition=number) for number in range(3)))

    with run_scorer(topics.settings(batch_deadline=1.0), engine) as first:
        engine.hold()
        eventually(lambda: engine.batches)
        remove_members(topics)
        with run_scorer(topics.settings(), instance="b") as second:
            topics.outcomes.until(len(held))
            later = topics.publish_reviews(30, partitions=3, name="later")
            topics.outcomes.until(len(held) + len(later))
            ahead = topics.committed()
            engine.release()
            eventually(lambda: first.worker.counts.aborted)
            mine = eventually(lambda: assigned(first) - assigned(second))
            assert len(mine) < 3
            last = topics.publish(*(Raw(review("last"), partition=place.partition) for place in mine))
            topics.outcomes.until(len(held) + len(later) + len(last))

    committed = topics.committed()
    assert all(committed[partition] >= offset for partition, offset in ahead.items()), (ahead, committed)
    assert sources_of(topics.outcomes.all()) == sorted(held + later + last)
