"""Kill the members of a group at planned steps, life after life, and measure how soon each successor works."""

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from signal import SIGCONT, SIGSTOP

from member import PATIENCE_S, Member, say
from steps import Step, Strike
from waiting import POLL_S

NAMES = {"score": "scorer", "aggregate": "aggregator"}

NAP_S = 3.0
"""A suspended member is resumed after so long, which is past the session timeout of the harness."""

AFTER_NAP_S = 2.0
"""Then it has so long to do harm, before it is killed."""


@dataclass(frozen=True)
class Moment:
    """SIGKILL from outside, so many seconds after a life has finished its first batch."""

    after_s: float


@dataclass(frozen=True)
class Killed:
    """One SIGKILL and what came of it."""

    role: str
    where: str
    recovery_s: float
    """From the SIGKILL until a successor of this member had finished its first batch."""

    @property
    def title(self) -> str:
        return f"SIGKILL of {NAMES[self.role]}: {self.where}"


def kill_in_a_rebalance(first: Member, second: Member) -> list[Killed]:
    """``second`` joins: ``first`` dies as partitions are taken from it, ``second`` as it is given some."""
    first.start(Strike(Step.TAKEN)).wait_until("working")
    second.start(Strike(Step.GIVEN))
    for member in (first, second):
        member.expect_killed()
    struck = {member: member.wait_until("struck") for member in (first, second)}
    for member in (first, second):
        member.start()
    kills = [
        Killed(member.role, step, member.wait_until("working") - struck[member])
        for member, step in ((first, Step.TAKEN), (second, Step.GIVEN))
    ]
    for member in (first, second):
        assert member.job.stop() == 0, member.job.log
    return kills


def kill_life_after_life(plans: dict[Member, deque[Strike | Moment]]) -> list[Killed]:
    """Each member dies by its strikes in turn, independently of the others; at the end all live and work."""
    lives = [_Lives(member, strikes) for member, strikes in plans.items()]
    deadline = time.monotonic() + PATIENCE_S
    while not all(life.over for life in lives):
        for life in lives:
            if life.turn():
                deadline = time.monotonic() + PATIENCE_S
        assert time.monotonic() < deadline, f"never got there: {[life.strike for life in lives]}"
        time.sleep(POLL_S)
    return [kill for life in lives for kill in life.kills]


def kill_alone(member: Member, strikes: Sequence[Strike]) -> list[Killed]:
    """It dies by each strike in turn, with all partitions of its group; at the end it leaves."""
    if not strikes:
        return []
    kills = kill_life_after_life({member: deque(strikes)})
    assert member.job.stop() == 0, member.job.log
    return kills


class _Lives:
    """A member that dies by each of its strikes, and lives on after the last."""

    def __init__(self, member: Member, strikes: deque[Strike | Moment]) -> None:
        self.kills: list[Killed] = []
        self._member = member
        self._strikes = strikes
        self._unhealed: list[tuple[str, float]] = []
        """Where and when, of kills after which no life has worked yet."""
        self._start()

    @property
    def over(self) -> bool:
        return self.strike is None and not self._unhealed

    def turn(self) -> bool:
        """Look how it stands; true if there was news."""
        working, struck = self._member.noted("working"), self._member.noted("struck")
        healed = self._unhealed if working else []
        if working and healed:
            self.kills += [Killed(self._member.role, where, working - at) for where, at in healed]
            self._unhealed = []
        if working and isinstance(self.strike, Moment):
            self._kill_after(working + self.strike.after_s)
        if struck and isinstance(self.strike, Strike) and self.strike.signal == SIGSTOP:
            if time.monotonic() > struck + NAP_S:
                self._member.job.send(SIGCONT)
            self._kill_after(struck + NAP_S + AFTER_NAP_S)
        if self._member.running:
            return bool(healed)
        self._member.expect_killed()
        assert self.strike, f"{self._member.name} died without a strike"
        self._unhealed.append((self._where(), self._killed_at or self._member.wait_until("struck")))
        say(f"{self._member.name}, life {self._member.lives}: killed {self._where()}")
        self._start()
        return True

    def _start(self) -> None:
        self.strike = self._strikes.popleft() if self._strikes else None
        self._killed_at: float | None = None
        self._member.start(self.strike if isinstance(self.strike, Strike) else None)

    def _kill_after(self, moment: float) -> None:
        if time.monotonic() > moment and self._member.running:
            self._killed_at = time.monotonic()
            self._member.job.kill()

    def _where(self) -> str:
        if isinstance(self.strike, Moment):
            return "at any moment"
        assert self.strike
        return self.strike.step if self._killed_at is None else "soon after a suspension"
