"""What was alarmed about already. Redis decides, in one step each, so processes may come, go and be several."""

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from importlib.resources import files

from redis import Redis

from consumers.aggregate.view import PERMISSIONS, commands
from schemas.alert_keys import AlertKeys
from schemas.errors import ConfigurationError
from schemas.refusals import WHERE_PERMISSIONS_STAND

CLAIM, OPEN, TAKE = ((files("alerts") / name).read_text() for name in ("claim.lua", "open.lua", "take.lua"))

DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True)
class Place:
    """What an incident is about."""

    rule: str
    product_id: str


def incident_id(prefix: str, place: Place, day: date) -> str:
    """The id of the incident that opened on this day (UTC).

    Quiet times are a day at least, so two incidents of a product have two ids; and a Redis that forgot one which is alarmed
    about again on the same day gives it the same id.
    """
    text = json.dumps([prefix, place.rule, place.product_id, day.isoformat()])
    return f"incident_{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"


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
        self._open = redis.register_script(OPEN)

    def require_permissions(self) -> None:
        """See now, and not at the first alarm, that this user may do all that an alarm takes.

        Raises:
            ConfigurationError: naming a command and a key.
        """
        wanted = [*commands(CLAIM, OPEN, TAKE), "HDEL"]
        keys = (
            self.keys.looks,
            self.keys.due,
            self.keys.bodies,
            self.keys.attempts,
            self.keys.incident("r", "p"),
        )
        if denied := self._redis.evalsha(
            self._redis.script_load(PERMISSIONS), 0, len(wanted), *wanted, *keys
        ):
            raise ConfigurationError(f"Redis denies this user {denied[0]}; {WHERE_PERMISSIONS_STAND}")

    def claim_look(self, rule: str, interval: int) -> bool:
        """Whether to look for this rule now: one process may, once in each interval."""
        return bool(self._claim(keys=[self.keys.looks], args=[rule, interval]))

    def still_holds(self, place: Place, quiet_days: int) -> bool:
        """Note that the rule holds; whether that is an incident which is open already."""
        return bool(
            self._redis.pexpire(self.keys.incident(place.rule, place.product_id), quiet_days * DAY_MS)
        )

    def open(self, place: Place, quiet_days: int, alert_id: str, body: str, now_ms: int) -> bool:
        """Open an incident and put its alert into the outbox; false if another process was faster."""
        keys = [self.keys.incident(place.rule, place.product_id), self.keys.due, self.keys.bodies]
        return bool(self._open(keys=keys, args=[alert_id, body, quiet_days * DAY_MS, now_ms]))
