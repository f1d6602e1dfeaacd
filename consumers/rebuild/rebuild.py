"""Make the view anew beside the live one, then swap them.

What holds at every moment, whatever is killed:

- Until the swap the live view is left alone; the shadow stands under keys of its own. A rerun goes on where the shadow's
  offsets are, and the script that counts it makes replays harmless, as ever.
- During the swap no aggregator writes: the state of the rebuild has the field ``SWAP``, for which they wait as for a
  Redis that is away. A swap that is cut short is finished by a rerun.
- After it the view has the shadow's offsets and no marks. An aggregator goes on from these offsets: whatever it had
  begun on the old view is refused, for its mark is gone.
- The state names its owner. A rebuild that a later one took over swaps nothing; should both replay for a moment, they
  count into the shadow as two aggregators would.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from uuid import uuid4

from redis import Redis

from consumers.aggregate.view import RedisView
from consumers.rebuild.replay import Progress, replay
from consumers.rebuild.swap import KEYS_A_CALL, Swap
from consumers.topic_reader import open_reader
from schemas.errors import ConfigurationError, TopicIncomplete
from schemas.redis_keys import SWAP, Ranking, ViewKeys
from schemas.settings import RebuildSettings

SMALL_ROUND = 2_000
"""Records that were published during a round of the replay and are so few that the aggregator may take over."""

MAX_ROUNDS = 5
"""A topic that grows as fast as it is replayed is left to the aggregator in the end: its view is behind, not wrong."""

_KEYS_A_DELETE = 1_000


@dataclass(frozen=True)
class Rebuilt:
    """What a rebuild did."""

    records: int
    """Read from the topic by this call; a rebuild that was cut short had read others before."""
    keys: int
    """Moved into the live view or removed from it."""
    calls: int
    """Of the swap: 1 if readers saw it as one instant."""
    longest_call_s: float
    """Seconds for which Redis answered nobody else."""


def rebuild(
    settings: RebuildSettings,
    redis: Redis,
    *,
    stage: Callable[[str], object] = lambda _name: None,
    progress: Progress = lambda _done, _total: None,
    keys_a_call: int = KEYS_A_CALL,
) -> Rebuilt:
    """Replay the scored topic into a shadow view and put it in the live view's place. Aggregators may be running.

    Args:
        settings: where Kafka and the view are, and what the aggregator keeps.
        redis: a client with ``decode_responses``.
        stage: told what is being done.
        progress: told how much of it is done, of how much.
        keys_a_call: most keys that one call of the swap moves.

    Raises:
        TopicIncomplete: retention took the topic's first records, so a replay would lose what Redis may still have.
        MissingTopic: there is no scored topic.
        ServerUnavailable: Kafka was away for longer than the outage deadline.
        ConfigurationError: another rebuild took over.
    """
    keys = ViewKeys(settings.redis_prefix)
    owner = uuid4().hex
    swap = Swap(redis, keys, owner, keys_a_call=keys_a_call)
    records = 0
    if swap.begun:
        redis.hset(keys.rebuild, "owner", owner)
    else:
        with open_reader(settings, settings.scored_topic) as reader:
            _require_whole(reader.starts(), settings.scored_topic)
            if not _fits(redis, keys, settings) or _ahead(redis, keys, settings, reader.ends()):
                _remove_shadow(redis, keys)
                redis.hset(keys.rebuild, items=list(chain.from_iterable(_described(settings).items())))
            redis.hset(keys.rebuild, "owner", owner)
            view = RedisView(
                redis,
                keys.shadow,
                day_retention=settings.day_retention,
                negatives_kept=settings.negatives_kept,
            )
            stage("replaying")
            for _ in range(MAX_ROUNDS):
                read = replay(reader, view, progress)
                records += read
                if read <= SMALL_ROUND:
                    break
            _require_whole(reader.starts(), settings.scored_topic)
        swap.begin()
    stage("swapping")
    swap.finish(progress)
    return Rebuilt(records, swap.keys, swap.calls, swap.longest_call_s)


def abort(redis: Redis, keys: ViewKeys) -> None:
    """Remove what a rebuild has made so far; the live view is as it was.

    Raises:
        ConfigurationError: its swap has begun and can only be finished, by another rebuild.
    """
    if redis.hexists(keys.rebuild, SWAP):
        raise ConfigurationError("the swap has begun; finish it by running reviewstream rebuild again")
    _remove_shadow(redis, keys)


def _described(settings: RebuildSettings) -> dict[str, str]:
    """What makes a shadow: one of other settings cannot be gone on with."""
    return {
        "topic": settings.scored_topic,
        "day_retention": str(settings.day_retention),
        "negatives_kept": str(settings.negatives_kept),
    }


def _fits(redis: Redis, keys: ViewKeys, settings: RebuildSettings) -> bool:
    wanted = _described(settings)
    return bool(redis.hmget(keys.rebuild, list(wanted)) == list(wanted.values()))


def _ahead(redis: Redis, keys: ViewKeys, settings: RebuildSettings, ends: dict[int, int]) -> bool:
    """Whether the shadow is of a topic that was made anew since."""
    stored = redis.hgetall(keys.shadow.offsets(settings.scored_topic))
    return any(int(offset) > ends.get(int(partition), 0) for partition, offset in stored.items())


def _require_whole(starts: dict[int, int], topic: str) -> None:
    if cut := sorted(partition for partition, start in starts.items() if start > 0):
        raise TopicIncomplete(
            f"{topic} has lost its first records (partitions {cut}), by retention or by hand: a view made anew would lack "
            "them; the live one is left as it is"
        )


def _remove_shadow(redis: Redis, keys: ViewKeys) -> None:
    """The state first: a rebuild that is still at work cannot swap a shadow that is being removed."""
    shadow = keys.shadow
    redis.delete(keys.rebuild)
    waiting = [shadow.ranking_revisions(ranking) for ranking in Ranking]
    for key in redis.scan_iter(match=shadow.everything, count=_KEYS_A_DELETE):
        waiting.append(key)
        if len(waiting) >= _KEYS_A_DELETE:
            redis.unlink(*waiting)
            waiting.clear()
    if waiting:
        redis.unlink(*waiting)
