"""Counts as columns of a CSV."""

from collections.abc import AsyncIterator, Sequence

from starlette.responses import StreamingResponse

from consumers.read.counts import Counts
from dashboard.counts import DayCounts
from dashboard.csv_export import Cell, csv_response
from schemas.events import Channel
from schemas.redis_keys import Counter

COUNTS_HEAD = (
    *(counter.value for counter in Counter if counter is not Counter.SCORE_SUM),
    "positive_share",
    "positive_low_95",
    "positive_high_95",
    "calibrated_positive",
)


def counts_cells(counts: Counts) -> list[Cell]:
    """In the order of ``COUNTS_HEAD``."""
    share = counts.share(Counter.POSITIVE)
    return [
        *(getattr(counts, counter) for counter in Counter if counter is not Counter.SCORE_SUM),
        *((share.value, share.low, share.high) if share else (None, None, None)),
        counts.mean_score,
    ]


def days_response(
    file_name: str, id_column: str, identifier: str, channel: Channel, days: Sequence[DayCounts]
) -> StreamingResponse:
    """A row a day of one product or campaign."""

    async def rows() -> AsyncIterator[list[Cell]]:
        for day, counts in days:
            yield [identifier, channel.value, day.isoformat(), *counts_cells(counts)]

    return csv_response(file_name, [id_column, "channel", "day", *COUNTS_HEAD], rows())
