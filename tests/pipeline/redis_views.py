"""A view on a real Redis, all that it holds, and what it must hold by the fold."""

import json
import time
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

from redis import Redis

from consumers.aggregate.contribution import Contribution, days_since_1970, encode_meaning, score_text
from consumers.aggregate.fold import Fold
from consumers.aggregate.relabel import relabel_place
from consumers.aggregate.view import PositionedEvent, RedisView
from schemas.events import ScoredReview
from schemas.redis_keys import (
    CLOCK,
    RISK_FROM,
    UPDATED_AT,
    Counter,
    Ranking,
    ViewKeys,
    campaign_member,
    strong_negative_member,
)

TOPIC = "reviews.scored"
DAY_RETENTION = 400
CUSTOMER_RETENTION = 90
KNOWN = {0: 0, 1: 0, 2: 0}


class View:
    """A view under a prefix of its own, in whose topic nothing is stored as applied yet."""

    def __init__(
        self,
        redis: Redis,
        negatives_kept: int = 100,
        label_retention: int | None = None,
        uncertain_kept: int = 0,
    ) -> None:
        self.redis = redis
        self.keys = ViewKeys(f"{uuid4().hex}:")
        self.view = self.another(negatives_kept, label_retention, uncertain_kept)
        self.view.advance(TOPIC, {partition: (None, offset) for partition, offset in KNOWN.items()})

    def another(
        self, negatives_kept: int = 100, label_retention: int | None = None, uncertain_kept: int = 0
    ) -> RedisView:
        """As a second aggregator has it."""
        return RedisView(
            self.redis,
            self.keys,
            day_retention=DAY_RETENTION,
            negatives_kept=negatives_kept,
            label_retention=label_retention,
            uncertain_kept=uncertain_kept,
            customer_retention=CUSTOMER_RETENTION,
        )

    def apply(self, *applied: ScoredReview, first_offset: int = 0) -> None:
        """Count events that stand in partition 0."""
        self.view.apply(TOPIC, positioned(applied, first_offset), KNOWN)

    def dump(self) -> dict[str, object]:
        """Every key with all that it holds, days with the second of their expiry."""
        return {key: self._content(key) for key in self.redis.scan_iter(match=f"*{self.keys.prefix}*")}

    def _content(self, key: str) -> object:
        kind = self.redis.type(key)
        if kind == "zset":
            members: Any = self.redis.zrange(key, 0, -1, withscores=True)
            of_campaigns = key.startswith(self.keys.campaigns)
            return dict.fromkeys(dict(members), MEMBER) if of_campaigns else dict(members)
        if kind == "list":
            return [json.loads(entry)["review_id"] for entry in self.redis.lrange(key, 0, -1)]
        return self.redis.hgetall(key) | {"expires": self.redis.expiretime(key)}


def positioned(applied: Iterable[ScoredReview], first_offset: int = 0) -> list[PositionedEvent]:
    """Events of partition 0, one after the other."""
    return [PositionedEvent(0, offset, event) for offset, event in enumerate(applied, first_offset)]


def expected(fold: Fold, keys: ViewKeys) -> dict[str, object]:
    """What ``dump`` must show, but for the rankings' revisions and the marks of batches."""
    dump: dict[str, Any] = {keys.offsets(TOPIC): dict.fromkeys("012", "0") | {"expires": -1}}
    for place, counters in fold.counts.items():
        product_id, channel, day, *campaigns = place
        fields: dict[str, object] = {
            str(counter): score_text(value) if counter is Counter.SCORE_SUM else str(value)
            for counter, value in counters.items()
        }
        fields[UPDATED_AT] = fold.updated_at[place]
        fields["expires"] = -1 if day is None else expiry(day)
        if day is None or expiry(day) > time.time():
            dump[keys.counts(*place)] = fields
        for campaign_id in campaigns:
            dump.setdefault(keys.campaigns, {})[campaign_id] = MEMBER
            dump.setdefault(keys.campaign(campaign_id), {})[campaign_member(channel, product_id)] = MEMBER
    for product_id, labels in fold.labels.items():
        dump[keys.labels(product_id)] = {
            review_id: contribution.encode() for review_id, contribution in labels.items()
        } | {"expires": -1}
    for product_id, applied in fold.applied.items():
        clock = {CLOCK: str(fold.clocks[product_id])} if fold.clocks else {}
        dump[keys.applied(product_id)] = {
            **{place: str(offset) for place, offset in applied.items()},
            **clock,
            "expires": -1,
        }
    for product_id, review_ids in fold.negatives.items():
        dump[keys.negatives(product_id)] = review_ids
    for product_id, review_ids in fold.uncertain.items():
        dump[keys.uncertain(product_id)] = review_ids
    for product_id, relabels in fold.relabels.items():
        dump[keys.relabels(product_id)] = {
            relabel_place(said, review_id): encode_meaning(meaning)
            for (review_id, said), meaning in relabels.items()
        } | {"expires": -1}
    dump |= expected_customers(fold, keys)
    for ranking in Ranking:
        dump[keys.ranking(ranking)] = dict.fromkeys(fold.applied, 0.0) | fold.ranking(ranking)
    return dump


def expected_customers(fold: Fold, keys: ViewKeys) -> dict[str, object]:
    """The strong negatives of each customer that are recent, and who has several."""
    dump: dict[str, Any] = {}
    oldest = days_since_1970(datetime.now(UTC).date()) - CUSTOMER_RETENTION
    for customer, reviews in fold.customers.items():
        kept = {strong_negative_member(*review): day for review, day in reviews.items() if day >= oldest}
        dump[keys.customer(customer)] = kept
        if len(kept) >= RISK_FROM:
            dump.setdefault(keys.customers, {})[customer] = max(kept.values())
    return dump


MEMBER = "member"
"""In place of a score of 0, which elsewhere equals what is not there."""


def expiry(day: date) -> int:
    """The second at which the counts of a day go."""
    midnight = datetime.combine(day, datetime.min.time(), UTC)
    return int((midnight - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(seconds=1)) + 401 * 86400


def comparable(dump: dict[str, object]) -> dict[str, object]:
    """Without counters of 0 and empty keys, which equal what is not there, and without revisions and marks."""
    kept = {}
    for key, content in dump.items():
        if isinstance(content, dict):
            content = {name: value for name, value in content.items() if not is_zero(name, value)}  # noqa: PLW2901
        if content not in ({}, [], {"expires": -1}) and not key.endswith((":revisions", f"marks:{TOPIC}")):
            kept[key] = content
    return kept


def is_zero(name: str, value: object) -> bool:
    return value == 0.0 or (name in set(Counter) and value in ("0", "0.000000"))


def encoded(event: ScoredReview) -> str:
    """As which Redis remembers it."""
    contribution = Contribution.of(event)
    assert contribution is not None
    return contribution.encode()
