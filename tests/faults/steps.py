"""The named steps of a scorer and an aggregator at which a process may be struck, and what it writes down as it passes."""

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from signal import SIGKILL, Signals
from typing import Self


class Step(StrEnum):
    """Where a process can be struck; the values stand in the published table."""

    POLLED = "after poll"
    TAKEN = "in a rebalance, as partitions are taken away"
    GIVEN = "in a rebalance, as partitions are given"
    SCORED = "after score"
    SENT = "between send and commit: records sent"
    OFFSETS_SENT = "between send and commit: offsets sent too"
    COMMITTED = "after commit, before the next poll"
    BEFORE_APPLY = "before the counting script"
    AMID_APPLY = "in the middle of a round of counting scripts"
    AFTER_APPLY = "after the counting script"
    BEFORE_RANK = "before the ranking script"
    AMID_RANK = "in the middle of a round of ranking scripts"
    AFTER_RANK = "after the ranking script"
    BEFORE_ADVANCE = "before the offsets script"
    AFTER_ADVANCE = "after the offsets script"
    BEFORE_FORGET = "before the script that drops labels"
    AFTER_FORGET = "after the script that drops labels"
    BEFORE_RELABEL = "before people's labels are counted"
    AFTER_RELABEL = "after people's labels are counted, before they are ranked"
    AFTER_RANK_OF_LABELS = "after people's labels are ranked"
    AFTER_ADVANCE_OF_LABELS = "after the offsets of people's labels are stored"


REBALANCE_STEPS = (Step.TAKEN, Step.GIVEN)
FORGETTING_STEPS = (Step.BEFORE_FORGET, Step.AFTER_FORGET)
"""Passed only where labels are forgotten."""

LABELS_STEPS = (
    Step.BEFORE_RELABEL,
    Step.AFTER_RELABEL,
    Step.AFTER_RANK_OF_LABELS,
    Step.AFTER_ADVANCE_OF_LABELS,
)
"""Passed only by the one aggregator that reads what people say, at the same scripts on the other topic."""

STEPS = {
    "score": (Step.POLLED, Step.SCORED, Step.SENT, Step.OFFSETS_SENT, Step.COMMITTED),
    "aggregate": (
        Step.POLLED,
        *(Step.BEFORE_APPLY, Step.AMID_APPLY, Step.AFTER_APPLY),
        *(Step.BEFORE_RANK, Step.AMID_RANK, Step.AFTER_RANK),
        *(Step.BEFORE_ADVANCE, Step.AFTER_ADVANCE),
    ),
}
"""What every member of each role passes as it works, without the steps that only a rebalance brings."""

WORKING = {Step.COMMITTED, Step.AFTER_RANK}
"""The first of these that a process passes shows that it does its work."""


@dataclass(frozen=True)
class Strike:
    """The signal that a process sends itself at the n-th time that it passes a step (from 1)."""

    step: Step
    passage: int = 1
    signal: Signals = SIGKILL

    def to_text(self) -> str:
        return json.dumps([self.step, self.passage, self.signal])

    @classmethod
    def from_text(cls, text: str) -> Self:
        step, passage, number = json.loads(text)
        return cls(Step(step), passage, Signals(number))


@dataclass(frozen=True)
class Note:
    """What a process wrote down, with ``time.monotonic``, which all processes of a machine share."""

    what: str
    at: float


def read_notes(path: Path) -> list[Note]:
    """All that was written down so far."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [Note(what, float(at)) for what, at in (line.split() for line in lines)]
