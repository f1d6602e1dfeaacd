"""The queue over all products, held in memory: only what changed is read again."""

from collections.abc import Collection, Sequence
from datetime import datetime

from dashboard.desk.tickets import Place, Tickets
from dashboard.desk.waiting import PRODUCTS_AT_A_TIME, WaitingReader
from schemas.events import Channel

MOST_LISTED = 100
"""Reviews that are told of at once; the others are only counted, so that they need not be put in order."""


class Line:
    """What waits of all products."""

    def __init__(self, reader: WaitingReader) -> None:
        self._reader = reader
        self._tickets = Tickets()
        self._digests: dict[str, str] = {}
        """Of each product, from before it was read last."""
        self._minute = 0
        self._first: dict[Channel | None, list[Place]] = {}
        """Of that minute: the first of all, and of single channels that were asked for."""
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
                self._tickets.put(product_id, waiting, now)
            self._first.clear()

    def forget_others(self, product_ids: Collection[str], now: datetime) -> None:
        """Keep only these products: another view took the place of the one that was read."""
        known = set(product_ids)
        for product_id in self._tickets.products:
            if product_id not in known:
                self._tickets.put(product_id, (), now)
        self._digests.clear()
        self._reader.forget()
        self._first.clear()

    def waiting(self, channel: Channel | None = None) -> int:
        """How many wait, in all or of a channel."""
        return self._tickets.count(channel)

    def first(self, now: datetime, channel: Channel | None = None) -> Sequence[Place]:
        """The most urgent ones, ``MOST_LISTED`` at most; the order is made anew each minute, and when anything changed."""
        minute = int(now.timestamp() // 60)
        if minute != self._minute:
            self._minute = minute
            self._first.clear()
        if channel not in self._first:
            self._first[channel] = self._tickets.first(now, channel, MOST_LISTED)
        return self._first[channel]
