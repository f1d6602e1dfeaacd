"""What comes first: points that people can follow, and that grow while a customer waits."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from schemas.events import Channel

STRONG_NEGATIVE_POINTS = 40
CHANNEL_POINTS = {Channel.SUPPORT: 30, Channel.SOCIAL: 15, Channel.REVIEW: 0}
"""Support: somebody waits for an answer; social: everybody reads along."""

MOST_HOURS = 24
"""A point for each hour of waiting, up to a day. After that one less for each further day, which 30 days of the queue never
make more than it gained: a late answer helps less, and a backlog must not stand before every new call for help."""

EXPLANATION = (
    f"Points: {STRONG_NEGATIVE_POINTS} for a strong negative, 0 for a review that the model is unsure of; "
    f"{CHANNEL_POINTS[Channel.SUPPORT]} for support, where a customer waits for an answer, "
    f"{CHANNEL_POINTS[Channel.SOCIAL]} for social, where others read along, 0 for a review; "
    f"1 for each hour since the customer wrote, up to {MOST_HOURS}, and after that 1 less for each further day, since a late "
    "answer helps less. Most points first; of equals, who has waited longest."
)


@dataclass(frozen=True)
class Urgency:
    """The points of one review, and where they come from."""

    kind: int
    channel: int
    waiting: int

    @property
    def points(self) -> int:
        return self.kind + self.channel + self.waiting


def urgency(*, strong_negative: bool, channel: Channel, created_at: datetime, now: datetime) -> Urgency:
    """How urgent a review is now; one that is dated ahead has not waited yet."""
    waited = max(timedelta(0), now - created_at)
    return Urgency(
        STRONG_NEGATIVE_POINTS if strong_negative else 0,
        CHANNEL_POINTS.get(channel, 0),
        min(MOST_HOURS, waited // timedelta(hours=1)) - max(0, waited // timedelta(days=1) - 1),
    )


def waiting_points(waited_s: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The points for waiting so many seconds, as in ``urgency``, of a whole queue at once."""
    waited = np.maximum(0.0, waited_s)
    points: npt.NDArray[np.float64] = np.minimum(MOST_HOURS, waited // 3600)
    points -= np.maximum(0.0, waited // 86_400 - 1)
    return points
