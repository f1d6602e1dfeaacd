"""What a run left behind, with one thing in it damaged, and what the oracle says of it."""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

from observation import Entry, Observation
from oracle import judge

RECORDS = 600
"""Of the run that is damaged."""


def found(seen: Observation) -> dict[str, int]:
    return {kind: len(what) for kind, what in judge(seen).kinds.items()}


def with_scored(seen: Observation, change: Callable[[list[Entry]], object]) -> Observation:
    scored = list(seen.scored)
    change(scored)
    return replace(seen, scored=scored)


def with_keys(seen: Observation, change: Callable[[dict[str, Any]], object]) -> Observation:
    keys = deepcopy(seen.keys)
    change(keys)
    return replace(seen, keys=keys)


def rewritten(entry: Entry, **fields: Any) -> Entry:
    return entry._replace(value=json.dumps(json.loads(entry.value or b"") | fields).encode())


def refused(seen: Observation, topic: str) -> list[Entry]:
    """The dead letters of one topic's records."""
    return [
        letter for letter in seen.dead_letters if dict(letter.headers)["dlq.source.topic"] == topic.encode()
    ]


def a_key(seen: Observation, ending: str) -> str:
    return next(name for name in sorted(seen.keys) if name.endswith(ending))
