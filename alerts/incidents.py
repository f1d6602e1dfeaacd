"""What was alarmed about already. Redis decides, in one step each, so processes may come, go and be several."""

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from importlib.resources import files

from redis import Redis

from consumers.aggregate.view import PERMISSIONS, commands
from schemas.alert_keys import AlertKeys
from schemas.alerts import Alert
from schemas.errors import ConfigurationError
from schemas.refusals import WHERE_PERMISSIONS_STAND
from schemas.topics import DAY_MS

CLAIM, HOLD, OPEN, TAKE = (
    (files("alerts") / name).read_text() for name in ("claim.lua", "hold.lua", "open.lua", "take.lua")
)


@dataclass(frozen=True)
class Place:
    """What an incident is about."""

    rule: str
    product_id: str

    @property
    def member(self) -> str:
        return AlertKeys.member(self.rule, self.product_id)


def incident_id(prefix: str, place: Place, day: date) -> str:
    """The id of the incident that opened on this day (UTC).

    Quiet times are a day at least, so two incidents of a product have two ids; and a Redis that forgot one which is alarmed
    about again on the same day gives it the same id.
    """
    text = json.dumps([prefix, place.rule, place.product_id, day.isoformat()])
    return f"incident_{hashlib.sha256(text.encode()).hexdigest()[:32]}"


class Incidents:
    """Open incidents under one prefix.

    Args:
        redis: a client with ``decode_responses``.
        keys: names of the keys.
    """

    def __init__(self, redis: Redis, keys: AlertKeys) -> None:
        self.keys = keys
        self._redis = redis
        self._claim = redis.register_script(CLAIM)
        self._hold = redis.register_script(HOLD)
        self._open = redis.register_script(OPEN)

    def require_permissions(self) -> None:
        """See now, and not at the first alarm, that this user may do all that an alarm takes.

        Raises:
            ConfigurationError: naming a command and a key.
        """
        wanted = commands(CLAIM, HOLD, OPEN, TAKE)
        every = self.keys
        keys = every.looks, every.open, every.opened, every.due, every.bodies, every.attempts
        if denied := self._redis.evalsha(
            self._redis.script_load(PERMISSIONS), 0, len(wanted), *wanted, *keys
        ):
            raise ConfigurationError(f"Redis denies this user {denied[0]}; {WHERE_PERMISSIONS_STAND}")

    def claim_look(self, rule: str, interval: int) -> bool:
        """Whether to look for this rule now: one process may, once in each interval."""
        return bool(self._claim(keys=[self.keys.looks], args=[rule, interval]))

    def still_holds(self, place: Place, quiet_days: int, now_ms: int) -> bool:
        """Note that the rule holds; whether that is an incident which is open already."""
        arguments: list[str | int] = [place.member, now_ms, now_ms + quiet_days * DAY_MS]
        return bool(self._hold(keys=[self.keys.open], args=arguments))

    def open(self, place: Place, quiet_days: int, alert: Alert, now_ms: int) -> bool:
        """Open an incident and put its alert into the outbox; false if another process was faster."""
        silent = alert.model_copy(update={"data": alert.data.model_copy(update={"texts": ()})})
        keys = [self.keys.open, self.keys.opened, self.keys.due, self.keys.bodies]
        until = now_ms + quiet_days * DAY_MS
        arguments: list[str | int | bytes] = [place.member, now_ms, until, alert.data.incident_id]
        arguments += [alert.to_json(), silent.to_json()]
        return bool(self._open(keys=keys, args=arguments))
