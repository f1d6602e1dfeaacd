"""Make the view anew beside the live one, then swap them.

What holds at every moment, whatever is killed:

- Until the swap the live view is left alone; the shadow stands under keys of its own. A rerun goes on where the shadow's
  offsets are, and the script that counts it makes replays harmless, as ever.
- During the swap no aggregator writes: the state of the rebuild has the field ``SWAP``, for which they wait as for a
  Redis that is away. A swap that is cut short is finished by a rerun.
- After it the view has the shadow's offsets and no marks. An aggregator goes on from these offsets: whatever it had
  begun on the old view is refused, for its mark is gone.
- The state names its owner and its shadow. A rebuild that a later one took over swaps nothing; should both replay for a
  moment, they count into the shadow as two aggregators would. A shadow that is given up is never used again.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any
from uuid import uuid4

from redis import Redis
from redis.client import Pipeline

from consumers.aggregate.view import RedisView
from consumers.rebuild.replay import Progress, replay
from consumers.rebuild.swap import KEYS_A_CALL, Swap
from consumers.topic_reader import TopicReader, open_reader
from schemas.errors import ConfigurationError, TopicIncomplete
from schemas.redis_keys import LABEL_RETENTION, SWAP, ViewKeys
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
    """Replay the scored topic, and what people say of it, into a shadow view and put it in the live view's place. Aggregators may be running.

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
    owner, records = uuid4().hex, 0
    with ExitStack() as stack:
        readers = [stack.enter_context(open_reader(settings, settings.scored_topic))]
        if settings.label_retention is None and _has_labels(settings, redis, keys, readers[0]):
            readers.append(stack.enter_context(open_reader(settings, settings.labels_topic)))
        _require_whole(readers)
        state = _claim(redis, keys, settings, owner)
        swap = Swap(redis, keys, state["shadow"], owner, keys_a_call=keys_a_call)
        if SWAP not in state:
            shadow = keys.shadow(state["shadow"])
            _remove_shadows(redis, keys, but=shadow)
            view = RedisView(
                redis,
                shadow,
                day_retention=settings.day_retention,
                negatives_kept=settings.negatives_kept,
                label_retention=settings.label_retention,
                uncertain_kept=settings.uncertain_kept,
                customer_retention=settings.customer_retention,
            )
            stage("replaying")
            for _ in range(MAX_ROUNDS):
                read = sum(replay(reader, view, settings, progress) for reader in readers)
                records += read
                if read <= SMALL_ROUND:
                    break
            _require_whole(readers)
            swap.begin()
    stage("swapping")
    swap.finish(progress)
    return Rebuilt(records, swap.keys, swap.calls, swap.longest_call_s)


def abort(redis: Redis, keys: ViewKeys) -> None:
    """Remove what a rebuild has made so far; the live view is as it was.

    Raises:
        ConfigurationError: its swap has begun and can only be finished, by another rebuild.
    """

    def forget(pipeline: Pipeline) -> None:
        if pipeline.hexists(keys.rebuild, SWAP):
            raise ConfigurationError("the swap has begun; finish it by running reviewstream rebuild again")
        pipeline.multi()
        pipeline.delete(keys.rebuild)

    redis.transaction(forget, keys.rebuild)
    _remove_shadows(redis, keys)


def _claim(redis: Redis, keys: ViewKeys, settings: RebuildSettings, owner: str) -> dict[str, str]:
    """Take over the rebuild that was cut short, or begin one, in one step; returns its state.

    A shadow of other settings is given up for another one, which has a name of its own: should somebody still write to
    the old one, nobody will read it.
    """
    wanted = {
        "topic": settings.scored_topic,
        "labels_topic": settings.labels_topic,
        "day_retention": str(settings.day_retention),
        "negatives_kept": str(settings.negatives_kept),
        "uncertain_kept": str(settings.uncertain_kept),
        "customer_retention": str(settings.customer_retention),
        LABEL_RETENTION: str(settings.label_retention or ""),
    }

    state: dict[str, str] = {}

    def claim(pipeline: Any) -> None:  # it answers at once until ``multi``, which its type does not tell
        found: dict[str, str] = pipeline.hgetall(keys.rebuild)
        state.clear()  # of an attempt that met another
        state.update(
            found if SWAP in found or wanted.items() <= found.items() else wanted | {"shadow": owner}
        )
        state["owner"] = owner
        pipeline.multi()
        pipeline.delete(keys.rebuild)
        pipeline.hset(keys.rebuild, items=list(chain.from_iterable(state.items())))

    redis.transaction(claim, keys.rebuild)
    return state


def _has_labels(settings: RebuildSettings, redis: Redis, keys: ViewKeys, reader: TopicReader) -> bool:
    """Whether there is a topic of labels, or must be, for Redis has counted some."""
    return reader.lists(settings.labels_topic) or bool(redis.exists(keys.offsets(settings.labels_topic)))


def _require_whole(readers: Sequence[TopicReader]) -> None:
    for reader in readers:
        if cut := sorted(partition for partition, start in reader.starts().items() if start > 0):
            raise TopicIncomplete(
                f"{reader.topic} has lost its first records (partitions {cut}), by retention or by hand: a view made anew "
                "would lack them; the live one is left as it is"
            )


def _remove_shadows(redis: Redis, keys: ViewKeys, but: ViewKeys | None = None) -> None:
    for pattern in keys.all_shadows:
        found = redis.scan_iter(match=pattern, count=_KEYS_A_DELETE)
        others = (key for key in found if but is None or but.prefix not in key)
        while batch := list(islice(others, _KEYS_A_DELETE)):
            redis.unlink(*batch)
