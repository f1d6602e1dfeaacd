"""Says what was lost, doubled, altered, reordered or miscounted, by folding the raw topic and the labels on its own.

It shares no code with ``consumers/``: plain ``json`` reads the records, the catalogues of bad ones give the reasons of
dead letters, the rule of the fake engine gives the sentiments, and ``counting`` counts.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bad_records import BAD
from counted import EPOCH
from counting import View, readable
from fake_engine import POISON, FakeEngine, sentiment_of
from observation import Entry, Observation
from people import BAD_LABELS

Place = tuple[int, int]
"""Partition and offset of a record of the topic that is spoken of."""

REASONS = {raw.value: reason.value for raw, reason in BAD.values()}
MODEL = FakeEngine.model.model_dump(mode="json")
SHOWN = 5
"""Findings of each kind that an error message shows."""


@dataclass
class Findings:
    """What is wrong, in words; nothing in any list means exact."""

    records: int = 0
    """Raw records that were judged."""
    fields: int = 0
    """Fields, members and entries of Redis keys that were compared."""
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    """Outcomes of raw records that do not exist."""
    altered: list[str] = field(default_factory=list)
    """Outcomes that say something else than their raw record."""
    reordered: list[str] = field(default_factory=list)
    miscounted: list[str] = field(default_factory=list)

    @property
    def kinds(self) -> dict[str, list[str]]:
        """What was found, by kind."""
        names = ("lost", "doubled", "invented", "altered", "reordered", "miscounted")
        return {name: getattr(self, name) for name in names if getattr(self, name)}

    def __str__(self) -> str:
        return "\n".join(
            f"{len(found)} {kind}: " + "; ".join(found[:SHOWN]) for kind, found in self.kinds.items()
        )


@dataclass(frozen=True)
class Outcome:
    """A record of the scored topic or of the dead letters, with where it says it comes from."""

    entry: Entry
    event: dict[str, Any] | None
    """The labelled event; None for a dead letter."""
    source: Place


def judge(seen: Observation, label_retention: int | None = None) -> Findings:
    """Compare what there is with what the raw topic asks for, where labels are forgotten after so many days."""
    findings = Findings(records=len(seen.raw))
    outcomes: defaultdict[Place, list[Outcome]] = defaultdict(list)
    for outcome in _outcomes(seen):
        outcomes[outcome.source].append(outcome)
    _judge_order(seen, findings)
    view = View(seen.prefix, seen.scored_topic, seen.labels_topic, label_retention)
    ends = dict(seen.ends)
    if label_retention is None:
        _judge_labels(seen, view, findings)
    else:  # who forgets what the model said does not read what people say
        del ends[seen.labels_topic]
    for raw in seen.raw:
        place = (raw.partition, raw.offset)
        found = outcomes.pop(place, [])
        if not found:
            findings.lost.append(f"raw {place}")
        if len(found) > 1:
            findings.doubled.append(f"raw {place}: {len(found)} outcomes")
        for outcome in found:
            findings.altered += [f"raw {place}: {what}" for what in _alterations(seen, raw, outcome)]
            if outcome.event is not None:
                view.apply(outcome.event, outcome.entry.partition, outcome.entry.offset)
    findings.invented += [f"of raw {place}" for place in outcomes]
    _judge_counts(view.keys(ends), readable(seen.keys, seen.prefix, label_retention), findings)
    if view.expiries() != seen.expiries:
        differing = dict(view.expiries().items() ^ seen.expiries.items())
        findings.miscounted.append(f"expiry of {sorted(differing)[:SHOWN]}")
    return findings


def _outcomes(seen: Observation) -> Iterator[Outcome]:
    for entry in seen.scored:
        event = json.loads(entry.value or b"")
        yield Outcome(entry, event, (event["source"]["partition"], event["source"]["offset"]))
    for entry in seen.dead_letters:
        topic, place = _source_of(entry)
        if topic != seen.labels_topic:
            yield Outcome(entry, None, place)


def _source_of(letter: Entry) -> tuple[str, Place]:
    headers = dict(letter.headers)
    place = int(headers["dlq.source.partition"]), int(headers["dlq.source.offset"])
    return headers["dlq.source.topic"].decode(), place


def _judge_labels(seen: Observation, view: View, findings: Findings) -> None:
    """Labels are counted; what is none has a dead letter, or two if the aggregator was killed before it noted that."""
    letters: defaultdict[Place, list[Entry]] = defaultdict(list)
    for letter in seen.dead_letters:
        topic, place = _source_of(letter)
        if topic == seen.labels_topic:
            letters[place].append(letter)
    for label in seen.labels:
        place = (label.partition, label.offset)
        reason = BAD_LABELS.get(label.value or b"")
        if reason is None:
            view.relabel(json.loads(label.value or b""), *place)
            continue
        found = letters.pop(place, [])
        if not found:
            findings.lost.append(f"label {place}")
        for letter in found:
            altered = _altered_letter(seen.labels_topic, label, letter, reason)
            findings.altered += [f"label {place}: {what}" for what in altered]
    findings.invented += [f"refusal of label {place}" for place in letters]


def _judge_order(seen: Observation, findings: Findings) -> None:
    """What one raw partition sent to one partition stands there in its order; a product stands in one partition."""
    latest: dict[tuple[bool, int, int], int] = {}
    partition_of: dict[str, int] = {}
    for outcome in _outcomes(seen):
        (came_from, offset), to = outcome.source, outcome.entry.partition
        flow = (outcome.event is None, came_from, to)
        if offset < latest.get(flow, -1):
            findings.reordered.append(f"raw {outcome.source} after {latest[flow]}, in partition {to}")
        latest[flow] = max(offset, latest.get(flow, -1))
        if outcome.event is not None:
            product = outcome.event["product_id"]
            if partition_of.setdefault(product, to) != to:
                findings.reordered.append(f"product {product} in partitions {partition_of[product]}, {to}")


def _alterations(seen: Observation, raw: Entry, outcome: Outcome) -> Iterator[str]:
    expected = _expected_event(seen, raw)
    if isinstance(expected, str) != (outcome.event is None):
        yield f"expected {expected}"
    elif isinstance(expected, str):
        yield from _altered_letter(seen.raw_topic, raw, outcome.entry, expected)
    else:
        assert outcome.event is not None
        found = dict(outcome.event)
        datetime.fromisoformat(found.pop("scored_at"))
        found["created_at"] = _instant(found["created_at"])
        if found != expected:
            yield f"{found} instead of {expected}"
        if outcome.entry.key != expected["product_id"].encode():
            yield f"key {outcome.entry.key!r}"


def _expected_event(seen: Observation, raw: Entry) -> dict[str, Any] | str:
    """The labelled event without ``scored_at``, or the reason of the dead letter."""
    if raw.value in REASONS:
        return REASONS[raw.value]
    assert raw.value is not None
    event = json.loads(raw.value)
    text = event.get("text")
    if text and POISON in text:
        return "model_error"
    given = event.get("created_at")
    return {
        "schema_version": 1,
        "review_id": event["review_id"],
        "product_id": event["product_id"],
        "op": event.get("op", "upsert"),
        "channel": event.get("channel", "review"),
        "text": text,
        "rating": event.get("rating"),
        "language": event.get("language"),
        "campaign_id": event.get("campaign_id"),
        "customer_hash": None,  # no key is set
        "created_at": _instant(given) if given else EPOCH + timedelta(milliseconds=raw.timestamp_ms),
        "sentiment": sentiment_of(text).model_dump(mode="json") if text else None,
        "model": MODEL,
        "source": {"topic": seen.raw_topic, "partition": raw.partition, "offset": raw.offset},
    }


def _altered_letter(topic: str, source: Entry, letter: Entry, reason: str) -> Iterator[str]:
    # Kafka clients refuse a record without key and value, so the dead letter of such a one has an empty key.
    key = b"" if source.key is None and source.value is None else source.key
    if (letter.key, letter.value) != (key, source.value):
        yield "a dead letter with other bytes"
    headers = {name: value.decode() for name, value in letter.headers}
    expected = {
        "dlq.reason": reason,
        "dlq.source.topic": topic,
        "dlq.source.partition": str(source.partition),
        "dlq.source.offset": str(source.offset),
        "dlq.source.timestamp": str(source.timestamp_ms),
    }
    for name, value in expected.items():
        if headers.get(name) != value:
            yield f"{name} is {headers.get(name)} instead of {value}"
    if not headers.get("dlq.detail"):
        yield "no dlq.detail"
    datetime.fromisoformat(headers["dlq.failed_at"])


def _judge_counts(expected: dict[str, Any], found: dict[str, Any], findings: Findings) -> None:
    for name in sorted(expected.keys() | found.keys()):
        wanted, stored = _items(expected.get(name)), _items(found.get(name))
        findings.fields += len(wanted)
        for item in sorted(wanted.keys() | stored.keys(), key=str):
            if wanted.get(item) != stored.get(item):
                findings.miscounted.append(
                    f"{name} {item}: {stored.get(item)!r} instead of {wanted.get(item)!r}"
                )


def _items(content: Any) -> dict[Any, Any]:
    """Fields of a hash, members of a sorted set, places of a list."""
    if content is None:
        return {}
    return content if isinstance(content, dict) else dict(enumerate(content))


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
