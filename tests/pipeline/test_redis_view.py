"""The Lua scripts on a real Valkey against the same counting in plain Python."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import chain
from typing import Any, NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from labelled import NOW, events, hash_of, labelled
from redis import Redis
from redis_views import KNOWN, TOPIC, View, comparable, encoded, expected, expiry, positioned

from consumers.aggregate.contribution import score_text
from consumers.aggregate.fold import Fold
from consumers.aggregate.labels import StoredLabel
from consumers.aggregate.view import PositionedEvent
from embedded import ValkeyServer
from schemas.events import Channel, ScoredReview
from schemas.redis_keys import Counter, Ranking

EXAMPLES = 150


class Delivery(NamedTuple):
    """What one call of ``apply`` gets: a slice of the topic, perhaps one that was delivered before."""

    start: int
    stop: int


Poll = list[PositionedEvent]
"""What one poll of several partitions gives to one call of ``apply``."""


@st.composite
def topics_and_deliveries(draw: st.DrawFn) -> tuple[list[PositionedEvent], list[Delivery]]:
    """Two partitions, and how an aggregator reads them: forward, and now and then again from before."""
    topic = []
    ends = {0: 0, 1: 0}
    for event in draw(st.lists(events, max_size=40)):
        partition = hash_of(event.product_id) % 2  # order means something within a product only
        topic.append(PositionedEvent(partition, ends[partition], event))
        ends[partition] += draw(st.integers(1, 2))  # transaction markers leave gaps
    deliveries = []
    at = 0
    while at < len(topic):
        stop = draw(st.integers(at + 1, len(topic)))
        deliveries.append(Delivery(at, stop))
        at = draw(st.integers(0, stop)) if draw(st.booleans()) and len(deliveries) < 12 else stop
    return topic, deliveries


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(topics_and_deliveries(), st.sampled_from([0, 1, 3, 100]))
def test_redis_holds_what_the_fold_holds_in_every_field_of_every_key(
    redis: Redis, case: tuple[list[PositionedEvent], list[Delivery]], negatives_kept: int
) -> None:
    topic, deliveries = case
    view, fold = View(redis, negatives_kept), Fold(negatives_kept)

    for start, stop in deliveries:
        assert view.view.apply(TOPIC, topic[start:stop], KNOWN) == set()
        for partition, offset, event in map(vars_of, topic[start:stop]):
            fold.apply(event, TOPIC, partition, offset)

    assert comparable(view.dump()) == comparable(expected(fold, view.keys))


@st.composite
def logs_and_polls(draw: st.DrawFn, partitions: int = 3) -> tuple[list[list[PositionedEvent]], list[Poll]]:
    """The log of each partition, and what is polled until all of it is read: some of each, with returns of any one."""
    logs: list[list[PositionedEvent]] = [[] for _ in range(partitions)]
    for event in draw(st.lists(events, max_size=30)):
        log = logs[hash_of(event.product_id) % partitions]
        offset = log[-1].offset + draw(st.integers(1, 2)) if log else 0
        log.append(PositionedEvent(hash_of(event.product_id) % partitions, offset, event))
    polls: list[Poll] = []
    at = [0] * partitions
    while any(place < len(log) for place, log in zip(at, logs, strict=True)):
        if len(polls) < 12:
            at = [draw(st.integers(0, place)) if draw(st.booleans()) else place for place in at]
            stop = [draw(st.integers(place, len(log))) for place, log in zip(at, logs, strict=True)]
        else:
            stop = [len(log) for log in logs]
        in_turn = draw(st.permutations(range(partitions)))
        polls.append([event for number in in_turn for event in logs[number][at[number] : stop[number]]])
        at = stop
    return logs, polls


@settings(
    max_examples=EXAMPLES // 4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(logs_and_polls())
def test_any_batching_interleaving_and_replay_ends_in_the_fold_of_each_partition_read_once(
    redis: Redis, case: tuple[list[list[PositionedEvent]], list[Poll]]
) -> None:
    logs, polls = case
    view, delivered, once = View(redis), Fold(), Fold()

    for poll in polls:
        assert view.view.apply(TOPIC, poll, KNOWN) == set()
        for partition, offset, event in map(vars_of, poll):
            delivered.apply(event, TOPIC, partition, offset)

    for partition, offset, event in map(vars_of, chain.from_iterable(logs)):
        once.apply(event, TOPIC, partition, offset)
    assert comparable(view.dump()) == comparable(expected(once, view.keys))
    assert comparable(expected(delivered, view.keys)) == comparable(expected(once, view.keys))


@settings(
    max_examples=EXAMPLES // 4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(st.integers(0, 2), events), max_size=30))
def test_a_product_in_several_partitions_counts_just_what_its_labels_say(
    redis: Redis, applied: list[tuple[int, ScoredReview]]
) -> None:
    view = View(redis)

    for offset, (partition, event) in enumerate(applied):
        view.view.apply(TOPIC, [PositionedEvent(partition, offset, event)], KNOWN)

    for product_id in {event.product_id for _, event in applied}:
        labels = redis.hgetall(view.keys.labels(product_id)).values()
        counted = [StoredLabel.found(label).contribution for label in labels]
        for channel in Channel:
            stored = redis.hgetall(view.keys.counts(product_id, channel))
            mine = [contribution for contribution in counted if contribution.channel is channel]
            assert int(stored.get(Counter.REVIEWS, 0)) == len(mine)
            assert stored.get(Counter.SCORE_SUM, "0.000000") == score_text(
                sum(one.score_micros for one in mine)
            )


def vars_of(event: PositionedEvent) -> tuple[int, int, ScoredReview]:
    return event.partition, event.offset, event.scored


def reviews_of(view: View, product_id: str = "kettle") -> Any:
    """How many reviews are counted."""
    return view.redis.hget(view.keys.product(product_id), Counter.REVIEWS)


def test_a_product_whose_events_moved_to_another_partition_is_counted_on(redis: Redis) -> None:
    view, fold = View(redis), Fold()
    before, after = labelled("r1", text="bad"), labelled("r1", text="good", minute=1)

    for partition, event in ((0, before), (1, after)):
        view.view.apply(TOPIC, [PositionedEvent(partition, 5, event)], KNOWN)
        fold.apply(event, TOPIC, partition, 5)

    assert comparable(view.dump()) == comparable(expected(fold, view.keys))


def test_events_of_a_review_that_meet_in_two_partitions_count_in_the_order_of_applying(redis: Redis) -> None:
    older = PositionedEvent(0, 5, labelled("r1", text="bad"))
    newer = PositionedEvent(1, 0, labelled("r1", text="good", minute=1))
    in_order, turned = View(redis), View(redis)

    for view, applied in ((in_order, (older, newer)), (turned, (newer, older))):
        for event in applied:
            view.view.apply(TOPIC, [event], KNOWN)

    labels = [redis.hget(view.keys.labels("kettle"), "r1") for view in (in_order, turned)]
    assert labels == [encoded(newer.scored), encoded(older.scored)]
    assert (reviews_of(in_order), reviews_of(turned)) == ("1", "1")


def test_scripts_that_the_server_forgot_are_loaded_again(redis: Redis) -> None:
    view = View(redis)
    view.apply(labelled("r1"))

    redis.script_flush()
    view.apply(labelled("r2"), first_offset=1)

    assert reviews_of(view) == "2"


def test_a_restarted_server_is_served_on() -> None:
    with ValkeyServer(appendonly=True) as server, Redis.from_url(server.url, decode_responses=True) as redis:
        view = View(redis)
        view.apply(labelled("r1"))
        server.kill()
        server.restart()
        view.apply(labelled("r1"), labelled("r2"))

        assert reviews_of(view) == "2"


def test_a_server_that_lost_its_data_refuses_what_comes_next(redis: Redis) -> None:
    view = View(redis)
    view.apply(labelled("r1"))

    for key in redis.scan_iter(match=f"*{view.keys.prefix}*"):
        redis.delete(key)

    assert view.view.apply(TOPIC, positioned([labelled("r2")], 1), KNOWN) == {0}
    assert view.view.advance(TOPIC, {0: (0, 2)}) == {0}
    assert view.dump() == {}


def test_only_partitions_whose_offset_is_as_known_are_counted(redis: Redis) -> None:
    view = View(redis)
    view.view.advance(TOPIC, {1: (0, 7)})

    others = view.view.apply(
        TOPIC, [PositionedEvent(0, 0, labelled()), PositionedEvent(1, 0, labelled(product_id="pan"))], KNOWN
    )

    assert others == {1}
    assert (reviews_of(view), reviews_of(view, "pan")) == ("1", None)


def test_a_late_ranking_of_a_suspended_aggregator_does_not_undo_a_newer_one(redis: Redis) -> None:
    view = View(redis)
    view.apply(labelled("r1"))
    late = [1, 1, 0, 0, 0]
    view.apply(labelled("r2"), first_offset=1)

    view.another()._rank(TOPIC, {"kettle": late}, {0: "late"}, "later")

    assert redis.zscore(view.keys.ranking(Ranking.REVIEWS), "kettle") == 2


def test_the_counts_of_a_day_go_when_the_retention_is_over(redis: Redis) -> None:
    view = View(redis)
    old, new = NOW - timedelta(days=2000), NOW + timedelta(days=300)

    view.apply(labelled("old", created_at=old), labelled("new", created_at=new))

    assert reviews_of(view) == "2"
    assert not redis.exists(view.keys.counts("kettle", Channel.REVIEW, old.date()))
    assert redis.expiretime(view.keys.counts("kettle", Channel.REVIEW, new.date())) == expiry(new.date())


def test_a_correction_of_a_review_whose_day_is_gone_leaves_no_negative_counts(redis: Redis) -> None:
    view = View(redis)
    old = NOW - timedelta(days=2000)

    view.apply(labelled("r1", created_at=old))
    view.apply(labelled("r1", text=None, created_at=old), first_offset=1)

    assert reviews_of(view) == "0"
    assert not redis.exists(view.keys.counts("kettle", Channel.REVIEW, old.date()))


def test_two_thousand_events_of_one_product_are_one_call(redis: Redis) -> None:
    view, fold = View(redis), Fold()
    many: Sequence[ScoredReview] = [
        labelled(f"r{number % 700}", text=f"word {number}", minute=number) for number in range(2000)
    ]

    view.apply(*many)

    for offset, event in enumerate(many):
        fold.apply(event, TOPIC, 0, offset)
    assert comparable(view.dump()) == comparable(expected(fold, view.keys))
