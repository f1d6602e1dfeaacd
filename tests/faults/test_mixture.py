"""Faults of different kinds at once, drawn from a seed: nothing is lost, doubled, reordered or miscounted."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from cluster import Cluster
from harness import Rig
from ledger import Ledger
from member import LOG_TAIL, say
from mixture import Stage, volley
from redis_site import RedisSite

VOLLEYS = 20
FLOW = 100
"""Records that are scored before each volley."""

SETTLE_S = 300.0


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RedisSite]:
    with RedisSite(tmp_path / "redis") as site:
        yield site


def prove(stage: Stage, draw: Random, volleys: int, least: int, ledger: Ledger, title: str) -> None:
    """Strike so often; after each volley all must be exact before the next."""
    rig, struck, judged = stage.rig, Counter[str](), 0
    for number in range(volleys):
        if stage.cluster:
            stage.cluster.wait_until_in_sync()
        with stage, rig.feeding():
            rig.flow(FLOW, SETTLE_S)
            struck.update(volley(stage, draw, least))
            recovery = rig.catch_up_since(time.monotonic(), SETTLE_S)
        findings = rig.prove(SETTLE_S)
        say(f"volley {number + 1} of {volleys}: exact, after {recovery:.1f} s; struck: {dict(struck)}")
        gone = [member for member in rig.members if not member.running]
        for member in gone:
            say(f"{member.name} has left with {member.job.wait(0)}:\n{member.job.log[-LOG_TAIL:]}")
        assert not gone
        ledger.add(title, [recovery], replace(findings, records=findings.records - judged))
        judged = findings.records


def test_processes_redis_and_network_fail_together(
    make_rig: Callable[..., Rig], site: RedisSite, ledger: Ledger
) -> None:
    rig = make_rig(redis_url=site.url)
    for role in ("score", "aggregate"):
        rig.start(role)

    stage = Stage(rig, site, [site.line])
    prove(stage, Random(rig.seed), 1, 3, ledger, "one fault of processes, Redis and network each, at once")


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_everything_fails_at_random(
    three: Cluster, make_rig: Callable[..., Rig], site: RedisSite, ledger: Ledger
) -> None:
    rig = make_rig(servers=three.servers.bootstrap_servers, redis_url=site.url)
    for role in ("score", "aggregate"):
        for instance in ("a", "b"):
            rig.start(role, instance, bootstrap_servers=three.over_lines)

    stage = Stage(rig, site, [*three.lines, site.line], three)
    title = "2 to 4 faults of processes, brokers, Redis and network at once, drawn at random"
    prove(stage, Random(rig.seed), VOLLEYS, 2, ledger, title)
