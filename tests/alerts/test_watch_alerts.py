"""Once for each incident, whoever watches, restarts or fails: on a real Valkey, told to a real HTTP server."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from day_counts import put_days
from receiver import Receiver
from redis import Redis
from shop import Shop, taken_back, written
from watching import LEASE_MS, Clock, Watches

from alerts.incidents import Place
from alerts.outbox import FIRST_PAUSE_S, LAST_ATTEMPT, LONGEST_PAUSE_S, Pending
from alerts.watch import Watch
from schemas.alert_keys import AlertKeys
from schemas.alerts import Alert
from schemas.errors import DeliveryFailed
from schemas.events import Channel
from schemas.redis_keys import ViewKeys

TODAY = date(2026, 3, 28)
A_LOOK = timedelta(minutes=15)
USUAL = {TODAY - timedelta(days=ago): (20, 1) for ago in range(1, 31)}

Put = Callable[..., None]


@pytest.fixture
def put(redis: Redis, keys: ViewKeys) -> Put:
    """A product with its usual days, and so much of today."""

    def put(product_id: str = "kettle", reviews: int = 30, strong_negative: int = 20) -> None:
        put_days(redis, keys, product_id, USUAL | {TODAY: (reviews, strong_negative)})

    return put


@pytest.fixture
def alert_keys(redis_prefix: str) -> AlertKeys:
    return AlertKeys(redis_prefix)


def turn(watch: Watch) -> None:
    """What the process does each second."""
    watch.look()
    while watch.deliver():
        pass


def test_an_alert_says_what_happened(put: Put, watch: Watches, receiver: Receiver, clock: Clock) -> None:
    put()

    turn(watch())

    (got,) = receiver.received
    alert = Alert.model_validate_json(got.body)
    assert (alert.type, alert.timestamp) == ("alert.opened", clock.now)
    assert alert.data.incident_id == got.message_id
    assert (alert.data.rule, alert.data.product_id) == ("sudden", "kettle")
    assert (alert.data.window.reviews, alert.data.window.strong_negative) == (50, 21)
    assert (alert.data.window.first, alert.data.window.last) == (TODAY - timedelta(days=1), TODAY)
    assert (alert.data.baseline.reviews, alert.data.baseline.strong_negative) == (28 * 20, 28)
    assert (alert.data.baseline.first, alert.data.baseline.last) == (
        TODAY - timedelta(days=29),
        TODAY - timedelta(days=2),
    )
    assert alert.data.p < alert.data.level == pytest.approx(0.01 / 96)
    assert alert.data.summary == (
        "kettle: 21 of 50 are strongly negative (42%) within 2 days; usual are 5.0% of 560"
    )
    assert alert.data.texts == ()


def test_a_product_as_usual_and_one_without_a_past_alarm_nobody(
    put: Put, watch: Watches, receiver: Receiver, redis: Redis, keys: ViewKeys
) -> None:
    put("kettle", 30, 2)
    put_days(redis, keys, "new", {TODAY: (30, 30)})

    turn(watch())

    assert receiver.received == []


def test_an_incident_is_told_once_for_as_long_as_it_lasts(
    put: Put, watch: Watches, receiver: Receiver, clock: Clock
) -> None:
    put()
    watching = watch()

    for _ in range(5):
        turn(watching)
        clock.now += A_LOOK

    assert len(receiver.received) == 1


def test_a_restarted_process_tells_it_no_second_time(
    put: Put, watch: Watches, receiver: Receiver, clock: Clock
) -> None:
    put()
    turn(watch())
    clock.now += A_LOOK

    turn(watch())

    assert len(receiver.received) == 1


def test_of_many_processes_one_looks_and_tells(put: Put, watch: Watches, receiver: Receiver) -> None:
    put("kettle")
    put("pan")
    watches = [watch() for _ in range(8)]

    with ThreadPoolExecutor(len(watches)) as pool:
        list(pool.map(turn, watches))

    assert len(receiver.ids) == len(set(receiver.ids)) == 2
    assert sum(one.sent.looks for one in watches) == 1


def test_two_rules_and_two_products_are_incidents_of_their_own(
    put: Put, watch: Watches, receiver: Receiver
) -> None:
    put("kettle")
    put("pan")

    turn(watch({"name": "sudden"}, {"name": "today", "window_days": 1}))

    assert len(set(receiver.ids)) == 4


def test_of_two_who_open_an_incident_at_once_one_does(
    put: Put, watch: Watches, receiver: Receiver, clock: Clock, redis: Redis, alert_keys: AlertKeys
) -> None:
    put()
    watching = watch()
    turn(watching)
    alert, place = Alert.model_validate_json(receiver.received[0].body), Place("sudden", "pan")

    opened = [watching.incidents.open(place, 3, alert, int(clock().timestamp() * 1000)) for _ in range(2)]

    assert opened == [True, False]
    assert redis.hkeys(alert_keys.bodies) == [alert.data.incident_id]


def test_after_its_quiet_time_a_product_alarms_anew_with_another_id(
    put: Put,
    watch: Watches,
    receiver: Receiver,
    clock: Clock,
    redis: Redis,
    keys: ViewKeys,
    alert_keys: AlertKeys,
) -> None:
    put()
    turn(watch())

    for days, alerts in ((2, 1), (3, 2)):  # the third is the end of its quiet time
        clock.now += timedelta(days=days)
        put_days(redis, keys, "kettle", {clock.now.date(): (500, 400)})
        turn(watch())
        put_days(redis, keys, "kettle", {clock.now.date(): (20, 1)})
        assert len(set(receiver.ids)) == alerts
    assert redis.hkeys(alert_keys.opened) == ["sudden:kettle"]


def test_every_look_at_which_it_holds_begins_the_quiet_time_anew(
    put: Put, watch: Watches, clock: Clock, redis: Redis, alert_keys: AlertKeys
) -> None:
    put()
    turn(watch())
    ends = redis.zscore(alert_keys.open, "sudden:kettle")

    clock.now += A_LOOK
    turn(watch())

    assert ends == (clock.now - A_LOOK + timedelta(days=3)).timestamp() * 1000
    assert redis.zscore(alert_keys.open, "sudden:kettle") == ends + A_LOOK.total_seconds() * 1000


def test_an_emptied_redis_alarms_again_with_the_same_id_on_the_same_day(
    put: Put, watch: Watches, receiver: Receiver, redis: Redis, alert_keys: AlertKeys, clock: Clock
) -> None:
    put()
    turn(watch())
    redis.delete(*redis.scan_iter(f"{{{alert_keys.prefix}*"))

    clock.now += A_LOOK
    put()
    turn(watch())

    first, second = receiver.ids
    assert first == second


def test_a_webhook_that_was_down_for_a_day_gets_the_alert_once_it_is_back(
    put: Put, watch: Watches, receiver: Receiver, clock: Clock
) -> None:
    put()
    watching, down_until = watch(), clock.now + timedelta(days=1)
    receiver.answers = [503] * 1000

    while clock.now < down_until:
        turn(watching)
        clock.now += timedelta(minutes=5)
    attempts = len(receiver.received)
    receiver.answers = []
    for _ in range(13):  # the longest pause
        turn(watching)
        clock.now += timedelta(minutes=5)

    assert 24 < attempts < 48
    assert len(receiver.received) == attempts + 1
    assert len(set(receiver.ids)) == 1
    assert watching.sent.delivered == 1


def test_pauses_double_up_to_an_hour_and_are_shortened_at_random() -> None:
    pauses = [Pending("id", "", attempt).pause_s(0) for attempt in range(1, LAST_ATTEMPT)]

    assert pauses[:3] == [FIRST_PAUSE_S, 2 * FIRST_PAUSE_S, 4 * FIRST_PAUSE_S]
    assert pauses[-1] == LONGEST_PAUSE_S
    assert Pending("id", "", 1).pause_s(1) == FIRST_PAUSE_S / 2


def test_an_alert_is_given_up_in_the_end_and_leaves_nothing_behind(
    put: Put, watch: Watches, receiver: Receiver, clock: Clock, redis: Redis, alert_keys: AlertKeys
) -> None:
    put()
    watching = watch()
    receiver.answers = [500] * 1000
    watching.look()
    redis.hset(alert_keys.attempts, receiver_id(redis, alert_keys), LAST_ATTEMPT - 1)

    turn(watching)
    clock.now += timedelta(days=1)
    turn(watching)

    assert len(receiver.received) == 1
    assert redis.exists(alert_keys.due, alert_keys.bodies, alert_keys.attempts) == 0


def receiver_id(redis: Redis, keys: AlertKeys) -> str:
    (alert_id,) = redis.hkeys(keys.bodies)
    return str(alert_id)


def test_one_who_sent_it_and_died_before_noting_that_has_it_sent_again_with_the_same_id(
    put: Put, watch: Watches, receiver: Receiver, clock: Clock
) -> None:
    put()
    dying = watch()
    dying.look()
    pending = dying._outbox.take(int(clock().timestamp() * 1000))
    assert pending
    dying._webhook.send(pending.alert_id, pending.body)  # and here it died

    successor = watch()
    turn(successor)
    assert len(receiver.received) == 1  # it could still be on its way
    clock.now += timedelta(milliseconds=LEASE_MS)
    turn(successor)
    clock.now += timedelta(milliseconds=LEASE_MS)
    turn(successor)

    first, second = receiver.ids
    assert first == second


def test_one_that_comes_back_late_puts_nothing_back_that_another_delivered(
    put: Put, watch: Watches, receiver: Receiver, clock: Clock, redis: Redis, alert_keys: AlertKeys
) -> None:
    put()
    late, other = watch(), watch()
    late.look()
    pending = late._outbox.take(int(clock().timestamp() * 1000))
    assert pending
    clock.now += timedelta(milliseconds=LEASE_MS)
    turn(other)

    late._try_later(pending, DeliveryFailed("timed out"))

    assert redis.exists(alert_keys.due) == 0
    assert len(receiver.received) == 1


def test_a_clock_that_jumps_ahead_and_back_ends_no_looks(
    put: Put, watch: Watches, receiver: Receiver, clock: Clock
) -> None:
    watching = watch()
    clock.now += timedelta(days=30)
    turn(watching)
    clock.now -= timedelta(days=30)
    put()

    turn(watching)

    assert len(receiver.received) == 1


def test_a_correction_that_comes_before_the_look_prevents_the_alarm_and_one_after_it_only_ends_the_incident(
    redis: Redis, redis_prefix: str, watch: Watches, receiver: Receiver, clock: Clock, alert_keys: AlertKeys
) -> None:
    shop, rule = Shop(redis, redis_prefix), {"name": "sudden", "window_days": 1, "baseline_days": 7}
    shop.count([written("kettle", days_ago=1 + number % 7) for number in range(100)])
    angry = [written("kettle", False) for _ in range(20)]
    shop.count(angry)
    shop.count([taken_back("kettle", one.review_id) for one in angry])
    watching = watch(rule)
    turn(watching)
    assert receiver.received == []

    shop.count(angry)
    clock.now += A_LOOK
    turn(watching)
    assert len(receiver.received) == 1

    shop.count([taken_back("kettle", one.review_id) for one in angry])
    ends = redis.zscore(alert_keys.open, "sudden:kettle")
    clock.now += A_LOOK
    turn(watching)
    assert len(receiver.received) == 1
    assert redis.zscore(alert_keys.open, "sudden:kettle") == ends  # and no longer


def test_texts_go_along_only_if_asked_for_and_masked(
    redis: Redis, redis_prefix: str, watch: Watches, receiver: Receiver, alert_keys: AlertKeys
) -> None:
    shop = Shop(redis, redis_prefix)
    shop.count([written("kettle", days_ago=1 + number % 7) for number in range(100)])
    shop.count(
        [written("kettle", False, text="Call me at +44 20 7946 0958!\n\x1b[31mNow.") for _ in range(20)]
    )
    small = {"window_days": 1, "baseline_days": 7}

    turn(watch({"name": "silent", **small}, {"name": "telling", "texts": 2, **small}))

    bodies = {json.loads(got.body)["data"]["rule"]: json.loads(got.body)["data"] for got in receiver.received}
    assert bodies["silent"]["texts"] == []
    assert [one["text"] for one in bodies["telling"]["texts"]] == ["Call me at [phone number]! �[31mNow."] * 2
    assert "Call me" not in str(redis.hgetall(alert_keys.opened))


def test_counts_that_changed_are_read_again_and_a_rebuilt_view_wholly(
    put: Put, watch: Watches, receiver: Receiver, clock: Clock, redis: Redis, keys: ViewKeys
) -> None:
    put("kettle", 30, 2)
    put("pan", 30, 2)
    watching = watch()
    turn(watching)
    put("kettle", 30, 20)
    redis.hset(keys.counts("pan", Channel.REVIEW, TODAY), "strong_negative", 20)  # and no new revision

    clock.now += A_LOOK
    turn(watching)
    assert told(receiver) == ["kettle"]

    redis.set(keys.generation, "another")
    clock.now += A_LOOK
    turn(watching)
    assert told(receiver) == ["kettle", "pan"]


def told(receiver: Receiver) -> list[str]:
    return [json.loads(got.body)["data"]["product_id"] for got in receiver.received]
