"""Members that come and go under load, and partitions that are added to a live topic."""

import time
from collections.abc import Callable

import pytest
from harness import PARTITIONS, Rig
from ledger import Ledger

pytestmark = pytest.mark.timeout(1800)

ROLES = ("score", "aggregate")
ROUNDS = 3
ADDED = 3
SETTLE_S = 300.0


def scale_up_and_down(rig: Rig, number: int) -> list[float]:
    """From one to three of each role and back; seconds until all three work, and until two have left."""
    started = time.monotonic()
    more = [rig.start(role, f"{instance}{number}") for role in ROLES for instance in ("b", "c")]
    up = max(member.wait_until("working") for member in more) - started
    rig.flow(300)
    left = time.monotonic()
    for member in more:
        assert member.job.stop() == 0, member.job.log
    return [up, rig.catch_up_since(left)]


@pytest.mark.parametrize("rounds", [1, pytest.param(ROUNDS, marks=pytest.mark.long)])
def test_scaling_from_one_to_three_and_back_under_load(
    make_rig: Callable[..., Rig], ledger: Ledger, rounds: int
) -> None:
    rig = make_rig()
    for role in ROLES:
        rig.start(role)
    with rig.feeding():
        rig.flow(100)
        seconds = [second for number in range(rounds) for second in scale_up_and_down(rig, number)]

    ledger.add("1 → 3 → 1 scorers and aggregators under load", seconds, rig.prove())


@pytest.mark.long
def test_partitions_are_added_to_a_live_topic(make_rig: Callable[..., Rig], ledger: Ledger) -> None:
    rig = make_rig()
    for role in ROLES:
        rig.start(role, "a"), rig.start(role, "b")

    with rig.feeding():
        rig.flow(300)
        added = time.monotonic()
        rig.widen(PARTITIONS + ADDED)
        rig.flow(300)
        recovery = rig.catch_up_since(added, SETTLE_S)

    findings = rig.prove(SETTLE_S)
    assert all(rig.topics.committed()[PARTITIONS + number] > 0 for number in range(ADDED))
    ledger.add("Partitions added to the live raw topic", [recovery], findings)


@pytest.mark.long
def test_partitions_are_added_to_the_live_scored_topic(make_rig: Callable[..., Rig], ledger: Ledger) -> None:
    rig = make_rig()
    scorers = [rig.start("score", instance) for instance in "ab"]
    for instance in "ab":
        rig.start("aggregate", instance)

    with rig.feeding():
        rig.flow(300)
        added = time.monotonic()
        rig.topics.widen_scored(PARTITIONS + ADDED)
        for scorer in scorers:  # each new life sees all partitions
            rig.flow(300)
            scorer.job.kill()
            scorer.start()
        rig.flow(300)
        recovery = rig.catch_up_since(added, SETTLE_S)

    ledger.add("Partitions added to the live scored topic", [recovery], rig.prove(SETTLE_S))
