"""Scorers and aggregators that are killed at every named step: nothing is lost, doubled, reordered or miscounted."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from harness import Rig
from ledger import Ledger
from steps import REBALANCE_STEPS, STEPS, Strike
from strikes import Killed, kill_at_steps, kill_in_a_rebalance

ROLES = ("score", "aggregate")


def test_a_process_is_killed_at_every_step(make_rig: Callable[..., Rig], ledger: Ledger) -> None:
    rig = make_rig()

    with rig.feeding(), ThreadPoolExecutor() as threads:
        pools = threads.map(lambda role: kill_everywhere(rig, role), ROLES)
        kills = [kill for pool in pools for kill in pool]

    findings = rig.prove()
    assert {(kill.role, kill.step) for kill in kills} == {
        (role, step) for role in ROLES for step in (*STEPS[role], *REBALANCE_STEPS)
    }
    for kill in kills:
        ledger.add(f"SIGKILL of a {kill.title}", [kill.recovery_s], findings)


def kill_everywhere(rig: Rig, role: str) -> list[Killed]:
    a, b = rig.member(role, "a"), rig.member(role, "b")
    strikes = [Strike(step, passage=2) for step in STEPS[role]]
    return [
        *kill_in_a_rebalance(a, b),
        *kill_at_steps({a: deque(strikes[::2]), b: deque(strikes[1::2])}),
    ]
