"""The order of all that waits, made of arrays: a large shop has a hundred thousand reviews, and its order changes each second."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from dashboard.desk.order import urgency, waiting_points
from dashboard.desk.waiting import Waiting
from schemas.events import Channel

OF_A_PRODUCT = 20
"""Reviews of one product that stand in the line at the same time; the next ones follow as these are done. So one product in
trouble does not fill the line, and memory is bounded: some 100 bytes each."""

_CHANNELS = tuple(Channel)
_NOTHING = -1
"""In place of a channel where a row has fewer reviews than columns."""

Place = tuple[str, str]
"""A product, and a scored event of it as the desk names it."""


class Tickets:
    """A row for each product of which anything waits, a column for each of its most urgent reviews."""

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        self._free: list[int] = []
        self._places: list[Sequence[Place]] = []
        self._channels = np.full((0, OF_A_PRODUCT), _NOTHING, np.int8)
        self._fixed = np.zeros((0, OF_A_PRODUCT), np.int16)
        """Points that do not grow with time."""
        self._created = np.zeros((0, OF_A_PRODUCT))
        """When customers wrote, in Unix seconds."""

    @property
    def products(self) -> list[str]:
        """Those of which anything waits."""
        return list(self._rows)

    def put(self, product_id: str, waiting: Sequence[Waiting], now: datetime) -> None:
        """What waits of a product is now this."""
        if not waiting:
            self._drop(product_id)
            return
        created = np.array([one.created_at.timestamp() for one in waiting])
        fixed = np.array([_fixed_points(one) for one in waiting])
        chosen = most_urgent(fixed, created, now, OF_A_PRODUCT)
        row, columns = self._row(product_id), slice(0, len(chosen))
        self._channels[row] = _NOTHING
        self._channels[row, columns] = [_CHANNELS.index(waiting[one].channel) for one in chosen]
        self._fixed[row, columns] = fixed[chosen]
        self._created[row, columns] = created[chosen]
        self._places[row] = [(product_id, waiting[one].place) for one in chosen]

    def count(self, channel: Channel | None) -> int:
        """How many wait, in all or of a channel."""
        return int(np.count_nonzero(self._wait(channel)))

    def first(self, now: datetime, channel: Channel | None, count: int) -> list[Place]:
        """The most urgent ones."""
        rows, columns = np.nonzero(self._wait(channel))
        order = most_urgent(self._fixed[rows, columns], self._created[rows, columns], now, count)
        return [self._places[row][column] for row, column in zip(rows[order], columns[order], strict=True)]

    def _wait(self, channel: Channel | None) -> npt.NDArray[np.bool_]:
        any_channel: npt.NDArray[np.bool_] = self._channels != _NOTHING
        return any_channel if channel is None else self._channels == _CHANNELS.index(channel)

    def _row(self, product_id: str) -> int:
        if product_id not in self._rows:
            if not self._free:
                self._grow()
            self._rows[product_id] = self._free.pop()
        return self._rows[product_id]

    def _drop(self, product_id: str) -> None:
        row = self._rows.pop(product_id, None)
        if row is not None:
            self._channels[row] = _NOTHING
            self._places[row] = ()
            self._free.append(row)

    def _grow(self) -> None:
        held = len(self._places)
        more = max(64, held)
        wider = ((0, more), (0, 0))
        self._channels = np.pad(self._channels, wider, constant_values=_NOTHING)
        self._fixed = np.pad(self._fixed, wider)
        self._created = np.pad(self._created, wider)
        self._places += [()] * more
        self._free += reversed(range(held, held + more))


def most_urgent(
    fixed: npt.NDArray[Any], created: npt.NDArray[np.float64], now: datetime, count: int
) -> npt.NDArray[np.intp]:
    """Where the ``count`` with most points are, those first; of equals, who has waited longest."""
    points = fixed + waiting_points(now.timestamp() - created)
    chosen = np.arange(len(points))
    if len(points) > count:  # the others need not be put in order
        chosen = np.flatnonzero(points >= np.partition(points, -count)[-count])
    return chosen[np.lexsort((created[chosen], -points[chosen]))][:count]


def _fixed_points(waiting: Waiting) -> int:
    return urgency(
        strong_negative=waiting.strong_negative,
        channel=waiting.channel,
        created_at=waiting.created_at,
        now=waiting.created_at,
    ).points
