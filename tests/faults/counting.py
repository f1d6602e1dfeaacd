"""The counting rules a third time, as the README's key table tells them: what Redis must hold, field by field.

It imports nothing of the pipeline. Events are plain dicts, as ``json`` reads them.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from counted import EPOCH, Counted, days_of, letter_of

NEGATIVES_KEPT = 100
DAY_RETENTION = 400
EXCERPT = 1000
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

    def add(self, counted: Counted, sign: int, scored_at: str) -> None:
        for name in counted.names:
            self.counters[name] += sign
        self.micros += sign * counted.micros
        self.updated_at = scored_at

    def stored(self) -> dict[str, str]:
        """As ``readable`` shows it."""
        sign, whole, rest = ("-" if self.micros < 0 else ""), *divmod(abs(self.micros), 1_000_000)
        numbers = {name: str(value) for name, value in self.counters.items() if value}
        return numbers | {"score_sum": f"{sign}{whole}.{rest:06d}", "updated_at": self.updated_at}


class View:
    """All keys under one prefix, as the events of every product, in their order, and the labels of people make them.

    Nothing orders the two topics, so it must not matter which is read first: here the labels are, all of them.
    """

    def __init__(
        self, prefix: str, scored_topic: str, labels_topic: str, label_retention: int | None = None
    ) -> None:
        self._prefix = prefix
        self._scored_topic = scored_topic
        self._labels_topic = labels_topic
        self._label_retention = label_retention
        self._clocks: dict[str, int] = {}
        self._hashes: defaultdict[str, Hash] = defaultdict(Hash)
        self._expiries: dict[str, int] = {}
        self._labels: defaultdict[str, dict[str, Counted]] = defaultdict(dict)
        self._negatives: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self._relabels: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self._applied: defaultdict[str, dict[tuple[str, int], int]] = defaultdict(dict)
        self._campaigns: defaultdict[str, dict[str, float]] = defaultdict(dict)

    def relabel(self, event: dict[str, Any], partition: int, offset: int) -> None:
        """Hear what a person says, at this place of the topic of labels, before any event is applied."""
        product, judged = event["product_id"], event["scored"]
        self._applied[product][self._labels_topic, partition] = offset
        place = Counted.of(judged, judged["channel"], judged["created_at"]).place(event["review_id"])
        if event["op"] == "label":
            self._relabels[product][place] = letter_of(event["label"], event["intensity"])
        else:
            self._relabels[product].pop(place, None)

    def apply(self, event: dict[str, Any], partition: int, offset: int) -> None:
        """Count the event that stands at this place of the scored topic."""
        product, review = event["product_id"], event["review_id"]
        scored_at = datetime.fromisoformat(event["scored_at"]).isoformat()
        self._applied[product][self._scored_topic, partition] = offset
        self._forget(product, days_of(scored_at))
        if not event["sentiment"]:
            self._unlist(product, review)
        if old := self._labels[product].pop(review, None):
            self._add(product, review, old, -1, scored_at)
            if "strong_negative" in old.names:
                self._unlist(product, review)
        if event["sentiment"]:
            new = Counted.of(
                event["sentiment"], event["channel"], event["created_at"], event.get("campaign_id")
            )
            new = replace(new, clock=self._clocks.get(product))
            self._labels[product][review] = new
            self._add(product, review, new, +1, scored_at)
            if "strong_negative" in new.names:
                entry = self._negative(event, partition, offset)
                self._negatives[product] = [entry, *self._negatives[product]][:NEGATIVES_KEPT]

    def keys(self, ends: Mapping[str, Mapping[int, int]]) -> dict[str, Any]:
        """Every key with its content; ``ends`` are those of the partitions of each topic that is counted."""
        keys: dict[str, Any] = {name: entry.stored() for name, entry in self._hashes.items()}
        for product, applied in self._applied.items():
            name = self._name(product)
            keys[f"{name}:labels"] = {review: entry.label for review, entry in self._labels[product].items()}
            keys[f"{name}:negatives"] = self._negatives[product]
            keys[f"{name}:relabels"] = self._relabels[product]
            keys[f"{name}:applied"] = {
                f"{topic}:{partition}": str(offset) for (topic, partition), offset in applied.items()
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
        counted_in = {place for applied in self._applied.values() for place in applied}
        for topic, of_topic in ends.items():
            keys[f"{self._prefix}offsets:{topic}"] = {
                str(partition): str(end) for partition, end in of_topic.items()
            }
            keys[f"{self._prefix}{MARKS}{topic}"] = {
                str(partition): A_MARK for name, partition in counted_in if name == topic
            }
        if self._label_retention is not None:
            keys[f"{self._prefix}offsets:{self._scored_topic}"]["label_retention"] = str(
                self._label_retention
            )
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

    def _add(self, product: str, review: str, model: Counted, sign: int, scored_at: str) -> None:
        """Count what a person says of it, or else the model; nobody forgets what was said."""
        counted = model.relabelled(self._relabels[product].get(model.place(review)))
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
            "source": {"topic": self._scored_topic, "partition": partition, "offset": offset},
        }


def readable(keys: dict[str, Any], prefix: str, label_retention: int | None = None) -> dict[str, Any]:
    """Keys in the form of ``View.keys``: lists of JSON say what they mean, one mark is as good as another, and what is
    forgotten is not there. Nor is a counter that counts nothing: whether it was ever touched depends on whether a person's
    label was read before its review."""

    def remembered(name: str, label: str) -> bool:
        days, _, delay = label.partition("#")[0][6:].partition("@")
        clock = int(keys[name.removesuffix("labels") + "applied"]["clock"])
        return clock - int(days, 36) - int(delay or "0") <= (label_retention or 0)

    def content_of(name: str, content: Any) -> Any:
        if name.startswith(f"{prefix}{MARKS}"):
            return {partition: A_MARK if mark else "" for partition, mark in content.items()}
        if label_retention is not None and name.endswith(":labels"):
            return {review: label for review, label in content.items() if remembered(name, label)} or None
        if "score_sum" in content:
            return {name: value for name, value in content.items() if value != "0"}
        return [json.loads(entry) for entry in content] if isinstance(content, list) else content

    return {name: content_of(name, content) for name, content in keys.items()}
