"""Labels that Redis forgets after some days: the scripts on a real Valkey against the rule told plainly, whatever happens."""

from collections import Counter as Amounts
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jobs import run_aggregator
from labelled import (
    ScoredTopic,
    campaign_ids,
    chunks,
    customers,
    days,
    hash_of,
    labelled,
    product_ids,
    review_ids,
)
from recounted import EVERY_DAY, assert_equal
from redis import Redis
from redis_views import KNOWN, TOPIC, View, comparable, expected, positioned
from scored_days import MINUTES_A_DAY, counted, minutes_of_many_days, remembered

from consumers.aggregate.contribution import Contribution, score_text
from consumers.aggregate.fold import Fold
from consumers.aggregate.labels import StoredLabel
from consumers.aggregate.view import PositionedEvent
from consumers.rebuild.rebuild import rebuild
from embedded import KafkaCluster
from schemas.errors import ConfigurationError
from schemas.events import Channel, ScoredReview
from schemas.redis_keys import CLOCK, LABEL_RETENTION, Counter, ViewKeys
from schemas.settings import AggregatorSettings, RebuildSettings

WEEK = 7
PARTITIONS = 2

events = st.builds(
    labelled,
    review_ids,
    product_ids,
    st.one_of(st.none(), st.integers(0, 99).map(lambda number: f"text {number}")),
    channel=st.sampled_from(Channel),
    created_at=days,
    minute=minutes_of_many_days,
    campaign_id=campaign_ids,
    customer=customers,
)


@st.composite
def topics_and_polls(draw: st.DrawFn) -> tuple[list[PositionedEvent], list[list[PositionedEvent]]]:
    """A topic, and how it is polled: forward, and now and then again from before."""
    ends = dict.fromkeys(range(PARTITIONS), 0)
    topic = []
    for event in draw(st.lists(events, max_size=40)):
        partition = hash_of(event.product_id) % PARTITIONS
        topic.append(PositionedEvent(partition, ends[partition], event))
        ends[partition] += draw(st.integers(1, 2))
    polls, at = [], 0
    while at < len(topic):
        stop = draw(st.integers(at + 1, len(topic)))
        polls.append(topic[at:stop])
        at = draw(st.integers(0, stop)) if draw(st.booleans()) and len(polls) < 12 else stop
    return topic, polls


def without_forgotten(dump: dict[str, object], keys: ViewKeys, retention: int) -> dict[str, object]:
    """What ``dump`` shows, but for labels that are forgotten; it does not matter whether they are still there."""
    kept = dict(dump)
    for key, content in dump.items():
        product = keys.parse_product_key(key)
        if product and key == keys.labels(product[0]):
            held: Any = content
            clock: Any = dump[keys.applied(product[0])]
            kept[key] = {
                name: label
                for name, label in held.items()
                if name == "expires"
                or not StoredLabel.decode(label, forgets=True).is_forgotten(int(clock[CLOCK]), retention)
            }
    return kept


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(topics_and_polls(), st.sampled_from([1, 2, 5, 40]))
def test_redis_holds_what_the_rule_says_however_it_is_polled(
    redis: Redis, case: tuple[list[PositionedEvent], list[list[PositionedEvent]]], retention: int
) -> None:
    topic, polls = case
    view, fold = View(redis, label_retention=retention), Fold(label_retention=retention)

    for poll in polls:
        assert view.view.apply(TOPIC, poll, KNOWN) == set()
    for event in topic:
        fold.apply(event.scored, TOPIC, event.partition, event.offset)

    wanted = expected(fold, view.keys)
    offsets: Any = wanted[view.keys.offsets(TOPIC)]
    offsets[LABEL_RETENTION] = str(retention)
    dump = without_forgotten(view.dump(), view.keys, retention)
    assert comparable(dump) == comparable(wanted)
    for product_id in {event.scored.product_id for event in topic}:
        of_product = [event.scored for event in topic if event.scored.product_id == product_id]
        assert totals(redis, view.keys, product_id) == totals_by_the_rule(of_product, retention)
        held = comparable(dump).get(view.keys.labels(product_id), {})
        assert held.keys() - {"expires"} == {  # type: ignore[attr-defined] -- a hash
            of_product[at].review_id for at in remembered(of_product, retention)
        }


def totals(redis: Redis, keys: ViewKeys, product_id: str) -> dict[Channel, tuple[int, str]]:
    """Reviews and the sum of their scores, of each channel that has any."""
    found = {
        channel: redis.hmget(keys.counts(product_id, channel), [Counter.REVIEWS, Counter.SCORE_SUM])
        for channel in Channel
    }
    return {channel: (int(held[0]), str(held[1])) for channel, held in found.items() if int(held[0] or 0)}


def totals_by_the_rule(of_product: Sequence[ScoredReview], retention: int) -> dict[Channel, tuple[int, str]]:
    reviews, micros = Amounts[Channel](), Amounts[Channel]()
    for at in counted(of_product, retention):
        contribution = Contribution.of(of_product[at])
        assert contribution is not None
        reviews[contribution.channel] += 1
        micros[contribution.channel] += contribution.score_micros
    return {channel: (number, score_text(micros[channel])) for channel, number in reviews.items()}


def day(number: int) -> int:
    return number * MINUTES_A_DAY


def test_labels_that_are_forgotten_leave_redis_as_events_come(redis: Redis) -> None:
    view = View(redis, label_retention=WEEK)
    view.apply(*(labelled(f"old {number}") for number in range(3000)))

    for offset in range(3000, 3100):
        view.apply(labelled(f"new {offset}", minute=day(WEEK + 1)), first_offset=offset)

    held = redis.hkeys(view.keys.labels("kettle"))
    assert len([name for name in held if name.startswith("new")]) == 100
    assert len(held) < 100 / (1 - 1 / 4) * 1.5  # a sample stops where less than a quarter of it is forgotten
    assert redis.hget(view.keys.product("kettle"), Counter.REVIEWS) == "3100"


def test_labels_that_are_remembered_stay(redis: Redis) -> None:
    view = View(redis, label_retention=WEEK)

    view.apply(*(labelled(f"r{number}", minute=day(number % WEEK)) for number in range(1000)))

    assert redis.hlen(view.keys.labels("kettle")) == 1000


def test_without_retention_no_byte_and_no_field_is_more(redis: Redis) -> None:
    view = View(redis)

    view.apply(labelled("r1", minute=day(1)), labelled("r2", minute=day(400)))

    assert redis.hgetall(view.keys.applied("kettle")) == {f"{TOPIC}:0": "1"}
    assert redis.hgetall(view.keys.offsets(TOPIC)) == dict.fromkeys("012", "0")
    assert {len(label) for label in redis.hvals(view.keys.labels("kettle"))} == {len("rPk12ofvk")}


@pytest.mark.parametrize(("before", "after"), [(None, WEEK), (WEEK, None), (WEEK, WEEK + 1)])
def test_a_view_refuses_whoever_counts_under_another_retention(
    redis: Redis, before: int | None, after: int | None
) -> None:
    view = View(redis, label_retention=before)
    view.apply(labelled("r1"))
    another = view.another(label_retention=after)

    assert another.apply(TOPIC, positioned([labelled("r2")], 1), KNOWN) == {0}
    assert another.advance(TOPIC, {0: (0, 2)}) == {0}
    with pytest.raises(ConfigurationError, match="reviewstream rebuild"):
        another.offsets(TOPIC)
    assert redis.hget(view.keys.product("kettle"), Counter.REVIEWS) == "1"


def test_a_view_that_was_emptied_notes_a_retention_only_with_an_offset(redis: Redis) -> None:
    view = View(redis, label_retention=WEEK)
    for key in redis.scan_iter(match=f"*{view.keys.prefix}*"):
        redis.delete(key)

    assert view.view.advance(TOPIC, {0: (5, 6)}) == {0}
    assert view.dump() == {}
    assert view.another().advance(TOPIC, {0: (None, 0)}) == set()
    assert view.another().offsets(TOPIC) == {0: 0}


@pytest.fixture
def topic(kafka: KafkaCluster, redis: Redis, redis_url: str, topic_prefix: str) -> Iterator[ScoredTopic]:
    redis.flushdb()
    with ScoredTopic(kafka.bootstrap_servers, topic_prefix, PARTITIONS, redis_url) as scored:
        yield scored


def history() -> list[ScoredReview]:
    """40 days of 5 products: each review is corrected after 3 days, and deleted or corrected again after 12."""
    told = []
    for number in range(40):
        for days_later, text in ((0, "bad"), (3, "good"), (12, "word" if number % 2 else None)):
            product = f"product-{number % 5}"
            told.append(labelled(f"r{number}", product, text, minute=day(number + days_later)))
    return sorted(told, key=lambda event: event.scored_at)


def test_aggregators_count_by_the_rule_and_a_recount_agrees(topic: ScoredTopic, redis: Redis) -> None:
    for transaction in chunks(history(), 17):
        topic.publish(*transaction)

    with run_aggregator(topic.settings(label_retention=WEEK, apply_batch_size=7, day_retention=EVERY_DAY)):
        assert_equal(topic, redis)

    of_product = [event for event in history() if event.product_id == "product-0"]
    assert totals(redis, ViewKeys(topic.prefix), "product-0") == totals_by_the_rule(of_product, WEEK)
    assert len(counted(of_product, WEEK)) > len(counted(of_product, None))


@pytest.fixture
def lasting(topic: ScoredTopic) -> AggregatorSettings:
    """An aggregator's settings, by which no label is forgotten."""
    return topic.settings(day_retention=EVERY_DAY)


@pytest.fixture
def forgetful(topic: ScoredTopic) -> AggregatorSettings:
    """The same, by which labels are forgotten."""
    return topic.settings(day_retention=EVERY_DAY, label_retention=WEEK)


@pytest.fixture
def rebuild_forgetful(topic: ScoredTopic, redis: Redis) -> Callable[[], object]:
    """Makes the view anew for ``forgetful``."""
    settings = RebuildSettings(**topic.environment(), label_retention=WEEK, day_retention=EVERY_DAY)
    return lambda: rebuild(settings, redis)


def test_an_aggregator_under_another_retention_leaves_until_the_view_is_made_anew(
    topic: ScoredTopic,
    redis: Redis,
    lasting: AggregatorSettings,
    forgetful: AggregatorSettings,
    rebuild_forgetful: Callable[[], object],
) -> None:
    topic.publish(*history())
    with run_aggregator(lasting):
        assert_equal(topic, redis)

    refusal = r"no label retention.*label retention 7.*reviewstream rebuild"
    with pytest.raises(ConfigurationError, match=refusal), run_aggregator(forgetful) as refused:
        refused.join()

    rebuild_forgetful()
    topic.publish(*history()[:10])
    with run_aggregator(forgetful):
        assert_equal(topic, redis)


def test_an_aggregator_whose_view_is_made_anew_under_another_retention_leaves(
    topic: ScoredTopic,
    redis: Redis,
    lasting: AggregatorSettings,
    forgetful: AggregatorSettings,
    rebuild_forgetful: Callable[[], object],
) -> None:
    topic.publish(*history())
    running = run_aggregator(lasting)
    assert_equal(topic, redis)

    rebuild_forgetful()
    topic.publish(*history()[:10])

    with pytest.raises(ConfigurationError, match="made with label retention 7"):
        running.join()
    with run_aggregator(forgetful):
        assert_equal(topic, redis)
