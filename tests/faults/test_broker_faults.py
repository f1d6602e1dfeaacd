"""Brokers that are restarted, killed or moved away from under a working pipeline: nothing is lost or doubled."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from cluster import BROKERS, Cluster
from harness import Rig
from ledger import Ledger
from member import say

from embedded import KafkaCluster

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]

ROUNDS = 1
"""Of each fault: it strikes each broker so often."""

FLOW = 200
"""Records that are scored between two acts."""


def kill(cluster: Cluster, broker: int, rig: Rig) -> float:
    began = time.monotonic()
    cluster.servers.kill(broker)
    rig.catch_up()
    recovered = time.monotonic() - began
    cluster.servers.start_broker(broker)
    return recovered


def restart(cluster: Cluster, broker: int, rig: Rig) -> float:
    began = time.monotonic()
    cluster.servers.stop_broker(broker)
    rig.catch_up()
    recovered = time.monotonic() - began
    cluster.servers.start_broker(broker)
    return recovered


def suspend(cluster: Cluster, broker: int, rig: Rig) -> float:
    """It hangs, with all its connections open, until the others have done all there was to do."""
    began = time.monotonic()
    cluster.servers.suspend(broker)
    try:
        recovered = rig.catch_up_since(began)
    finally:
        cluster.servers.resume(broker)
    return recovered


def move_coordinators(cluster: Cluster, _broker: int, rig: Rig) -> float:
    began = time.monotonic()
    cluster.move_coordinators()
    return rig.catch_up_since(began)


@dataclass(frozen=True)
class Fault:
    """Something that happens to one broker of three."""

    title: str
    strike: Callable[[Cluster, int, Rig], float]
    """Breaks and heals; returns the seconds until the work went on."""


KILLED = Fault("each of three brokers killed in turn (min in-sync replicas 2)", kill)
RESTARTED = Fault("each of three brokers restarted in turn", restart)
SUSPENDED = Fault("each of three brokers suspended in turn (SIGSTOP)", suspend)
MOVED = Fault("coordinators of groups and transactions moved", move_coordinators)


@pytest.mark.parametrize("fault", [KILLED, RESTARTED, SUSPENDED, MOVED], ids=lambda fault: fault.title)
def test_each_of_three_brokers_fails_in_turn(
    three: Cluster, make_rig: Callable[..., Rig], ledger: Ledger, fault: Fault
) -> None:
    rig = start(make_rig, three.servers)
    recoveries = []
    for broker in list(range(BROKERS)) * ROUNDS:
        three.wait_until_in_sync()
        with rig.feeding():
            rig.flow(FLOW)
            recoveries.append(fault.strike(three, broker, rig))
            rig.flow(FLOW)
        findings = rig.prove()
        say(f"{fault.title}: exact, after {recoveries[-1]:.1f} s")
    ledger.add(fault.title, recoveries, findings)


@pytest.mark.parametrize("how", ["killed", "restarted"])
def test_the_only_broker_goes_and_comes_back(
    fragile: KafkaCluster, make_rig: Callable[..., Rig], ledger: Ledger, how: str
) -> None:
    rig = start(make_rig, fragile)
    recoveries = []
    for _ in range(BROKERS * ROUNDS):
        with rig.feeding():
            rig.flow(FLOW)
            began = time.monotonic()
            {"killed": fragile.kill, "restarted": fragile.stop_broker}[how](0)
            fragile.start_broker(0)
            recoveries.append(rig.catch_up_since(began))
        findings = rig.prove()
        say(f"the only broker {how}: exact, after {recoveries[-1]:.1f} s")
    ledger.add(f"the only broker {how}, and back", recoveries, findings)


def start(make_rig: Callable[..., Rig], cluster: KafkaCluster) -> Rig:
    rig = make_rig(servers=cluster.bootstrap_servers)
    rig.start("score")
    rig.start("aggregate")
    return rig
