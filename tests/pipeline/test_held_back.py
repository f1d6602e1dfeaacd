"""A transaction that does not end holds back where a scorer goes on: it waits for the outage deadline, and says why it leaves."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from jobs import run_scorer
from kafka import KafkaProducer, TopicPartition
from raw_topics import Topics, client_of

from consumers.records import commit_form
from schemas.errors import ServerUnavailable

OUTAGE_S = 4.0


@pytest.fixture
def held_back(topics: Topics) -> Iterator[Topics]:
    """The group's offset of a partition waits for the end of a transaction."""
    (place,) = topics.publish_reviews(1, partitions=1)
    with closing(
        KafkaProducer(**client_of(topics.servers), transactional_id=f"{topics.group}.other")
    ) as other:
        other.init_transactions()
        other.begin_transaction()
        other.send_offsets_to_transaction(
            commit_form({TopicPartition(topics.raw, place[0]): place[1] + 1}), topics.group
        )
        yield topics
        other.abort_transaction()


def test_a_scorer_that_is_not_told_where_to_go_on_says_why_it_leaves(held_back: Topics) -> None:
    with (
        pytest.raises(ServerUnavailable, match="find-hanging"),
        run_scorer(held_back.settings(outage_deadline=OUTAGE_S)) as scorer,
    ):
        scorer.join()
