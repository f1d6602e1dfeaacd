"""Charts as numbers for inline SVG: no library, and nothing that a content security policy has to allow.

Shapes are stretched to the width that there is, so their numbers are shares of a box and all text stands outside.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from consumers.read.counts import Counts
from dashboard.counts import DayCounts
from schemas.redis_keys import Counter

HEIGHT = 100.0
SLOT = 10.0
"""Width of a day."""

BAR = 8.0

_LABELS = 5
"""Days that are named below a chart, at most."""


@dataclass(frozen=True)
class Box:
    """A rectangle; y counts from the top."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Slot:
    """A day of a chart: what is drawn for it, and what it says when it is pointed at."""

    x: float
    day: date
    counts: Counts
    boxes: Sequence[Box] = ()


@dataclass(frozen=True)
class Chart:
    """Slots from left to right; ``top`` is the value at the upper edge, ``lines`` are paths."""

    width: float
    top: float
    slots: Sequence[Slot]
    lines: Sequence[str]
    labels: Sequence[date]


def volume_chart(series: Sequence[DayCounts]) -> Chart:
    """Stacked bars of reviews a day: strong negatives at the bottom, then other negatives, then positives."""
    top = _round_up(max((counts.reviews for _, counts in series), default=0))
    slots = []
    for number, (day, counts) in enumerate(series):
        boxes, below = [], 0
        for kind, height in (
            ("strong-negative", counts.strong_negative),
            ("negative", counts.weak_negative),
            ("positive", counts.positive),
        ):
            if height:
                below += height
                scaled = HEIGHT / top
                boxes.append(
                    Box(kind, number * SLOT + (SLOT - BAR) / 2, HEIGHT - below * scaled, BAR, height * scaled)
                )
        slots.append(Slot(number * SLOT, day, counts, boxes))
    return Chart(len(series) * SLOT, top, slots, (), _some(series))


def share_chart(series: Sequence[DayCounts]) -> Chart:
    """The share of positive reviews a day with its 95 % interval; days without reviews leave a gap."""
    slots: list[Slot] = []
    line: list[str] = []
    runs: list[list[str]] = []
    for number, (day, counts) in enumerate(series):
        positive = counts.share(Counter.POSITIVE)
        boxes = []
        if positive is None:
            runs, line = [*runs, line], []
        else:
            high, low = HEIGHT * (1 - positive.high), HEIGHT * (1 - positive.low)
            boxes = [Box("interval", number * SLOT + 1, high, BAR, max(0.5, low - high))]
            line.append(f"{number * SLOT + SLOT / 2:.1f} {HEIGHT * (1 - positive.value):.1f}")
        slots.append(Slot(number * SLOT, day, counts, boxes))
    paths = [f"M {' L '.join(run if len(run) > 1 else run * 2)}" for run in [*runs, line] if run]
    return Chart(len(series) * SLOT, 1.0, slots, paths, _some(series))


def _some(series: Sequence[DayCounts]) -> list[date]:
    """The first and the last day, and some between at equal distances."""
    last = len(series) - 1
    parts = next((parts for parts in range(_LABELS - 1, 0, -1) if last % parts == 0), 1)
    return (
        [series[last * part // parts][0] for part in range(parts + 1)] if last > 0 else [d for d, _ in series]
    )


def _round_up(highest: int) -> int:
    """The next number that reads well and has a whole half: 2, 4, 6, 8, 10, 20, 40 ..."""
    power = 1
    while True:
        for step in (2, 4, 6, 8, 10):
            if highest <= step * power:
                return step * power
        power *= 10
