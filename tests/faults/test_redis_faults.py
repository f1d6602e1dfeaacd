"""A Redis that is killed, emptied, put back, frozen, full, demoted or replaced under a working pipeline: counts end right."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from harness import Rig
from ledger import Ledger
from member import say
from redis_site import RedisSite
from waiting import eventually

TIMES = 4
"""Of each fault in the long run."""

FLOW = 100
"""Records that are scored between two acts."""

FROZEN_S = 60.0


def kill(_rig: Rig, site: RedisSite) -> float:
    began = time.monotonic()
    site.kill_and_restart()
    return began


def empty(_rig: Rig, site: RedisSite) -> float:
    began = time.monotonic()
    site.empty()
    return began


def put_back(rig: Rig, site: RedisSite) -> float:
    site.back_up()
    rig.flow(FLOW)
    rig.catch_up()
    began = time.monotonic()
    site.put_back()
    return began


def freeze(_rig: Rig, site: RedisSite) -> float:
    site.freeze()
    end = time.monotonic() + FROZEN_S
    eventually(lambda: time.monotonic() > end, 2 * FROZEN_S)
    site.thaw()
    return time.monotonic()


def run_out_of_memory(rig: Rig, site: RedisSite) -> float:
    site.run_out_of_memory()
    rig.flow(FLOW)
    site.get_memory()
    return time.monotonic()


def demote(rig: Rig, site: RedisSite) -> float:
    site.demote()
    rig.flow(FLOW)
    site.promote()
    return time.monotonic()


def fail_over(rig: Rig, site: RedisSite) -> float:
    site.add_replica()
    rig.flow(FLOW)
    site.let_replica_lag()
    rig.flow(FLOW)
    rig.catch_up()
    began = time.monotonic()
    site.fail_over()
    return began


@dataclass(frozen=True)
class Fault:
    """Something that happens to a Redis."""

    title: str
    strike: Callable[[Rig, RedisSite], float]
    """Breaks and heals; returns from when the recovery counts, in seconds of ``time.monotonic``."""
    said: str | None = None
    """What the log of the aggregator must say of it, each time; nothing if it is over before anybody notices."""
    keeps_data: bool = False
    times: int = TIMES


LOST = "Redis is not as we left it at offset"

KILLED = Fault("Redis killed, its append-only file kept", kill, keeps_data=True)
EMPTIED = Fault("Redis killed and restarted empty", empty, LOST)
PUT_BACK = Fault("Redis restarted from an older snapshot", put_back, LOST)
FROZEN = Fault("Redis frozen for a minute", freeze, "Redis: Timeout", times=2)
FULL = Fault("Redis out of memory (OOM answers)", run_out_of_memory, "when used memory > 'maxmemory'")
DEMOTED = Fault(
    "Redis demoted (READONLY answers)", demote, "Redis: You can't write against a read only replica"
)
REPLACED = Fault("failover to a replica that misses the last writes", fail_over, LOST)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RedisSite]:
    with RedisSite(tmp_path / "redis") as site:
        yield site


@pytest.fixture
def durable_site(tmp_path: Path) -> Iterator[RedisSite]:
    with RedisSite(tmp_path / "durable", appendonly=True) as site:
        yield site


def prove(rig: Rig, site: RedisSite, fault: Fault, ledger: Ledger, times: int) -> None:
    """Strike so often; each time, all must be exact before it goes on."""
    recoveries = []
    for _ in range(times):
        before = logged(rig, fault.said)
        with rig.feeding():
            rig.flow(FLOW)
            since = fault.strike(rig, site)
            recoveries.append(rig.catch_up_since(since))
        findings = rig.prove()
        say(f"{fault.title}: exact, after {recoveries[-1]:.1f} s")
        assert fault.said is None or logged(rig, fault.said) > before, rig.members[-1].job.log
    ledger.add(fault.title, recoveries, findings)


def logged(rig: Rig, words: str | None) -> int:
    """How often the members have said that."""
    return 0 if words is None else sum(member.job.log.count(words) for member in rig.members)


def start(make_rig: Callable[..., Rig], site: RedisSite) -> Rig:
    rig = make_rig(redis_url=site.url)
    rig.start("score")
    rig.start("aggregate")
    return rig


def test_a_redis_that_is_full_and_one_that_is_replaced_by_a_replica_that_lags(
    make_rig: Callable[..., Rig], site: RedisSite, ledger: Ledger
) -> None:
    rig = start(make_rig, site)
    for fault in (FULL, REPLACED):
        prove(rig, site, fault, ledger, times=1)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "fault", [KILLED, EMPTIED, PUT_BACK, FROZEN, FULL, DEMOTED, REPLACED], ids=lambda fault: fault.title
)
def test_a_redis_that_fails_again_and_again(
    make_rig: Callable[..., Rig], site: RedisSite, durable_site: RedisSite, ledger: Ledger, fault: Fault
) -> None:
    chosen = durable_site if fault.keeps_data else site
    prove(start(make_rig, chosen), chosen, fault, ledger, fault.times)
