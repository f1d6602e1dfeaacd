"""A verification of a view that forgets labels: what it takes for equal, and what it finds."""

from collections.abc import Callable

import pytest
from redis import Redis
from scored_events import START, deleted, scored
from scored_topic import ScoredTopic
from stored_view import StoredView

from consumers.read.report import Difference, Verdict
from schemas.events import Channel, Label
from schemas.redis_keys import CLOCK, ViewKeys

RETENTION = 7
MINUTES_A_DAY = 1440
FORGOTTEN, REMEMBERED, LATE = "r1", "r2", "r3"

EVENTS = [
    scored(FORGOTTEN),
    scored(REMEMBERED, minute=5 * MINUTES_A_DAY),
    scored(LATE, minute=9 * MINUTES_A_DAY),
    deleted(FORGOTTEN, minute=9 * MINUTES_A_DAY),
    scored(REMEMBERED, label=Label.NEGATIVE, score=0.1, minute=10 * MINUTES_A_DAY),
]
TODAY = (START.date()).toordinal() - 719_163


@pytest.fixture
def view(scored_topic: ScoredTopic, redis: Redis) -> StoredView:
    stored = StoredView(scored_topic, redis, label_retention=RETENTION)
    stored.publish_and_apply(*EVENTS)
    return stored


def test_a_view_that_forgot_is_equal_to_a_recount_that_forgets(view: StoredView) -> None:
    report = view.verify()

    assert (report.verdict, report.products) == (Verdict.EQUAL, 1)
    assert view.redis.hget(view.keys.product("p1"), "reviews") == "3"


def test_it_does_not_matter_whether_a_forgotten_label_is_still_there(view: StoredView) -> None:
    gone = view.verify()
    view.redis.hset(view.keys.labels("p1"), FORGOTTEN, label(view, on_day=0))

    there = view.verify()

    assert (there.verdict, there.digest) == (Verdict.EQUAL, gone.digest)


def label(view: StoredView, on_day: int) -> str:
    """That of a review which was written on the first day and counted on another."""
    stored = str(view.redis.hget(view.keys.labels("p1"), LATE))
    return stored.replace("@9", f"@{on_day}" if on_day else "")


@pytest.mark.parametrize(
    ("falsify", "found"),
    [
        (
            lambda redis, keys: redis.hdel(keys.labels("p1"), LATE),
            ("labels", LATE, "rPjag0ftt@9", None),
        ),
        (
            lambda redis, keys: redis.hset(keys.labels("p1"), LATE, "rPjag0ftt"),
            ("labels", LATE, "rPjag0ftt@9", "rPjag0ftt"),
        ),
        (
            lambda redis, keys: redis.hset(keys.labels("p1"), LATE, "rPjag0ftt@8"),
            ("labels", LATE, "rPjag0ftt@9", "rPjag0ftt@8"),
        ),
        (
            lambda redis, keys: redis.hset(keys.labels("p1"), FORGOTTEN, "rPjag0ftt@9"),
            ("labels", FORGOTTEN, None, "rPjag0ftt@9"),
        ),
        (
            lambda redis, keys: redis.hset(keys.applied("p1"), CLOCK, TODAY),
            ("applied", CLOCK, str(TODAY + 10), str(TODAY)),
        ),
        (
            lambda redis, keys: redis.hincrby(keys.product("p1"), "reviews", -1),
            ("", "reviews", "3", "2"),
        ),
    ],
    ids=["gone", "without its day", "another day", "remembered again", "the clock", "taken back too late"],
)
def test_each_false_field_is_found(
    view: StoredView,
    falsify: Callable[[Redis, ViewKeys], object],
    found: tuple[str, str, str | None, str | None],
) -> None:
    falsify(view.redis, view.keys)

    report = view.verify()

    key, *rest = found
    expected = Difference(":".join(filter(None, (view.keys.product("p1"), key))), *rest)
    assert expected in report.differences
    assert report.verdict is Verdict.DIFFERENT


def test_events_that_are_not_applied_yet_turn_no_clock(view: StoredView) -> None:
    later = scored("r4", minute=400 * MINUTES_A_DAY)
    view.scored_topic.publish(later)

    assert view.verify().verdict is Verdict.EQUAL


def test_a_day_that_came_and_whose_labels_went_while_the_view_was_read_settles_nothing(
    view: StoredView, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = view.keys.counts("p1", Channel.REVIEW, START.date())
    scan_iter = view.redis.scan_iter
    monkeypatch.setattr(
        view.redis, "scan_iter", lambda **how: (key for key in scan_iter(**how) if key != day)
    )
    view.redis.delete(view.keys.labels("p1"))

    report = view.verify()

    assert report.unsettled == ("p1",)
    assert not [difference for difference in report.differences if difference.key == day]
