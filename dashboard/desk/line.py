"""The queue over all products, held in memory: only what changed is read again."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from dashboard.desk.order import urgency, waiting_points
from dashboard.desk.waiting import PRODUCTS_AT_A_TIME, Waiting, WaitingReader
from schemas.events import Channel

OF_A_PRODUCT = 20
"""Reviews of one product that stand in the line at the same time; the next ones follow as these are done. So one product in
trouble does not fill the line, and memory is bounded: some 300 bytes each."""


@dataclass(frozen=True)
class Ticket:
    """What the line holds of a review: enough to order it, and where to read it."""

    product_id: str
    place: str
    channel: Channel
    fixed_points: int
    """Those that do not grow with time."""
    created_s: float
    """When the customer wrote, in Unix seconds."""


class Line:
    """Tickets of all products."""

    def __init__(self, reader: WaitingReader) -> None:
        self._reader = reader
        self._tickets: dict[str, list[Ticket]] = {}
        self._digests: dict[str, str] = {}
        """Of each product, from before it was read last."""
        self._minute = 0
        self._in_order: dict[Channel | None, list[Ticket]] = {}
        """Of that minute: all tickets, and those of single channels that were asked for."""
        self.complete = False
        """Whether every product was read once."""

    async def follow(self, product_ids: Collection[str], now: datetime) -> None:
        """Read again what waits of those products of which that changed, as far as it can be told."""
        names = list(product_ids)
        for start in range(0, len(names), PRODUCTS_AT_A_TIME):
            part = names[start : start + PRODUCTS_AT_A_TIME]
            digests = dict(zip(part, await self._reader.digests(part), strict=True))
            moved = [name for name in part if self._digests.get(name) != digests[name]]
            await self.refresh(moved, now)
            self._digests |= digests

    async def refresh(self, product_ids: Collection[str], now: datetime) -> None:
        """Read again what waits of these products."""
        names = list(product_ids)
        for start in range(0, len(names), PRODUCTS_AT_A_TIME):
            part = names[start : start + PRODUCTS_AT_A_TIME]
            for product_id, waiting in (await self._reader.read(part, now)).items():
                tickets = _in_order(list(map(_ticket, waiting)), now)[:OF_A_PRODUCT]
                if tickets:
                    self._tickets[product_id] = tickets
                else:
                    self._tickets.pop(product_id, None)
            self._in_order.clear()

    def forget_others(self, product_ids: Collection[str]) -> None:
        """Keep only these products: another view took the place of the one that was read."""
        known = set(product_ids)
        for product_id in [name for name in self._tickets if name not in known]:
            del self._tickets[product_id]
        self._digests.clear()
        self._in_order.clear()

    def first(self, now: datetime, channel: Channel | None = None) -> Sequence[Ticket]:
        """Most urgent first; the order is made anew each minute, and when anything changed."""
        minute = int(now.timestamp() // 60)
        if minute != self._minute:
            self._minute = minute
            self._in_order.clear()
        if None not in self._in_order:
            self._in_order[None] = _in_order(
                [ticket for listed in self._tickets.values() for ticket in listed], now
            )
        if channel not in self._in_order:
            self._in_order[channel] = [ticket for ticket in self._in_order[None] if ticket.channel is channel]
        return self._in_order[channel]


def _in_order(tickets: Sequence[Ticket], now: datetime) -> list[Ticket]:
    """Most points first; of equals, who has waited longest. Arrays, since a large shop has a hundred thousand."""
    created = np.array([ticket.created_s for ticket in tickets])
    points = np.array([ticket.fixed_points for ticket in tickets]) + waiting_points(now.timestamp() - created)
    return [tickets[row] for row in np.lexsort((created, -points))]


def _ticket(waiting: Waiting) -> Ticket:
    urgent = urgency(
        strong_negative=waiting.strong_negative,
        channel=waiting.channel,
        created_at=waiting.created_at,
        now=waiting.created_at,
    )
    return Ticket(
        waiting.product_id,
        waiting.place,
        waiting.channel,
        urgent.points,
        waiting.created_at.timestamp(),
    )
