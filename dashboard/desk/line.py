"""The queue over all products, held in memory: only what changed is read again."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard.desk.order import urgency
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
    strong_negative: bool
    channel: Channel
    created_at: datetime

    def key(self, now: datetime) -> tuple[int, datetime, str]:
        """What comes first sorts first."""
        points = urgency(
            strong_negative=self.strong_negative, channel=self.channel, created_at=self.created_at, now=now
        ).points
        return -points, self.created_at, self.place


class Line:
    """Tickets of all products."""

    def __init__(self, reader: WaitingReader) -> None:
        self._reader = reader
        self._tickets: dict[str, list[Ticket]] = {}
        self._sorted: tuple[int, list[Ticket]] | None = None
        self.complete = False
        """Whether every product was read once."""

    async def refresh(self, product_ids: Collection[str], now: datetime) -> None:
        """Read again what waits of these products."""
        names = list(product_ids)
        for start in range(0, len(names), PRODUCTS_AT_A_TIME):
            part = names[start : start + PRODUCTS_AT_A_TIME]
            for product_id, waiting in (await self._reader.read(part, now)).items():
                tickets = sorted(map(_ticket, waiting), key=lambda ticket: ticket.key(now))[:OF_A_PRODUCT]
                if tickets:
                    self._tickets[product_id] = tickets
                else:
                    self._tickets.pop(product_id, None)
            self._sorted = None

    def forget_others(self, product_ids: Collection[str]) -> None:
        """Keep only these products: another view took the place of the one that was read."""
        known = set(product_ids)
        for product_id in [name for name in self._tickets if name not in known]:
            del self._tickets[product_id]
        self._sorted = None

    def first(self, now: datetime, channel: Channel | None = None) -> Sequence[Ticket]:
        """Most urgent first; the order is made anew each minute, and when anything changed."""
        minute = int(now.timestamp() // 60)
        if self._sorted is None or self._sorted[0] != minute:
            tickets = [ticket for listed in self._tickets.values() for ticket in listed]
            self._sorted = minute, sorted(tickets, key=lambda ticket: ticket.key(now))
        tickets = self._sorted[1]
        return tickets if channel is None else [ticket for ticket in tickets if ticket.channel is channel]


def _ticket(waiting: Waiting) -> Ticket:
    return Ticket(
        waiting.product_id, waiting.place, waiting.strong_negative, waiting.channel, waiting.created_at
    )
