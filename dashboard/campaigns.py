"""What campaigns brought: their counts, added up over products when they are asked for."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files
from itertools import islice

from redis.asyncio import Redis

from consumers.aggregate.contribution import MICROS
from consumers.read.counts import Counts
from dashboard.counts import DayCounts, counts_of
from dashboard.periods import Period
from dashboard.problems import Problem, ProblemError, page_beyond_end
from schemas.events import Channel
from schemas.redis_keys import Ranking, ViewKeys, parse_campaign_member

CAMPAIGNS, DAYS = ((files("dashboard") / name).read_text() for name in ("campaigns.lua", "campaign_days.lua"))

CAMPAIGNS_A_ROUND_TRIP = 100
"""With some products each, some milliseconds of Redis, which other readers wait for."""

MAX_CAMPAIGNS = 2_000
"""That are listed, the first by their ids; any other is found by its id."""

MAX_PRODUCTS = 200
"""Of one campaign, the first by their ids; the rest takes no part in its sums, and the answer says so."""

_NUMBERS = 6


@dataclass(frozen=True)
class Campaign:
    """One campaign in one channel, since ever."""

    campaign_id: str
    products: int
    """In which somebody answered to it."""
    counts: Counts


@dataclass(frozen=True)
class Campaigns:
    """One page of campaigns; pages count from 1."""

    campaigns: Sequence[Campaign]
    page: int
    pages: int
    total: int
    """With an answer in this channel."""
    left_out: int
    """Campaigns that take no part, for there are too many."""


@dataclass(frozen=True)
class OneCampaign:
    """One campaign in one channel."""

    campaign_id: str
    channel: Channel
    products: Sequence[tuple[str, Counts]]
    """Since ever, most answers first."""
    left_out: int
    """Products that take no part, for there are too many."""
    days: Sequence[DayCounts]


class CampaignReader:
    """Reads campaigns in a few round trips."""

    def __init__(self, redis: Redis, keys: ViewKeys) -> None:
        self._redis = redis
        self._keys = keys

    async def page(self, channel: Channel, ranking: Ranking, page: int, size: int) -> Campaigns:
        """Those with an answer in the channel, from the highest count down.

        Raises:
            ProblemError: there is no such page.
        """
        known = int(await self._redis.zcard(self._keys.campaigns))
        found = await self.ranked(channel, ranking)
        pages = -(-len(found) // size)
        if page > max(1, pages):
            raise page_beyond_end(page, pages)
        shown = found[(page - 1) * size : page * size]
        return Campaigns(shown, page, pages, len(found), max(0, known - MAX_CAMPAIGNS))

    async def ranked(self, channel: Channel, ranking: Ranking) -> list[Campaign]:
        """All of them, of the first ``MAX_CAMPAIGNS`` by id."""
        found = [one for one in await self._all(channel) if one.counts.reviews]
        found.sort(key=lambda one: (-getattr(one.counts, ranking.value), one.campaign_id))
        return found

    async def one(self, campaign_id: str, channel: Channel, period: Period) -> OneCampaign:
        """A campaign with its products, and every day of the period.

        Raises:
            ProblemError: nobody ever answered to it.
        """
        members = await self._redis.zrange(self._keys.campaign(campaign_id), 0, -1)
        if not members:
            raise unknown_campaign(campaign_id)
        places = [parse_campaign_member(str(member)) for member in members]
        of_channel = [product_id for found, product_id in places if found is channel]
        shown = of_channel[:MAX_PRODUCTS]
        pipeline = self._redis.pipeline(transaction=False)
        names = [self._keys.counts(product_id, channel, None, campaign_id) for product_id in shown]
        for name in names:
            pipeline.hgetall(name)
        pipeline.eval_ro(DAYS, len(names), *names, *(day.isoformat() for day in period))
        *stored, text = await pipeline.execute()
        products = [
            (product_id, Counts.of(hashed))
            for product_id, hashed in zip(shown, stored, strict=True)
            if hashed
        ]
        products.sort(key=lambda one: (-one[1].reviews, one[0]))
        sums = iter(json.loads(text))
        days = [(day, _counts(list(islice(sums, _NUMBERS)))) for day in period]
        return OneCampaign(campaign_id, channel, products, len(of_channel) - len(shown), days)

    async def _all(self, channel: Channel) -> list[Campaign]:
        start, found = self._keys.product("").removesuffix("}"), []
        for first in range(0, MAX_CAMPAIGNS, CAMPAIGNS_A_ROUND_TRIP):
            last = first + CAMPAIGNS_A_ROUND_TRIP - 1
            text = await self._redis.eval_ro(
                CAMPAIGNS, 1, self._keys.campaigns, start, channel.value, str(first), str(last)
            )
            told = iter(json.loads(str(text)) or ())
            some = [
                Campaign(campaign_id, int(next(told)), _counts(list(islice(told, _NUMBERS))))
                for campaign_id in told
            ]
            found += some
            if len(some) < CAMPAIGNS_A_ROUND_TRIP:
                break
        return found


def unknown_campaign(campaign_id: str) -> ProblemError:
    """Nobody ever answered to it."""
    detail = f"No review was ever counted for campaign {campaign_id!r}."
    return ProblemError(Problem("unknown-campaign", 404, "Unknown campaign", detail))


def _counts(numbers: Sequence[str]) -> Counts:
    *fields, micros = map(int, numbers)
    return counts_of(fields, Decimal(micros) / MICROS)
