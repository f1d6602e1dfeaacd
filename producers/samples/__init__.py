"""Six weeks at an invented outdoor-and-home shop, written for the demo and owned by this project.

``reviews.jsonl`` holds the events, ``broken.jsonl`` what a careless system would send among them. Both are in
order of time, and give it as an age, so that the shop's last review is always a few minutes old.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class Sample:
    """One record for ``reviews.raw``, and how many hours ago it happened."""

    age_hours: float
    key: bytes | None
    value: bytes | None


def samples(now: datetime) -> list[Sample]:
    """Every sample record, good and broken, the oldest first.

    Args:
        now: with an offset; each event's ``created_at`` is this less the event's age.
    """
    return sorted([*_reviews(now), *_broken()], key=lambda sample: sample.age_hours, reverse=True)


def _reviews(now: datetime) -> Iterator[Sample]:
    for line in _lines("reviews.jsonl"):
        created_at = (now - timedelta(hours=line["age_hours"])).astimezone(UTC)
        event = line["event"] | {"created_at": created_at.isoformat(timespec="milliseconds")}
        value = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        yield Sample(line["age_hours"], event["product_id"].encode(), value)


def _broken() -> Iterator[Sample]:
    for line in _lines("broken.jsonl"):
        key, value = line["key"], line["value_base64"]
        yield Sample(
            line["age_hours"],
            key=None if key is None else key.encode(),
            value=None if value is None else _value(value, *line.get("repeat", ("", 1))),
        )


def _value(encoded: str, unit: str, times: int) -> bytes:
    """The record's bytes; ``unit`` in them stands for ``times`` of it, which keeps a huge text's line short."""
    value = base64.b64decode(encoded)
    return value.replace(unit.encode(), unit.encode() * times) if unit else value


def _lines(name: str) -> Iterator[dict[str, Any]]:
    # Not splitlines(), which also breaks at separators that are legal inside a JSON string.
    with files(__name__).joinpath(name).open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)
