"""The view in Redis: applies labelled events so that repeating any of them changes nothing."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Any
from uuid import uuid4

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import NoScriptError, RedisError

from consumers.aggregate.labels import StoredLabel, scored_day
from consumers.aggregate.negatives import list_entry
from consumers.aggregate.relabel import PositionedLabel
from schemas.errors import ConfigurationError
from schemas.events import Channel, ScoredReview
from schemas.redis_keys import SWAP, Ranking, ViewKeys, noted_label_retention, partition_offsets
from schemas.refusals import WHERE_PERMISSIONS_STAND

APPLY, ADVANCE, RANK, FORGET, PERMISSIONS = (
    (files("consumers.aggregate") / name).read_text()
    for name in ("apply.lua", "advance.lua", "rank.lua", "forget.lua", "permissions.lua")
)


def commands(*scripts: str) -> list[str]:
    """What scripts do to keys."""
    return sorted(set(re.findall(r"redis\.call\('(\w+)'", "".join(scripts))))


COMMANDS = commands(APPLY, ADVANCE, RANK)
COMMANDS_TO_FORGET = commands(APPLY, ADVANCE, RANK, FORGET)
"""Where labels are forgotten."""

RANKINGS = (Ranking.REVIEWS, Ranking.POSITIVE, Ranking.NEGATIVE, Ranking.STRONG_NEGATIVE)
"""In the order in which ``apply.lua`` returns their values."""


@dataclass(frozen=True, slots=True)
class PositionedEvent:
    """A labelled event and where it stands in the scored topic."""

    partition: int
    offset: int
    scored: ScoredReview

    @property
    def product_id(self) -> str:
        return self.scored.product_id


class SwapUnderWay(RedisError):  # noqa: N818 -- what it says is that Redis takes no counts for a moment
    """A rebuilt view is taking the place of the live one: wait as for a Redis that is away."""


class RedisView:
    """Counts, labels, negatives, rankings and offsets under one prefix.

    Every write says which offset it believes to be stored for its partition, and which batch it counted since; it does
    nothing if that is not so. So a Redis that lost its latest writes is noticed before anything is built on what is
    missing: the history of a server is a beginning of the history of the one that it replaces. A rebuilt view that took
    this one's place is noticed alike, for it has no marks.
    """

    def __init__(
        self,
        redis: Redis,
        keys: ViewKeys,
        *,
        day_retention: int,
        negatives_kept: int,
        label_retention: int | None = None,
        uncertain_kept: int = 0,
        customer_retention: int = 90,
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._uncertain_kept = uncertain_kept
        self._label_retention = label_retention
        self._day_retention = day_retention
        self._negatives_kept = negatives_kept
        self._customer_retention = customer_retention
        self._scripts: dict[str, str] = {}
        self._marks: defaultdict[str, dict[int, str]] = defaultdict(dict)
        """Of each topic and partition of which we counted something since its offset was stored: the mark that proves it."""

    def offsets(self, topic: str) -> dict[int, int]:
        """Next offset to apply of each partition that was ever applied.

        Raises:
            SwapUnderWay: a rebuilt view is taking the place of this one.
            ConfigurationError: the view was counted under another label retention.
        """
        with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.hexists(self._keys.rebuild, SWAP)
            pipeline.hgetall(self._keys.offsets(topic))
            swapping, stored = pipeline.execute()
        if swapping:
            raise SwapUnderWay(
                "a rebuilt view is taking the place of the old one; if that was cut short, run reviewstream rebuild again"
            )
        if stored and (noted := noted_label_retention(stored)) != self._label_retention:
            raise ConfigurationError(
                f"the counts under {self._keys.prefix!r} were made with {_retention_text(noted)}, and this process has "
                f"{_retention_text(self._label_retention)}: start it with the former, or count anew with the latter by "
                "reviewstream rebuild"
            )
        return partition_offsets(stored)

    def require_permissions(self, topic: str) -> None:
        """See that our user may run every command of the scripts on every kind of key.

        A script that is denied a command halfway has written half of what it should, and Redis takes nothing back.

        Raises:
            ConfigurationError: it may not.
            RedisError: there is no answer, or not even this question is allowed.
        """
        product = "any"
        keys = [
            self._keys.product(product),
            self._keys.counts(product, Channel.SUPPORT, date.min),
            self._keys.labels(product),
            self._keys.negatives(product),
            self._keys.applied(product),
            self._keys.uncertain(product),
            self._keys.relabels(product),
            self._keys.campaigns,
            self._keys.campaign("any"),
            self._keys.customers,
            self._keys.customer("any"),
            self._keys.offsets(topic),
            self._keys.marks(topic),
            self._keys.rebuild,
            *(self._keys.ranking(ranking) for ranking in RANKINGS),
            *(self._keys.ranking_revisions(ranking) for ranking in RANKINGS),
        ]
        question = self._redis.script_load(PERMISSIONS)
        wanted = COMMANDS if self._label_retention is None else COMMANDS_TO_FORGET
        if denied := self._redis.evalsha(question, 0, len(wanted), *wanted, *keys):
            more = f" and {len(denied) - 1} more" if len(denied) > 1 else ""
            raise ConfigurationError(f"Redis denies this user {denied[0]}{more}; {WHERE_PERMISSIONS_STAND}")

    def advance(self, topic: str, steps: Mapping[int, tuple[int | None, int]]) -> set[int]:
        """Store where to go on; call it after ``apply``, so that a crash between them only replays.

        Args:
            topic: of the partitions.
            steps: partition -> the offset that is stored as far as known (None for none), and the next.

        Returns:
            The partitions that hold another offset, or lost what was counted since, and were left alone.
        """
        arguments: list[str | int] = [self._label_retention or ""]
        for partition, (known, following) in steps.items():
            mark = self._marks[topic].get(partition, "")
            arguments += [partition, "" if known is None else known, mark, following]
        keys = self._keys.offsets(topic), self._keys.marks(topic), self._keys.rebuild

        def advance(pipeline: Pipeline) -> None:
            pipeline.evalsha(self._scripts[ADVANCE], len(keys), *keys, *arguments)

        (others,) = self._run(advance)
        self._forget_marks(topic, steps)
        return set(others)

    def apply(
        self, topic: str, events: Sequence[PositionedEvent | PositionedLabel], known: Mapping[int, int]
    ) -> set[int]:
        """Count ``events``, given in offset order of each partition, in two round trips.

        Args:
            topic: where the events stand.
            events: labelled events of this topic, or what people say of them, where that is the topic.
            known: the offset that is stored for each partition, as far as known.

        Returns:
            The partitions that hold another offset, or lost what was counted since: read again from what they hold.

        Raises:
            RedisError: not all was applied; applying the same events again is right.
        """
        by_product: dict[tuple[str, int], list[str | int]] = defaultdict(list)
        for event in events:
            by_product[event.product_id, event.partition] += self._arguments(topic, event)
        batch = uuid4().hex
        marks = dict(self._marks[topic])
        calls = []
        for number, ((product_id, partition), arguments) in enumerate(by_product.items()):
            before, marks[partition] = marks.get(partition, ""), f"{batch}:{number}"
            calls.append(
                [
                    self._keys.product(product_id),
                    self._keys.labels(product_id),
                    self._keys.negatives(product_id),
                    self._keys.applied(product_id),
                    self._keys.offsets(topic),
                    self._keys.marks(topic),
                    self._keys.rebuild,
                    self._keys.uncertain(product_id),
                    self._keys.relabels(product_id),
                    self._keys.campaigns,
                    self._keys.customers,
                    topic,
                    partition,
                    known[partition],
                    before,
                    marks[partition],
                    self._negatives_kept,
                    self._day_retention,
                    self._label_retention or "",
                    self._uncertain_kept,
                    self._customer_retention,
                    product_id,
                    *arguments,
                ]
            )

        def apply(pipeline: Pipeline) -> None:
            for call in calls:
                pipeline.evalsha(self._scripts[APPLY], 11, *call)

        others = set()
        ranked = {}
        for (product_id, partition), values in zip(by_product, self._run(apply), strict=True):
            if values is None:
                others.add(partition)
            else:
                ranked[product_id] = values
        self._forget_marks(topic, others)
        if ranked:
            counted = {partition: marks[partition] for _, partition in by_product if partition not in others}
            self._marks[topic] |= self._rank(topic, ranked, counted, batch)
            if self._label_retention is not None:
                self._forget_labels(topic, ranked, self._label_retention)
        return others

    def _arguments(self, topic: str, event: PositionedEvent | PositionedLabel) -> list[str | int]:
        if isinstance(event, PositionedLabel):
            return event.arguments()
        label = StoredLabel.of(event.scored)
        return [
            event.offset,
            event.scored.review_id,
            "" if label is None else label.encode(),
            event.scored.scored_at.isoformat(),
            list_entry(event.scored, topic, event.partition, event.offset, uncertain=self._uncertain_kept > 0)
            or "",
            *(() if self._label_retention is None else (scored_day(event.scored),)),
        ]

    def _rank(
        self, topic: str, ranked: Mapping[str, Sequence[int]], marks: Mapping[int, str], batch: str
    ) -> dict[int, str]:
        """Write the rankings; returns the marks that are left then, given those that are left by now."""
        calls = []
        for column, ranking in enumerate(RANKINGS, start=1):
            mark = f"{batch}:{ranking}"
            arguments: list[str | int] = [mark, len(marks)]
            for partition, before in marks.items():
                arguments += [partition, before]
            for product_id, values in ranked.items():
                arguments += [product_id, values[column], values[0]]
            keys = self._keys.ranking(ranking), self._keys.ranking_revisions(ranking), self._keys.marks(topic)
            calls.append([*keys, *arguments])
            marks = dict.fromkeys(marks, mark)

        def rank(pipeline: Pipeline) -> None:
            for call in calls:
                pipeline.evalsha(self._scripts[RANK], 3, *call)

        self._run(rank)
        return dict(marks)

    def _forget_labels(self, topic: str, product_ids: Iterable[str], retention: int) -> None:
        """Free the memory of some labels that count for nothing more."""
        calls = [
            (
                self._keys.labels(product_id),
                self._keys.applied(product_id),
                self._keys.offsets(topic),
                retention,
            )
            for product_id in product_ids
        ]

        def forget(pipeline: Pipeline) -> None:
            for call in calls:
                pipeline.evalsha(self._scripts[FORGET], 3, *call)

        self._run(forget)

    def _forget_marks(self, topic: str, partitions: Iterable[int]) -> None:
        for partition in partitions:
            self._marks[topic].pop(partition, None)

    def _run(self, queue: Callable[[Pipeline], None]) -> list[Any]:
        """Send the calls that ``queue`` puts into a pipeline; again if the server does not know our scripts.

        They are no transaction, and each may run twice.
        """
        if not self._scripts:
            self._load_scripts()
        try:
            return self._send(queue)
        except NoScriptError:  # the server was restarted
            self._load_scripts()
            return self._send(queue)

    def _send(self, queue: Callable[[Pipeline], None]) -> list[Any]:
        with self._redis.pipeline(transaction=False) as pipeline:
            queue(pipeline)
            results = pipeline.execute(raise_on_error=False)
        for result in results:
            if isinstance(result, RedisError):
                raise result
        return results

    def _load_scripts(self) -> None:
        self._scripts = {source: self._redis.script_load(source) for source in (APPLY, ADVANCE, RANK, FORGET)}


def _retention_text(days: int | None) -> str:
    return "no label retention" if days is None else f"label retention {days}"
