"""The open incidents of the alerts, as ``reviewstream alerts`` leaves them in Redis."""

from datetime import datetime
from typing import Any

from redis.asyncio import Redis

from schemas.alert_keys import AlertKeys
from schemas.alerts import Alert


class IncidentsReader:
    """Reads them when they are asked for: there are few."""

    def __init__(self, redis: Redis, keys: AlertKeys) -> None:
        self._redis = redis
        self._keys = keys

    async def open(self, now: datetime) -> list[Alert]:
        """Those whose quiet time has not ended, the latest first."""
        after = f"({now.timestamp() * 1000:.0f}"
        members: Any = await self._redis.zrange(self._keys.open, after, "+inf", byscore=True)
        if not members:
            return []
        stored: Any = await self._redis.hmget(self._keys.opened, members)
        alerts = [Alert.model_validate_json(one) for one in stored if one is not None]
        return sorted(alerts, key=lambda one: one.timestamp, reverse=True)
