"""A network that delays, freezes, cuts and resets what flows between the pipeline and its servers: nothing is lost or doubled."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import NamedTuple

import pytest
from harness import Rig
from impatience import IMPATIENT
from kafka import KafkaAdminClient
from ledger import Ledger
from member import say
from proxy import Proxy
from redis_site import port_of
from waiting import eventually

from embedded import KafkaCluster, ValkeyServer
from embedded.processes import LOOPBACK

TIMES = 3
"""Of each fault in the long run."""

FLOW = 100
"""Records that are scored between two acts."""

DELAY_S = 0.05
CUT_S = 3.0
FROZEN_S = 8.0
"""Past the session timeout and the transaction timeout of the harness."""


class Lines(NamedTuple):
    """What lies between the pipeline and its servers."""

    kafka: Proxy
    redis: Proxy


def delay(line: Proxy, rig: Rig) -> float:
    line.delay(DELAY_S)
    rig.flow(FLOW, timeout=240)
    line.heal()
    return time.monotonic()


def cut(line: Proxy, _rig: Rig) -> float:
    line.cut()
    return heal_after(line, CUT_S)


def reset(line: Proxy, _rig: Rig) -> float:
    began = time.monotonic()
    line.reset()
    return began


def freeze(line: Proxy, _rig: Rig) -> float:
    line.freeze()
    return heal_after(line, FROZEN_S)


def freeze_and_reset(line: Proxy, _rig: Rig) -> float:
    """The line was dead, and the far end has forgotten the connections when it comes back."""
    line.freeze()
    end = time.monotonic() + FROZEN_S
    eventually(lambda: time.monotonic() > end, 2 * FROZEN_S)
    line.reset()
    return heal_after(line, 0)


def heal_after(line: Proxy, seconds: float) -> float:
    """Once they have passed."""
    end = time.monotonic() + seconds
    eventually(lambda: time.monotonic() > end, 60)
    line.heal()
    return time.monotonic()


@dataclass(frozen=True)
class Fault:
    """Something that happens to a line."""

    title: str
    strike: Callable[[Proxy, Rig], float]
    """Breaks and heals; returns from when the recovery counts, in seconds of ``time.monotonic``."""


DELAYED = Fault(f"delayed by {DELAY_S * 1000:.0f} ms a packet", delay)
CUT = Fault(f"cut for {CUT_S:.0f} s", cut)
RESET = Fault("connections reset", reset)
FROZEN = Fault(f"frozen for {FROZEN_S:.0f} s, past the session and the transaction timeout", freeze)
FORGOTTEN = Fault(f"frozen for {FROZEN_S:.0f} s, then reset", freeze_and_reset)


@pytest.fixture(scope="module")
def kafka_line() -> Iterator[tuple[Proxy, KafkaCluster]]:
    """A broker of this module, and the line that clients may use to it."""
    with Proxy() as line, KafkaCluster(settings=IMPATIENT, proxies=[line.port]) as cluster:
        line.point_to(cluster.behind_proxies[0])
        yield line, cluster


@pytest.fixture
def wired(
    kafka_line: tuple[Proxy, KafkaCluster], valkey: ValkeyServer, make_rig: Callable[..., Rig]
) -> Iterator[tuple[Rig, Lines]]:
    """A pipeline whose members reach their servers over lines; the test itself goes by another way."""
    line, cluster = kafka_line
    with ExitStack() as stack:
        lines = Lines(line, stack.enter_context(Proxy(port_of(valkey.url))))
        stack.callback(line.heal)
        rig = make_rig(servers=cluster.bootstrap_servers)
        over_lines = {
            "bootstrap_servers": f"{LOOPBACK}:{lines.kafka.port}",
            "redis_url": f"redis://{LOOPBACK}:{lines.redis.port}/0",
        }
        for role in ("score", "aggregate"):
            rig.start(role, **over_lines)
        yield rig, lines


def prove(rig: Rig, lines: Lines, server: str, fault: Fault, ledger: Ledger, times: int) -> None:
    """Strike so often; each time, all must be exact before it goes on."""
    line: Proxy = getattr(lines, server)
    recoveries = []
    for _ in range(times):
        with rig.feeding():
            rig.flow(FLOW)
            since = fault.strike(line, rig)
            recoveries.append(rig.catch_up_since(since))
        findings = rig.prove()
        say(f"line to {server} {fault.title}: exact, after {recoveries[-1]:.1f} s")
    assert all(member.running for member in rig.members), [member.job.log for member in rig.members]
    ledger.add(f"network to {server.title()}: {fault.title}", recoveries, findings)


def test_who_comes_by_the_line_is_told_to_stay_on_it(kafka_line: tuple[Proxy, KafkaCluster]) -> None:
    line, _ = kafka_line
    with KafkaAdminClient(bootstrap_servers=f"{LOOPBACK}:{line.port}") as admin:
        (broker,) = admin.describe_cluster()["brokers"]

    assert broker["port"] == line.port


def test_a_line_that_is_reset_and_one_that_is_frozen_past_the_transaction_timeout(
    wired: tuple[Rig, Lines], ledger: Ledger
) -> None:
    for server, fault in (("redis", RESET), ("kafka", FROZEN)):
        prove(*wired, server, fault, ledger, times=1)


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("fault", [DELAYED, CUT, RESET, FROZEN, FORGOTTEN], ids=lambda fault: fault.title)
@pytest.mark.parametrize("server", Lines._fields)
def test_a_line_that_breaks_again_and_again(
    wired: tuple[Rig, Lines], ledger: Ledger, server: str, fault: Fault
) -> None:
    prove(*wired, server, fault, ledger, TIMES)
