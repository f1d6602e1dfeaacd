"""Names of the Redis keys, and the fields and codes that stand in them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import quote, unquote

from schemas.events import Channel


class Counter(StrEnum):
    """Fields of a counts hash; all are integers but ``score_sum``, which is exact to six decimals."""

    REVIEWS = "reviews"
    POSITIVE = "positive"
    NEGATIVE = "negative"
    STRONG_POSITIVE = "strong_positive"
    WEAK_POSITIVE = "weak_positive"
    STRONG_NEGATIVE = "strong_negative"
    WEAK_NEGATIVE = "weak_negative"
    UNCERTAIN = "uncertain"
    SCORE_SUM = "score_sum"


SWAP = "swap"
"""Field of a rebuild's state, there only while the rebuilt view takes the place of the live one: nobody else may write."""

LABEL_RETENTION = "label_retention"
"""Field of the offsets of a topic: after how many days the view forgets labels. Not there: never."""

CLOCK = "clock"
"""Field of what is applied of a product, where labels are forgotten: the latest day of ``scored_at`` so far, in days since
1970-01-01. Every other field has a colon."""

UPDATED_AT = "updated_at"
"""The remaining field of a counts hash: ``scored_at`` of the last event that changed it."""


class Ranking(StrEnum):
    """The rankings kept over all products (channel ``review``)."""

    REVIEWS = "reviews"
    POSITIVE = "positive"
    NEGATIVE = "negative"
    STRONG_NEGATIVE = "strong_negative"


RISK_FROM = 2
"""Strong negatives from which a customer is listed: who may be at risk has several."""


class Place(NamedTuple):
    """What a counts hash counts: a channel, in all (None) or on one day of ``created_at`` (UTC); whole, or of a campaign."""

    channel: Channel
    day: date | None
    campaign_id: str | None = None


_COUNTS_SUFFIX = re.compile(
    r"(?::channel:(?P<channel>[a-z]+))?(?::campaign:(?P<campaign>[A-Za-z0-9_.~%-]+))?(?::day:(?P<day>[0-9-]+))?"
)
_OTHER_SUFFIXES = {":labels", ":negatives", ":applied", ":relabels", ":uncertain"}


@dataclass(frozen=True)
class ViewKeys:
    """Every key of the view. Braces are a Redis Cluster hash tag: a product's keys live in one slot."""

    prefix: str = "reviewstream:"
    state: str = ""
    """Key of the state of a rebuild, where that is not one of this prefix."""

    @property
    def products(self) -> str:
        """A glob pattern that matches the keys of all products, and hardly others."""
        return f"{_literally(self._products_start)}*"

    def parse_product_key(self, key: str) -> tuple[str, Place | None] | None:
        """The product of a key and the place that it counts, if any; None for a key that is none of a product."""
        if not key.startswith(self._products_start):
            return None
        # No suffix has a brace, so the last one closes the product id, which may have braces of its own.
        product_id, brace, suffix = key.removeprefix(self._products_start).rpartition("}")
        if brace and suffix in _OTHER_SUFFIXES:
            return product_id, None
        match = _COUNTS_SUFFIX.fullmatch(suffix)
        if match is None:
            return None
        try:
            channel = Channel(match["channel"] or Channel.REVIEW)
            day = date.fromisoformat(match["day"]) if match["day"] else None
        except ValueError:
            return None
        place = Place(channel, day, unquote(match["campaign"]) if match["campaign"] else None)
        return (product_id, place) if self.counts(product_id, *place) == key else None

    @property
    def _products_start(self) -> str:
        return f"{self.prefix}product:{{"

    def product(self, product_id: str) -> str:
        """Hash of counts of channel ``review``."""
        return f"{self.prefix}product:{{{product_id}}}"

    def counts(
        self, product_id: str, channel: Channel, day: date | None = None, campaign_id: str | None = None
    ) -> str:
        """Hash of counts of one channel, in all or of one day (UTC) of ``created_at``; all of it, or what a campaign brought."""
        key = self.product(product_id)
        if channel is not Channel.REVIEW:
            key += f":channel:{channel}"
        if campaign_id is not None:
            key += f":campaign:{_in_a_key(campaign_id)}"
        return key if day is None else f"{key}:day:{day.isoformat()}"

    def labels(self, product_id: str) -> str:
        """Hash: review id -> what was last counted for it."""
        return f"{self.product(product_id)}:labels"

    def negatives(self, product_id: str) -> str:
        """List of the latest strong negatives as JSON, newest first, capped."""
        return f"{self.product(product_id)}:negatives"

    def uncertain(self, product_id: str) -> str:
        """List of the latest uncertain reviews as JSON, newest first, capped; only where it is wanted."""
        return f"{self.product(product_id)}:uncertain"

    def relabels(self, product_id: str) -> str:
        """Hash: what the model said, a space and the review id -> what a person says instead."""
        return f"{self.product(product_id)}:relabels"

    def applied(self, product_id: str) -> str:
        """Hash: ``<topic>:<partition>`` -> last applied offset; ``CLOCK``, if labels are ever forgotten."""
        return f"{self.product(product_id)}:applied"

    def ranking(self, name: Ranking) -> str:
        """Sorted set: product id -> absolute count."""
        return f"{self.prefix}ranking:{name}"

    def ranking_revisions(self, name: Ranking) -> str:
        """Hash: product id -> revision of its ranked value; shares the ranking's slot by its hash tag."""
        return f"{{{self.ranking(name)}}}:revisions"

    @property
    def campaigns(self) -> str:
        """Sorted set: every campaign id that was ever counted, in their order."""
        return f"{self.prefix}campaigns"

    def campaign(self, campaign_id: str) -> str:
        """Sorted set: ``<channel>:<product_id>`` of all counts of a campaign."""
        return f"{self.campaigns}:{_in_a_key(campaign_id)}"

    @property
    def customers(self) -> str:
        """Sorted set: hash of each customer with several strong negatives -> day of the latest, since 1970-01-01."""
        return f"{self.prefix}customers"

    def customer(self, customer_hash: str) -> str:
        """Sorted set: ``strong_negative_member`` of each strong negative of a customer -> day of ``created_at``."""
        return f"{self.customers}:{customer_hash}"

    @property
    def all_across_products(self) -> tuple[str, str]:
        """Glob patterns that match the keys of campaigns and customers."""
        return f"{_literally(self.campaigns)}*", f"{_literally(self.customers)}*"

    @property
    def all_offsets(self) -> str:
        """A glob pattern that matches the offsets of every topic."""
        return f"{_literally(self.prefix)}offsets:*"

    @property
    def all_marks(self) -> str:
        """A glob pattern that matches the marks of every topic."""
        return f"{_literally(self.prefix)}marks:*"

    @property
    def generation(self) -> str:
        """String: which view this is; every rebuild leaves another one."""
        return f"{self.prefix}generation"

    @property
    def rebuild(self) -> str:
        """Hash: how far a rebuild is; there only while one is under way or was cut short."""
        return self.state or f"{self.prefix}rebuild"

    @property
    def all_shadows(self) -> tuple[str, str]:
        """Glob patterns that match all keys of all views that rebuilds made beside this one."""
        start = _literally(f"{self.prefix}rebuild:")
        return f"{start}*", f"{{{start}*"

    def shadow(self, name: str) -> "ViewKeys":
        """A view that a rebuild makes beside this one; nobody writes to it either while it is swapped in."""
        return ViewKeys(f"{self.prefix}rebuild:{name}:", self.rebuild)

    def offsets(self, topic: str) -> str:
        """Hash: partition -> next offset to apply; ``LABEL_RETENTION``, if labels are ever forgotten."""
        return f"{self.prefix}offsets:{topic}"

    def marks(self, topic: str) -> str:
        """Hash: partition -> mark of what was counted last; a Redis that lost the counts lost the mark too."""
        return f"{self.prefix}marks:{topic}"


def partition_offsets(stored: Mapping[str, str]) -> dict[int, int]:
    """Partition -> next offset to apply, of what the hash of a topic's offsets holds."""
    return {
        int(partition): int(offset) for partition, offset in stored.items() if partition != LABEL_RETENTION
    }


def noted_label_retention(stored: Mapping[str, str]) -> int | None:
    """After how many days the view forgets labels, of what the hash of a topic's offsets holds; None: never."""
    noted = stored.get(LABEL_RETENTION)
    return None if noted is None else int(noted)


def campaign_member(channel: Channel, product_id: str) -> str:
    """As ``ViewKeys.campaign`` holds it."""
    return f"{channel}:{product_id}"


def parse_campaign_member(member: str) -> tuple[Channel, str]:
    """Read ``campaign_member``'s text back.

    Raises:
        ValueError: it is no such text.
    """
    channel, _, product_id = member.partition(":")
    return Channel(channel), product_id


def strong_negative_member(product_id: str, review_id: str) -> str:
    """As ``ViewKeys.customer`` holds it: the product's length in bytes first, since both may hold anything."""
    return f"{len(product_id.encode())}:{product_id}:{review_id}"


def parse_strong_negative_member(member: str) -> tuple[str, str]:
    """Product and review of ``strong_negative_member``'s text.

    Raises:
        ValueError: it is no such text.
    """
    length, _, rest = member.partition(":")
    encoded = rest.encode()
    product_id, review_id = encoded[: int(length)].decode(), encoded[int(length) + 1 :].decode()
    if strong_negative_member(product_id, review_id) != member:
        raise ValueError(f"no strong negative of a customer: {member!r}")
    return product_id, review_id


def _in_a_key(campaign_id: str) -> str:
    """Percent-encoded: a brace or a colon of its own would be taken for one of the key's."""
    return quote(campaign_id, safe="")


def _literally(text: str) -> str:
    """A glob pattern that matches just this text."""
    return re.sub(r"([*?\[\]\\^])", r"\\\1", text)
