"""Who works on what. Redis decides, by its own clock, so it does not matter which dashboard is asked or what its clock says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from importlib.resources import files
from typing import Any

from redis.asyncio import Redis

from dashboard.desk.waiting import QUEUED_FOR
from schemas.desk_keys import DeskKeys

SCRIPT = (files("dashboard.desk") / "desk.lua").read_text()

DONE_KEPT = QUEUED_FOR + timedelta(days=1)
"""A place that is done is remembered for longer than it could be in the queue."""


class Act(StrEnum):
    """What an agent does with a review."""

    CLAIM = "claim"
    DONE = "done"
    BACK = "back"


class State(StrEnum):
    """What came of it."""

    YOURS = "yours"
    TAKEN = "taken"
    DONE = "done"


@dataclass(frozen=True)
class Outcome:
    """What came of an act; ``holder`` is who claims the review now, if anybody, for so long."""

    state: State
    holder: str
    expires_in: timedelta


@dataclass(frozen=True)
class Claim:
    """Who claims a review, for how long."""

    holder: str
    expires_in: timedelta


class Claims:
    """Claims of reviews, each named by product and place."""

    def __init__(self, redis: Redis, keys: DeskKeys, lasts: timedelta) -> None:
        self._keys = keys
        self._redis = redis
        self._lasts = lasts
        self._script = redis.register_script(SCRIPT)

    async def act(self, act: Act, agent: str, product_id: str, place: str) -> Outcome:
        """Do it if it is this agent's to do. To claim again what one has makes the claim last anew."""
        keys = [self._keys.claim(product_id, place), self._keys.done(product_id)]
        lasts = int(self._lasts / timedelta(milliseconds=1))
        kept = int(DONE_KEPT / timedelta(seconds=1))
        answer: Any = await self._script(keys=keys, args=[act, agent, place, lasts, kept])
        state, holder, milliseconds = answer
        return Outcome(State(state), str(holder), timedelta(milliseconds=milliseconds))

    async def of(self, places: Sequence[tuple[str, str]]) -> list[Claim | None]:
        """The claim of each product and place, if there is one."""
        pipeline = self._redis.pipeline(transaction=False)
        for product_id, place in places:
            pipeline.get(self._keys.claim(product_id, place))
            pipeline.pttl(self._keys.claim(product_id, place))
        answers = iter(await pipeline.execute())
        claims = zip(answers, answers, strict=True)
        return [
            Claim(str(holder), timedelta(milliseconds=max(0, left))) if holder else None
            for holder, left in claims
        ]
