"""A view is made anew from a real topic while it is read and while aggregators count into it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from jobs import run_aggregator
from kafka import KafkaAdminClient, TopicPartition
from labelled import ScoredTopic, chunks, stream
from recounted import EVERY_DAY, assert_equal
from redis import Redis
from stored_keys import stored
from waiting import eventually

from consumers.aggregate.view import RedisView
from consumers.read.report import Verdict
from consumers.read.verify import verify
from consumers.rebuild.rebuild import abort, rebuild
from consumers.rebuild.replay import replay
from consumers.topic_reader import open_reader
from embedded import KafkaCluster
from schemas.errors import ConfigurationError, TopicIncomplete
from schemas.redis_keys import ViewKeys
from schemas.settings import ReaderSettings, RebuildSettings

PARTITIONS = 3
EVENTS = 120


class Cut(Exception):  # noqa: N818 -- it stands for SIGKILL
    """The rebuild ends here."""


def cut(*_: object) -> None:
    raise Cut


@pytest.fixture
def scored(kafka: KafkaCluster, redis: Redis, redis_url: str, topic_prefix: str) -> Iterator[ScoredTopic]:
    """A topic whose events are counted, in a view that was damaged since."""
    redis.flushdb()
    with ScoredTopic(kafka.bootstrap_servers, topic_prefix, PARTITIONS, redis_url) as topic:
        topic.publish(*stream(EVENTS))
        topic.ends()  # waits for the marker
        reader = ReaderSettings(**topic.environment())
        view = RedisView(redis, ViewKeys(topic.prefix), day_retention=EVERY_DAY, negatives_kept=100)
        with open_reader(reader, topic.name) as records:
            replay(records, view, topic.settings(), lambda _done, _total: None)
        keys = ViewKeys(topic.prefix)
        redis.hincrby(keys.product("product-1"), "reviews", 7)
        redis.delete(keys.labels("product-2"))
        redis.hset(keys.product("gone"), "reviews", "1")
        yield topic


@pytest.fixture
def settings(scored: ScoredTopic) -> RebuildSettings:
    return RebuildSettings(**scored.environment(), day_retention=EVERY_DAY)


@pytest.fixture
def keys(scored: ScoredTopic) -> ViewKeys:
    return ViewKeys(scored.prefix)


def test_a_damaged_view_equals_a_recount_afterwards_and_was_served_until_then(
    scored: ScoredTopic, settings: RebuildSettings, redis: Redis, keys: ViewKeys
) -> None:
    before, seen = stored(redis, keys), []

    def look(*_: object) -> None:
        now = stored(redis, keys)
        seen.append({name: held for name, held in now.items() if "rebuild" not in name})

    done = rebuild(settings, redis, progress=lambda *at: look(*at) if not seen else None)

    assert seen == [before]
    assert done.records == EVENTS
    assert not [name for name in stored(redis, keys) if "rebuild" in name or "gone" in name]
    assert_equal(scored, redis)


def test_aggregators_count_on_while_a_view_is_made_anew_again_and_again(
    scored: ScoredTopic, settings: RebuildSettings, redis: Redis
) -> None:
    with run_aggregator(scored.settings(apply_batch_size=7, day_retention=EVERY_DAY)) as running:
        for number, transaction in enumerate(chunks(stream(EVENTS, start=EVENTS), 15)):
            scored.publish(*transaction)
            if number in {2, 5}:
                rebuild(settings, redis, keys_a_call=100)

        assert_equal(scored, redis)
        assert running.worker.counts.applied >= 2 * 15  # what was published after the last rebuild


def test_a_replay_that_is_cut_short_goes_on_and_left_the_live_view_alone(
    scored: ScoredTopic, settings: RebuildSettings, redis: Redis, keys: ViewKeys
) -> None:
    before = stored(redis, keys)
    with pytest.raises(Cut):
        rebuild(settings, redis, progress=cut)
    during = stored(redis, keys)
    assert {name: held for name, held in during.items() if "rebuild" not in name} == before

    done = rebuild(settings, redis)

    assert done.records < EVENTS
    assert_equal(scored, redis)


def test_a_replay_under_other_settings_starts_over(
    scored: ScoredTopic, settings: RebuildSettings, redis: Redis
) -> None:
    with pytest.raises(Cut):
        rebuild(settings.model_copy(update={"negatives_kept": 1}), redis, progress=cut)

    done = rebuild(settings, redis)

    assert done.records == EVENTS
    assert_equal(scored, redis)


def test_a_shadow_of_a_topic_that_was_made_anew_is_refused_until_it_is_removed(
    scored: ScoredTopic, settings: RebuildSettings, redis: Redis, keys: ViewKeys
) -> None:
    with pytest.raises(Cut):
        rebuild(settings, redis, progress=cut)
    shadow = keys.shadow(str(redis.hget(keys.rebuild, "shadow")))
    redis.hset(shadow.offsets(scored.name), "0", "1000000")

    with pytest.raises(ConfigurationError, match="made anew"):
        rebuild(settings, redis)

    abort(redis, keys)
    rebuild(settings, redis)
    assert_equal(scored, redis)


def test_aggregators_wait_for_a_swap_that_was_cut_short_until_it_is_finished(
    scored: ScoredTopic, settings: RebuildSettings, redis: Redis, keys: ViewKeys
) -> None:
    with pytest.raises(Cut):
        rebuild(settings, redis, stage=lambda name: cut() if name == "swapping" else None)
    report = verify(ReaderSettings(**scored.environment()), redis, day_retention=EVERY_DAY)
    assert report.verdict is Verdict.UNVERIFIABLE
    assert "reviewstream rebuild" in report.reason
    scored.publish(*stream(30, start=EVENTS))
    with pytest.raises(ConfigurationError, match="finish it"):
        abort(redis, keys)

    with run_aggregator(scored.settings(day_retention=EVERY_DAY)) as running:
        eventually(lambda: running.worker.counts.redis_retries)
        assert running.worker.counts.applied == 0
        rebuild(settings, redis)

        assert_equal(scored, redis)


def test_a_verification_that_meets_a_swap_reads_the_new_view(
    scored: ScoredTopic, settings: RebuildSettings, redis: Redis, tmp_path: Path
) -> None:
    def swap_once(name: str, done: list[str] = []) -> None:  # noqa: B006 -- it remembers
        if name == "recounting" and not done:
            done.append(name)
            rebuild(settings, redis)
            raise Cut

    def look() -> Verdict:
        reader = ReaderSettings(**scored.environment())
        state = tmp_path / "state"
        return verify(reader, redis, day_retention=EVERY_DAY, state=state, stage=swap_once).verdict

    with pytest.raises(Cut):
        look()

    assert look() is Verdict.EQUAL


def test_a_rebuild_that_a_later_one_took_over_ends_and_changes_nothing(
    scored: ScoredTopic, settings: RebuildSettings, redis: Redis, keys: ViewKeys
) -> None:
    with pytest.raises(ConfigurationError, match="another rebuild"):
        rebuild(settings, redis, progress=lambda *_: rebuild(settings, redis) and None)

    assert_equal(scored, redis)
    abort(redis, keys)
    assert not [name for name in stored(redis, keys) if "rebuild" in name]


def test_a_topic_that_lost_its_beginning_is_not_replayed(
    scored: ScoredTopic, settings: RebuildSettings, redis: Redis, keys: ViewKeys
) -> None:
    before = stored(redis, keys)
    with KafkaAdminClient(bootstrap_servers=scored.servers) as admin:
        admin.delete_records({TopicPartition(scored.name, 0): 3})

    with pytest.raises(TopicIncomplete, match="lost its first records"):
        rebuild(settings, redis)

    now = stored(redis, keys)
    assert {name: held for name, held in now.items() if "rebuild" not in name} == before


def test_a_swap_that_was_changed_by_hand_is_refused(
    settings: RebuildSettings, redis: Redis, keys: ViewKeys
) -> None:
    with pytest.raises(Cut):
        rebuild(settings, redis, stage=lambda name: cut() if name == "swapping" else None)
    redis.hdel(keys.rebuild, "topic")

    with pytest.raises(ConfigurationError, match="changed by hand"):
        rebuild(settings, redis)
