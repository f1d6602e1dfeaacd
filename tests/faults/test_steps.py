"""Scorers and aggregators that are killed at every named step: nothing is lost, doubled, reordered or miscounted."""

import random
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from signal import SIGSTOP

import pytest
from harness import Rig
from ledger import Ledger
from member import say
from steps import LABELS_STEPS, REBALANCE_STEPS, STEPS, Strike
from strikes import Killed, Moment, kill_alone, kill_in_a_rebalance, kill_life_after_life

ROLES = ("score", "aggregate")

ALONE_STEPS = {"score": (), "aggregate": LABELS_STEPS}
"""Only one of two members passes these, so it is killed there while it has no rival."""

KILLS_OF_A_MEMBER = 51
"""Of two members of each role, and of the reader of labels: over 200 SIGKILLs in all."""

KILLS_ALONE = 2
"""In each round."""

REBALANCES = 3
EVENTS = 200_000
LARGER_STEPS = {"batch_size": "128", "apply_batch_size": "1000"}
"""As the pipeline has by default, or half of it."""

EVENTS_A_SECOND = 250
SETTLE_S = 900.0


@pytest.mark.timeout(900)  # a busy machine takes minutes to start so many processes
def test_processes_are_killed_at_every_step(make_rig: Callable[..., Rig], ledger: Ledger) -> None:
    rig = make_rig()

    def kill(role: str) -> list[Killed]:
        a, b = rig.member(role, "a"), rig.member(role, "b")
        strikes = [Strike(step, passage=2) for step in STEPS[role]]
        return [
            *kill_in_a_rebalance(a, b),
            *kill_alone(a, [Strike(step, passage=2) for step in ALONE_STEPS[role]]),
            *kill_life_after_life({a: deque(strikes[::2]), b: deque(strikes[1::2])}),
        ]

    with rig.feeding(), ThreadPoolExecutor() as threads:
        kills = [kill for pool in threads.map(kill, ROLES) for kill in pool]

    findings = rig.prove()
    assert {(kill.role, kill.where) for kill in kills} == {
        (role, step) for role in ROLES for step in (*STEPS[role], *REBALANCE_STEPS, *ALONE_STEPS[role])
    }
    ledger.add_kills(kills, findings)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_hundreds_of_processes_are_killed_at_random(make_rig: Callable[..., Rig], ledger: Ledger) -> None:
    rig = make_rig()

    def kill(role: str) -> list[Killed]:
        a, b = (rig.member(role, instance, **LARGER_STEPS) for instance in "ab")
        draw = random.Random(f"{rig.seed} {role}")
        kills = []
        for number in range(REBALANCES):
            kills += kill_in_a_rebalance(a, b)
            alone = draw.sample(ALONE_STEPS[role], min(KILLS_ALONE, len(ALONE_STEPS[role])))
            kills += kill_alone(a, [Strike(step, passage=draw.randint(1, 12)) for step in alone])
            kills += kill_life_after_life({member: random_strikes(draw, role, number) for member in (a, b)})
            for member in (a, b):
                assert member.job.stop() == 0, member.job.log
        for member in (a, b):
            member.start()
        return kills

    ledger.note("seed", rig.seed)
    with rig.feeding(EVENTS_A_SECOND), ThreadPoolExecutor() as threads:
        kills = [kill for pool in threads.map(kill, ROLES) for kill in pool]
    say(f"{len(kills)} kills while {rig.published} records were published; now the rest")
    rig.publish(EVENTS - rig.published)
    findings = rig.prove(SETTLE_S)
    assert len(kills) >= 200
    ledger.add_kills(kills, findings)


def random_strikes(draw: random.Random, role: str, round_number: int) -> deque[Strike | Moment]:
    """Deaths of one member in one round: at any step that its role passes, at any moment, or after a suspension."""
    share = (KILLS_OF_A_MEMBER - 2) // REBALANCES + (round_number == 0)

    def strike() -> Strike | Moment:
        luck = draw.random()
        if luck < 0.2:
            return Moment(draw.uniform(0, 3))
        step, passage = draw.choice(STEPS[role]), draw.randint(1, 12)
        return Strike(step, passage, SIGSTOP) if luck < 0.26 else Strike(step, passage)

    return deque(strike() for _ in range(share))
