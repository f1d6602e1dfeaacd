"""What is said of the brand on social media: the overview of that channel, who is talked of, and what was written."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from consumers.read.counts import Counts
from dashboard.counts import CountsReader, StrongNegative
from dashboard.index import ProductIndex
from dashboard.overview import Overview, Overviews
from schemas.events import Channel

LISTED = 10

LOOKED_AT = 30
"""Products whose latest strong negatives are looked through, those with most of them on social media first."""

POSTS_SHOWN = 20


@dataclass(frozen=True)
class Talk:
    """A product in the period and in the one before."""

    product_id: str
    now: Counts
    before: Counts


@dataclass(frozen=True)
class Post:
    """A strongly negative post of the period."""

    product_id: str
    written: StrongNegative


@dataclass(frozen=True)
class Brand:
    """The channel ``social`` in the last days, against as many days before."""

    overview: Overview
    talked_of: Sequence[Talk]
    """Products with most posts first."""
    posts: Sequence[Post]
    """The latest strong negatives first."""


async def read_brand(index: ProductIndex, overviews: Overviews, counts: CountsReader, days: int) -> Brand:
    """The last ``days`` days; personal data in posts is masked."""
    overview = overviews.overview(days, Channel.SOCIAL)
    now = index.days(Channel.SOCIAL, overview.period).sum(axis=1)
    before = index.days(Channel.SOCIAL, overview.period.before).sum(axis=1)
    posted = now.of("reviews")
    loudest = [int(row) for row in np.argsort(-posted, kind="stable")[:LISTED] if posted[row]]
    negative = now.of("strong_negative")
    unhappiest = [int(row) for row in np.argsort(-negative, kind="stable")[:LOOKED_AT] if negative[row]]
    first = overview.period.first.isoformat()
    picked = await counts.picked(
        [index.products[row] for row in unhappiest],
        lambda _, fields: fields["channel"] == Channel.SOCIAL and fields["created_at"] >= first,
    )
    posts = [Post(product_id, written) for product_id, written in picked]
    posts.sort(key=lambda post: post.written.created_at, reverse=True)
    return Brand(
        overview,
        [Talk(index.products[row], now[row].as_counts(), before[row].as_counts()) for row in loudest],
        posts[:POSTS_SHOWN],
    )
