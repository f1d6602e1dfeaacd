"""A verification finds every single false field of a view that is otherwise right."""

import json
from datetime import timedelta

import pytest
from redis import Redis
from scored_events import START, scored
from stored_view import Falsehood, StoredView

from consumers.read.report import MAX_LISTED, Difference, Verdict
from schemas.events import Channel
from schemas.redis_keys import Ranking, ViewKeys

DAY = START.date()
YESTERDAY = DAY - timedelta(days=1)


FALSEHOODS = [
    Falsehood(
        name="a counter",
        do=lambda redis, keys: redis.hincrby(keys.product("p1"), "reviews", 1),
        key=lambda keys: keys.product("p1"),
        field="reviews",
        expected="2",
        found="3",
    ),
    Falsehood(
        name="a counter that is gone",
        do=lambda redis, keys: redis.hdel(keys.product("p1"), "weak_negative"),
        key=lambda keys: keys.product("p1"),
        field="weak_negative",
        expected="1",
        found=None,
    ),
    Falsehood(
        name="a sum that is a millionth off",
        do=lambda redis, keys: redis.hset(keys.product("p1"), "score_sum", "0.400001"),
        key=lambda keys: keys.product("p1"),
        field="score_sum",
        expected="0.400000",
        found="0.400001",
    ),
    Falsehood(
        name="the time of the last change",
        do=lambda redis, keys: redis.hset(keys.product("p1"), "updated_at", "2026-03-01T12:08:00+00:00"),
        key=lambda keys: keys.product("p1"),
        field="updated_at",
        expected="2026-03-01T12:07:00+00:00",
        found="2026-03-01T12:08:00+00:00",
    ),
    Falsehood(
        name="a field of no meaning",
        do=lambda redis, keys: redis.hset(keys.product("p1"), "likes", "1"),
        key=lambda keys: keys.product("p1"),
        field="likes",
        expected=None,
        found="1",
    ),
    Falsehood(
        name="another channel",
        do=lambda redis, keys: redis.hset(keys.counts("p1", Channel.SUPPORT), "uncertain", "0"),
        key=lambda keys: keys.counts("p1", Channel.SUPPORT),
        field="uncertain",
        expected="1",
        found="0",
    ),
    Falsehood(
        name="a day",
        do=lambda redis, keys: redis.hset(keys.counts("p1", Channel.REVIEW, YESTERDAY), "negative", "7"),
        key=lambda keys: keys.counts("p1", Channel.REVIEW, YESTERDAY),
        field="negative",
        expected="1",
        found="7",
    ),
    Falsehood(
        name="a day without reviews",
        do=lambda redis, keys: redis.hset(keys.counts("p2", Channel.AD, YESTERDAY), "reviews", "1"),
        key=lambda keys: keys.counts("p2", Channel.AD, YESTERDAY),
        field="reviews",
        expected="0",
        found="1",
    ),
    Falsehood(
        name="a label",
        do=lambda redis, keys: redis.hset(keys.labels("p1"), "r2", "rn255sfts"),
        key=lambda keys: keys.labels("p1"),
        field="r2",
        expected="rN255sfts",
        found="rn255sfts",
    ),
    Falsehood(
        name="a label that is gone",
        do=lambda redis, keys: redis.hdel(keys.labels("p1"), "r2"),
        key=lambda keys: keys.labels("p1"),
        field="r2",
        expected="rN255sfts",
        found=None,
    ),
    Falsehood(
        name="a label that cannot be read",
        do=lambda redis, keys: redis.hset(keys.labels("p2"), "r5", "nonsense"),
        key=lambda keys: keys.labels("p2"),
        field="r5",
        expected=None,
        found="nonsense",
    ),
    Falsehood(
        name="an unknown product",
        do=lambda redis, keys: redis.hset(keys.product("p9"), "reviews", "1"),
        key=lambda keys: keys.product("p9"),
        field="reviews",
        expected="0",
        found="1",
    ),
    Falsehood(
        name="a key of no meaning",
        do=lambda redis, keys: redis.set(f"{keys.product('p1')}:likes", "1"),
        key=lambda keys: f"{keys.product('p1')}:likes",
        field="",
        expected=None,
        found="a key that is none of the view's",
    ),
    Falsehood(
        name="an applied offset at which no event of the product stands",
        do=lambda redis, keys: redis.hset(keys.applied("p2"), *_next_applied(redis, keys)),
        key=lambda keys: keys.applied("p2"),
        field="{topic}:0",
        expected="5",
        found="6",
    ),
    Falsehood(
        name="another topic",
        do=lambda redis, keys: redis.hset(keys.applied("p2"), "reviews.old:3", "12"),
        key=lambda keys: keys.applied("p2"),
        field="reviews.old:3",
        expected=None,
        found="12",
    ),
    Falsehood(
        name="a ranking",
        do=lambda redis, keys: redis.zincrby(keys.ranking(Ranking.NEGATIVE), 1, "p1"),
        key=lambda keys: keys.ranking(Ranking.NEGATIVE),
        field="p1",
        expected="2",
        found="3",
    ),
    Falsehood(
        name="a product that is not ranked",
        do=lambda redis, keys: redis.zrem(keys.ranking(Ranking.REVIEWS), "p2"),
        key=lambda keys: keys.ranking(Ranking.REVIEWS),
        field="p2",
        expected="1",
        found="0",
    ),
    Falsehood(
        name="an unknown product that is ranked",
        do=lambda redis, keys: redis.zadd(keys.ranking(Ranking.REVIEWS), {"p9": 0.5}),
        key=lambda keys: keys.ranking(Ranking.REVIEWS),
        field="p9",
        expected="0",
        found="0.5",
    ),
]


def _next_applied(redis: Redis, keys: ViewKeys) -> tuple[str, int]:
    [(place, offset)] = redis.hgetall(keys.applied("p2")).items()
    return place, int(offset) + 1


@pytest.mark.parametrize("falsehood", FALSEHOODS, ids=lambda falsehood: falsehood.name)
def test_a_single_false_field_is_found(full: StoredView, falsehood: Falsehood) -> None:
    falsehood.do(full.redis, full.keys)

    report = full.verify()

    field = falsehood.field.format(topic=full.topic)
    difference = Difference(falsehood.key(full.keys), field, falsehood.expected, falsehood.found)
    assert report.verdict is Verdict.DIFFERENT
    assert report.difference_count == 1
    assert report.differences == (difference,)


def test_a_product_that_vanished_is_found_by_what_should_be_applied(full: StoredView) -> None:
    full.redis.delete(*full.redis.scan_iter(match=f"{full.keys.product('p2')}*"))
    for ranking in Ranking:
        full.redis.zrem(full.keys.ranking(ranking), "p2")

    report = full.verify()

    assert report.differences == (Difference(full.keys.applied("p2"), f"{full.topic}:0", "5", None),)


def test_an_event_that_was_skipped_is_found(view: StoredView) -> None:
    view.publish_and_apply(scored("r1"))
    [skipped] = view.scored_topic.publish(scored("r2"))
    view.claim_all()

    report = view.verify()

    place = f"{view.topic}:0"
    assert report.differences == (Difference(view.keys.applied("p1"), place, str(skipped), "0"),)


def test_a_report_counts_all_differences_and_lists_the_first(full: StoredView) -> None:
    full.redis.hset(full.keys.labels("p1"), mapping={f"x{n}": "nonsense" for n in range(MAX_LISTED + 5)})

    report = full.verify()

    assert report.difference_count == MAX_LISTED + 5
    assert len(report.differences) == MAX_LISTED


def test_a_report_is_json_with_the_verdict_first(full: StoredView) -> None:
    full.redis.hincrby(full.keys.product("p1"), "reviews", 1)

    report = json.loads(full.verify().as_json())

    assert next(iter(report.items())) == ("verdict", "different")
    assert report["difference_count"] == 1
    assert report["differences"] == [
        {"key": full.keys.product("p1"), "field": "reviews", "expected": "2", "found": "3"}
    ]
    assert report["partitions"][0]["recounted_to"] == 9
