"""Kill the two members of a group at planned steps, life after life, and measure how soon each successor works."""

import time
from collections import deque
from dataclasses import dataclass

from harness import PATIENCE_S, Member
from steps import Step, Strike
from waiting import POLL_S

NAMES = {"score": "scorer", "aggregate": "aggregator"}


@dataclass(frozen=True)
class Killed:
    """One SIGKILL and what came of it."""

    role: str
    step: Step
    recovery_s: float
    """From the SIGKILL until the successor had finished its first batch."""

    @property
    def title(self) -> str:
        return f"{NAMES[self.role]} {self.step}"


def kill_in_a_rebalance(first: Member, second: Member) -> list[Killed]:
    """``second`` joins: ``first`` dies as partitions are taken from it, ``second`` as it is given some."""
    first.start(Strike(Step.TAKEN)).wait_until("working")
    second.start(Strike(Step.GIVEN))
    for member in (first, second):
        member.expect_killed()
    struck = {member: member.wait_until("struck") for member in (first, second)}
    kills = [
        Killed(member.role, step, member.start().wait_until("working") - struck[member])
        for member, step in ((first, Step.TAKEN), (second, Step.GIVEN))
    ]
    for member in (first, second):
        assert member.job.stop() == 0, member.job.log
    return kills


def kill_at_steps(plans: dict[Member, deque[Strike]]) -> list[Killed]:
    """Each member dies by its strikes in turn, independently of the others; at the end all live and work."""
    kills: list[Killed] = []
    lives = [_Lives(member, strikes) for member, strikes in plans.items()]
    deadline = time.monotonic() + PATIENCE_S
    while not all(life.over for life in lives):
        for life in lives:
            if life.turn():
                deadline = time.monotonic() + PATIENCE_S
        assert time.monotonic() < deadline, f"never got there: {[life.strike for life in lives]}"
        time.sleep(POLL_S)
    for life in lives:
        kills += life.kills
    return kills


class _Lives:
    """A member that dies by each of its strikes, and lives on after the last."""

    def __init__(self, member: Member, strikes: deque[Strike]) -> None:
        self.kills: list[Killed] = []
        self._member = member
        self._strikes = strikes
        self._unhealed: list[tuple[Step, float]] = []
        """Strikes after which no life has worked yet, with their times."""
        self._start()

    @property
    def over(self) -> bool:
        return self.strike is None and not self._unhealed

    def turn(self) -> bool:
        """Look how it stands; true if there was news."""
        working = self._member.noted("working")
        if healed := self._unhealed if working else []:
            self.kills += [Killed(self._member.role, step, working - at) for step, at in healed]
            self._unhealed = []
        died = not self._member.running
        if died:
            self._member.expect_killed()
            assert self.strike, f"{self._member.name} died without a strike"
            self._unhealed.append((self.strike.step, self._member.wait_until("struck")))
            self._start()
        return bool(healed) or died

    def _start(self) -> None:
        self.strike = self._strikes.popleft() if self._strikes else None
        self._member.start(self.strike)
