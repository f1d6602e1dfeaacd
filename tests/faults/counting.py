"""The counting rules a third time, as the README's key table tells them: what Redis must hold, field by field.

It imports nothing of the pipeline. Events are plain dicts, as ``json`` reads them.
"""

import json
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

NEGATIVES_KEPT = 100
DAY_RETENTION = 400
EXCERPT = 1000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MARKS = "marks:"
A_MARK = "any mark"
"""Marks are random: they prove that what was counted is still there."""

RANKINGS = ("reviews", "positive", "negative", "strong_negative")


@dataclass
class Hash:
    """One hash of counts."""

    counters: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    micros: int = 0
    updated_at: str = ""

    def add(self, counted: "Counted", sign: int, scored_at: str) -> None:
        for name in counted.names:
            self.counters[name] += sign
        self.micros += sign * counted.micros
        self.updated_at = scored_at

    def stored(self) -> dict[str, str]:
        """As Redis shows it; a counter that was never touched is not there."""
        sign, whole, rest = ("-" if self.micros < 0 else ""), *divmod(abs(self.micros), 1_000_000)
        numbers = {name: str(value) for name, value in self.counters.items()}
        return numbers | {"score_sum": f"{sign}{whole}.{rest:06d}", "updated_at": self.updated_at}


@dataclass(frozen=True)
class Counted:
    """What is counted for one review."""

    channel: str
    names: tuple[str, ...]
    micros: int
    days: int
    """Since 1970-01-01, in UTC."""
    code: str
    """As the ``labels`` hash holds it."""
    campaign: str | None = None
    clock: int | None = None
    """Where labels are forgotten: the latest day on which an event of its product was scored, this one or one before."""

    @property
    def label(self) -> str:
        delay = 0 if self.clock is None else self.clock - self.days
        code = f"{self.code}@{delay}" if delay else self.code
        return code if self.campaign is None else f"{code}#{self.campaign}"


class View:
    """All keys under one prefix, as the events of every product, in their order, make them."""

    def __init__(self, prefix: str, topic: str, label_retention: int | None = None) -> None:
        self._prefix = prefix
        self._topic = topic
        self._label_retention = label_retention
        self._clocks: dict[str, int] = {}
        self._hashes: defaultdict[str, Hash] = defaultdict(Hash)
        self._expiries: dict[str, int] = {}
        self._labels: defaultdict[str, dict[str, Counted]] = defaultdict(dict)
        self._negatives: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self._applied: defaultdict[str, dict[int, int]] = defaultdict(dict)
        self._campaigns: defaultdict[str, dict[str, float]] = defaultdict(dict)

    def apply(self, event: dict[str, Any], partition: int, offset: int) -> None:
        """Count the event that stands at this place of the scored topic."""
        product, review = event["product_id"], event["review_id"]
        scored_at = datetime.fromisoformat(event["scored_at"]).isoformat()
        self._applied[product][partition] = offset
        self._forget(product, days_of(scored_at))
        if not event["sentiment"]:
            self._unlist(product, review)
        if old := self._labels[product].pop(review, None):
            self._add(product, old, -1, scored_at)
            if "strong_negative" in old.names:
                self._unlist(product, review)
        if event["sentiment"]:
            new = replace(counted(event), clock=self._clocks.get(product))
            self._labels[product][review] = new
            self._add(product, new, +1, scored_at)
            if "strong_negative" in new.names:
                entry = self._negative(event, partition, offset)
                self._negatives[product] = [entry, *self._negatives[product]][:NEGATIVES_KEPT]

    def keys(self, ends: dict[int, int]) -> dict[str, Any]:
        """Every key with its content; ``ends`` are those of the scored topic's partitions."""
        keys: dict[str, Any] = {name: entry.stored() for name, entry in self._hashes.items()}
        for product, applied in self._applied.items():
            name = self._name(product)
            keys[f"{name}:labels"] = {review: entry.label for review, entry in self._labels[product].items()}
            keys[f"{name}:negatives"] = self._negatives[product]
            keys[f"{name}:applied"] = {
                f"{self._topic}:{partition}": str(offset) for partition, offset in applied.items()
            }
            if product in self._clocks:
                keys[f"{name}:applied"]["clock"] = str(self._clocks[product])
        for ranking in RANKINGS:
            name = f"{self._prefix}ranking:{ranking}"
            keys[name] = {
                product: float(self._hashes[self._name(product)].counters[ranking])
                if self._name(product) in self._hashes
                else 0.0
                for product in self._applied
            }
            keys[f"{{{name}}}:revisions"] = {
                product: str(
                    sum(offset + 1 for offset in applied.values()) + self._clocks.get(product, -1) + 1
                )
                for product, applied in self._applied.items()
            }
        keys[f"{self._prefix}offsets:{self._topic}"] = {
            str(partition): str(end) for partition, end in ends.items()
        }
        if self._label_retention is not None:
            keys[f"{self._prefix}offsets:{self._topic}"]["label_retention"] = str(self._label_retention)
        counted_in = {partition for applied in self._applied.values() for partition in applied}
        keys[f"{self._prefix}{MARKS}{self._topic}"] = {str(partition): A_MARK for partition in counted_in}
        keys |= self._campaigns
        # Redis has no empty collections, and what had expired when it was written is not there.
        gone = self._gone()
        return {name: content for name, content in keys.items() if content and name not in gone}

    def expiries(self) -> dict[str, int]:
        """Of the hashes of a day: when Redis drops them, in Unix seconds."""
        gone = self._gone()
        return {name: second for name, second in self._expiries.items() if name not in gone}

    def _forget(self, product: str, day: int) -> None:
        """Let the day of an event turn its product's clock."""
        if self._label_retention is not None:
            oldest = max(day, self._clocks.get(product, day)) - self._label_retention
            self._clocks[product] = oldest + self._label_retention
            self._labels[product] = {
                review: entry
                for review, entry in self._labels[product].items()
                if entry.clock is not None and entry.clock >= oldest
            }

    def _unlist(self, product: str, review: str) -> None:
        kept = self._negatives[product]
        self._negatives[product] = [entry for entry in kept if entry["review_id"] != review]

    def _gone(self) -> set[str]:
        now = datetime.now(UTC).timestamp()
        return {name for name, second in self._expiries.items() if second <= now}

    def _name(self, product: str) -> str:
        return f"{self._prefix}product:{{{product}}}"

    def _add(self, product: str, counted: Counted, sign: int, scored_at: str) -> None:
        total = self._name(product)
        if counted.channel != "review":
            total += f":channel:{counted.channel}"
        totals = [total]
        if counted.campaign is not None:
            name = quote(counted.campaign, safe="")
            totals.append(f"{total}:campaign:{name}")
            self._campaigns[f"{self._prefix}campaigns"][counted.campaign] = 0.0
            self._campaigns[f"{self._prefix}campaigns:{name}"][f"{counted.channel}:{product}"] = 0.0
        for total in totals:
            day = f"{total}:day:{(EPOCH + timedelta(days=counted.days)).date().isoformat()}"
            self._hashes[total].add(counted, sign, scored_at)
            self._hashes[day].add(counted, sign, scored_at)
            self._expiries[day] = max(1, (counted.days + 1 + DAY_RETENTION) * 86_400)

    def _negative(self, event: dict[str, Any], partition: int, offset: int) -> dict[str, Any]:
        return {
            "review_id": event["review_id"],
            "channel": event["channel"],
            "text": event["text"][:EXCERPT],
            "score": event["sentiment"]["score"],
            "intensity_score": event["sentiment"]["intensity_score"],
            "rating": event["rating"],
            "language": event["language"],
            "created_at": datetime.fromisoformat(event["created_at"]).isoformat(),
            "scored_at": datetime.fromisoformat(event["scored_at"]).isoformat(),
            "source": {"topic": self._topic, "partition": partition, "offset": offset},
        }


def counted(event: dict[str, Any]) -> Counted:
    """What an event with a sentiment adds."""
    sentiment = event["sentiment"]
    label, intensity, doubt = sentiment["label"], sentiment["intensity"], sentiment["needs_review"]
    names = ("reviews", label, f"{intensity}_{label}", *(["uncertain"] if doubt else []))
    micros = round(sentiment["score"] * 1_000_000)
    days = days_of(event["created_at"])
    letter = label[0].upper() if intensity == "strong" else label[0]
    channel = {"review": "r", "support": "s", "ad": "a", "social": "o"}.get(event["channel"], "?")
    code = f"{channel.upper() if doubt else channel}{letter}{base_36(micros).rjust(4, '0')}{base_36(days)}"
    return Counted(event["channel"], names, micros, days, code, event.get("campaign_id"))


def days_of(instant: str) -> int:
    """Since 1970-01-01, in UTC."""
    return (datetime.fromisoformat(instant) - EPOCH) // timedelta(days=1)


def base_36(number: int) -> str:
    """Digits 0 to 9, a to z; the sign first."""
    if number < 0:
        return f"-{base_36(-number)}"
    rest, digit = divmod(number, 36)
    return (base_36(rest) if rest else "") + "0123456789abcdefghijklmnopqrstuvwxyz"[digit]


def readable(keys: dict[str, Any], prefix: str, label_retention: int | None = None) -> dict[str, Any]:
    """Keys in the form of ``View.keys``: lists of JSON say what they mean, one mark is as good as another, and what is
    forgotten is not there."""

    def remembered(name: str, label: str) -> bool:
        days, _, delay = label.partition("#")[0][6:].partition("@")
        clock = int(keys[name.removesuffix("labels") + "applied"]["clock"])
        return clock - int(days, 36) - int(delay or "0") <= (label_retention or 0)

    def content_of(name: str, content: Any) -> Any:
        if name.startswith(f"{prefix}{MARKS}"):
            return {partition: A_MARK if mark else "" for partition, mark in content.items()}
        if label_retention is not None and name.endswith(":labels"):
            return {review: label for review, label in content.items() if remembered(name, label)} or None
        return [json.loads(entry) for entry in content] if isinstance(content, list) else content

    return {name: content_of(name, content) for name, content in keys.items()}
