"""Alerts that are not delivered yet. They wait in Redis, so that a process that is killed loses none.

Who takes one has it for a while, and no other process sends it meanwhile. What is sent but not noted as done is sent again,
with the same id: at least once.
"""

from dataclasses import dataclass
from typing import Any

from redis import Redis

from alerts.incidents import TAKE
from schemas.alert_keys import AlertKeys

FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 3600.0
"""Between two attempts: doubled from the first to the longest, and each shortened by up to a half at random, so that the
alerts of one outage do not all come back at once."""

LAST_ATTEMPT = 80
"""After which an alert is given up: ten attempts in the first hour or two, then one every 45 minutes on average; two days and
more. By then it is no news."""


@dataclass(frozen=True)
class Pending:
    """An alert to be sent now; ``attempt`` counts from 1, and counts those too after which a process was killed."""

    alert_id: str
    body: str
    attempt: int

    @property
    def is_last(self) -> bool:
        """Whether it is given up if this attempt fails."""
        return self.attempt >= LAST_ATTEMPT

    def pause_s(self, random: float) -> float:
        """Until the next attempt, if this one fails; ``random`` is from 0 to 1."""
        longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** (self.attempt - 1))
        return longest * (1 - random / 2)


class Outbox:
    """Alerts under one prefix.

    Args:
        redis: a client with ``decode_responses``.
        keys: names of the keys.
        lease_ms: for how long a taken alert is the taker's; longer than sending one may last.
    """

    def __init__(self, redis: Redis, keys: AlertKeys, lease_ms: int) -> None:
        self._redis = redis
        self._keys = keys
        self._lease_ms = lease_ms
        self._take = redis.register_script(TAKE)

    def take(self, now_ms: int) -> Pending | None:
        """The alert that is due for longest."""
        keys = [self._keys.due, self._keys.bodies, self._keys.attempts]
        answer: Any = self._take(keys=keys, args=[now_ms, self._lease_ms])
        return Pending(str(answer[0]), str(answer[1]), int(answer[2])) if answer else None

    def remove(self, alert_id: str) -> None:
        """It is delivered, or given up."""
        pipeline = self._redis.pipeline(transaction=True)
        pipeline.zrem(self._keys.due, alert_id)
        pipeline.hdel(self._keys.bodies, alert_id)
        pipeline.hdel(self._keys.attempts, alert_id)
        pipeline.execute()

    def put_off(self, alert_id: str, until_ms: int) -> None:
        """Try again then, unless another process has delivered it meanwhile."""
        self._redis.zadd(self._keys.due, {alert_id: until_ms}, xx=True)
