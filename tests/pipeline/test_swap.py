"""A shadow view takes the place of a live one, at any moment of an aggregator's work, and however often it is cut short."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from labelled import NOW, labelled
from redis import Redis
from redis.client import Pipeline
from stored_keys import stored

from consumers.aggregate.view import PositionedEvent, RedisView, SwapUnderWay
from consumers.rebuild.rebuild import abort
from consumers.rebuild.swap import Swap
from schemas.errors import ConfigurationError
from schemas.events import Channel
from schemas.redis_keys import SWAP, Ranking, ViewKeys

TOPIC = "reviews.scored"
TODAY = datetime.now(UTC)
"""What customers wrote long ago is not kept."""

EVENTS = [
    PositionedEvent(0, offset, event)
    for offset, event in enumerate(
        [
            labelled("r1", text="bad"),
            labelled("r2", "pan", text="good"),
            labelled("r1", text="good", minute=1),
            labelled("r3", channel=Channel.AD, minute=2),
            labelled("r2", "pan", text=None, minute=3),
            labelled("r4", "pot", minute=4),
            labelled("r1", text="worse", minute=5),
            labelled("r5", text="bad", minute=6, campaign_id="summer", customer="0" * 32, created_at=TODAY),
            labelled(
                "r5", "pan", text="bad", minute=7, campaign_id="winter", customer="0" * 32, created_at=TODAY
            ),
        ]
    )
]
SHADOW = "shadow"
STEP = 2
"""Events that the aggregator applies at a time."""


class Cut(Exception):  # noqa: N818 -- it stands for SIGKILL
    """The process ends here."""


class WatchedRedis(Redis):
    """Calls ``turn`` before each command and each transaction."""

    turn: Callable[[], object]

    def execute_command(self, *args: Any, **options: Any) -> Any:
        self.turn()
        return super().execute_command(*args, **options)

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        watched = self

        class WatchedPipeline(Pipeline):
            def execute(self, raise_on_error: bool = True) -> list[Any]:
                if transaction:
                    watched.turn()
                    return super().execute(raise_on_error)
                return [watched.execute_command(*args, **options) for args, options in self.command_stack]

        return WatchedPipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)


@contextmanager
def watched(redis: Redis, turn: Callable[[], object]) -> Iterator[WatchedRedis]:
    with WatchedRedis(connection_pool=redis.connection_pool) as client:
        client.turn = turn
        yield client


def view_of(redis: Redis, keys: ViewKeys) -> RedisView:
    return RedisView(redis, keys, day_retention=10_000, negatives_kept=100)


def aggregate(
    view: RedisView, events: Sequence[PositionedEvent], wait: Callable[[], object] = lambda: None
) -> None:
    """What an aggregator does until Redis says that all is applied; it waits for a swap that is under way."""
    place: int | None = None
    while True:
        if place is None:
            try:
                found = view.offsets(TOPIC).get(0)
            except SwapUnderWay:
                wait()
                continue
            if not view.advance(TOPIC, {0: (found, found or 0)}):
                place = found or 0
            continue
        batch = events[place : place + STEP]
        following = place + len(batch)
        refused = batch and view.apply(TOPIC, batch, {0: place})
        if refused or view.advance(TOPIC, {0: (place, following)}):
            place = None
        elif not batch:
            return
        else:
            place = following


@pytest.fixture
def right(redis: Redis) -> dict[str, Any]:
    """What a view of all events holds."""
    keys = ViewKeys(f"{uuid4().hex}:")
    aggregate(view_of(redis, keys), EVENTS)
    return stored(redis, keys)


@pytest.fixture
def wrong(redis: Redis) -> ViewKeys:
    """The keys of a view that counts what is not so, knows a product that is not there, and lacks the last events."""
    return falsified(redis)


def falsified(redis: Redis) -> ViewKeys:
    """Such a view, in a database of its own."""
    redis.flushdb()
    keys = ViewKeys(f"{uuid4().hex}:")
    aggregate(view_of(redis, keys), EVENTS[:4])
    redis.hincrby(keys.product("kettle"), "reviews", 5)
    redis.hset(keys.labels("kettle"), "r9", "rPk12ofvk")
    redis.hset(keys.counts("kettle", Channel.SOCIAL, NOW.date()), "reviews", "2")
    redis.hset(keys.product("gone"), "reviews", "1")
    redis.hset(keys.applied("gone"), f"{TOPIC}:0", "3")
    redis.set(f"{keys.product('gone')}:likes", "1")
    redis.hset(keys.offsets("another.topic"), "0", "7")
    redis.zadd(keys.ranking(Ranking.REVIEWS), {"gone": 1})
    return keys


def shadow(redis: Redis, keys: ViewKeys, events: int = len(EVENTS)) -> str:
    """Make a shadow of the first events; returns who owns it."""
    owner = uuid4().hex
    redis.hset(keys.rebuild, mapping={"topic": TOPIC, "owner": owner, "shadow": SHADOW})
    aggregate(view_of(redis, keys.shadow(SHADOW)), EVENTS[:events])
    return owner


def swap(redis: Redis, keys: ViewKeys, owner: str, keys_a_call: int = 1000) -> Swap:
    swapped = Swap(redis, keys, SHADOW, owner, keys_a_call=keys_a_call)
    swapped.begin()
    swapped.finish()
    return swapped


def test_the_view_is_the_shadow_and_nothing_else_is_left(
    redis: Redis, wrong: ViewKeys, right: dict[str, Any]
) -> None:
    done = swap(redis, wrong, shadow(redis, wrong))

    assert stored(redis, wrong) == right
    assert done.calls == 1


def test_a_first_view_is_made_where_there_was_none(redis: Redis, right: dict[str, Any]) -> None:
    keys = ViewKeys(f"{uuid4().hex}:")

    swap(redis, keys, shadow(redis, keys))

    assert stored(redis, keys) == right


@pytest.mark.parametrize(("replayed", "held_up"), [(4, False), (len(EVENTS), True)])
def test_a_swap_between_any_two_commands_of_an_aggregator_loses_nothing_and_doubles_nothing(
    redis: Redis, right: dict[str, Any], replayed: int, held_up: bool
) -> None:
    for moment in count():
        keys = falsified(redis)
        swapped, commands = Swap(redis, keys, SHADOW, shadow(redis, keys, replayed)), count()

        def turn(swapped: Swap = swapped, commands: Iterator[int] = commands) -> None:
            if next(commands) == moment:  # noqa: B023 -- called within this round
                swapped.begin()
                if not held_up:
                    swapped.finish()

        with watched(redis, turn) as client:
            aggregate(view_of(client, keys), EVENTS, wait=swapped.finish)
        if next(commands) <= moment:
            break
        assert stored(redis, keys) == right, f"swapped before command {moment}"
    assert moment > 5


@pytest.mark.parametrize("keys_a_call", [4, 1000])
def test_a_swap_that_is_cut_short_at_any_command_is_finished_by_another(
    redis: Redis, right: dict[str, Any], keys_a_call: int
) -> None:
    for moment in count():
        keys, cuts = falsified(redis), count()
        owner = shadow(redis, keys)

        def turn(cuts: Iterator[int] = cuts) -> None:
            if next(cuts) == moment:  # noqa: B023 -- called within this round
                raise Cut

        try:
            with watched(redis, turn) as client:
                swap(client, keys, owner, keys_a_call)
        except Cut:
            owner = uuid4().hex
            redis.hset(keys.rebuild, "owner", owner)
            again = Swap(redis, keys, SHADOW, owner, keys_a_call=keys_a_call)
            if not redis.hexists(keys.rebuild, SWAP):
                again.begin()
            again.finish()
            assert stored(redis, keys) == right, f"cut before command {moment}"
        else:
            break
    assert moment > 5


def test_a_swap_of_many_calls_changes_each_product_at_one_instant(
    redis: Redis, wrong: ViewKeys, right: dict[str, Any]
) -> None:
    owner = shadow(redis, wrong)
    before = stored(redis, wrong)

    def whole() -> None:
        now = stored(redis, wrong)
        for product in ("kettle", "pan", "pot", "gone"):
            assert _of(now, product) in (_of(before, product), _of(right, product))

    with watched(redis, whole) as client:
        done = swap(client, wrong, owner, keys_a_call=1)

    assert done.calls > 3


def _of(state: dict[str, Any], product: str) -> dict[str, Any]:
    """What a view holds of a product, without a key that is none of the view's."""
    start = f"product:{{{product}}}"
    return {name: held for name, held in state.items() if name.startswith(start) and "likes" not in name}


def test_nobody_writes_while_a_swap_is_under_way(redis: Redis, wrong: ViewKeys) -> None:
    view, owner = view_of(redis, wrong), shadow(redis, wrong)
    view.offsets(TOPIC)
    Swap(redis, wrong, SHADOW, owner).begin()
    before = stored(redis, wrong)

    assert view.apply(TOPIC, EVENTS[4:], {0: 4}) == {0}
    assert view.advance(TOPIC, {0: (4, 6)}) == {0}
    with pytest.raises(SwapUnderWay, match="reviewstream rebuild"):
        view.offsets(TOPIC)
    assert stored(redis, wrong) == before


def test_a_rebuild_that_another_one_took_over_swaps_nothing(redis: Redis, wrong: ViewKeys) -> None:
    first = shadow(redis, wrong)
    second = shadow(redis, wrong)

    with pytest.raises(ConfigurationError, match="another rebuild"):
        Swap(redis, wrong, SHADOW, first).begin()

    assert redis.hgetall(wrong.rebuild) == {"topic": TOPIC, "owner": second, "shadow": SHADOW}


def test_nobody_writes_to_the_shadow_that_is_being_swapped_in(redis: Redis, wrong: ViewKeys) -> None:
    owner = shadow(redis, wrong, 4)
    late = view_of(redis, wrong.shadow(SHADOW))
    late.offsets(TOPIC)
    Swap(redis, wrong, SHADOW, owner).begin()

    assert late.apply(TOPIC, EVENTS[4:], {0: 4}) == {0}
    with pytest.raises(SwapUnderWay):
        late.offsets(TOPIC)


def test_an_abort_leaves_nothing_but_the_live_view(redis: Redis, wrong: ViewKeys) -> None:
    before = stored(redis, wrong)
    shadow(redis, wrong)

    abort(redis, wrong)

    assert stored(redis, wrong) == before


def test_a_swap_that_has_begun_cannot_be_aborted(redis: Redis, wrong: ViewKeys) -> None:
    Swap(redis, wrong, SHADOW, shadow(redis, wrong)).begin()

    with pytest.raises(ConfigurationError, match="finish it"):
        abort(redis, wrong)
