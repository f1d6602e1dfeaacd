"""Faults of all kinds, drawn from a seed, several at a time: each breaks one thing for some seconds and heals it."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random
from signal import SIGCONT, SIGSTOP
from typing import Self

from cluster import Cluster
from harness import Rig
from member import PATIENCE_S, Member, say
from proxy import Proxy
from redis_site import RedisSite
from waiting import let_pass

NAP_S = 3.0
"""Past the session timeout of the harness."""

LATEST_START_S = 2.0
DELAY_S = 0.02


@dataclass
class Stage:
    """What can be broken."""

    rig: Rig
    site: RedisSite
    lines: Sequence[Proxy]
    """To Kafka and to Redis."""
    cluster: Cluster | None = None
    """None where the brokers are to be left alone."""
    guests: list[Member] = field(default_factory=list)
    """Members that came in a volley and leave after it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        for guest in self.guests:
            if kind is None:
                guest.wait_until("listening")  # on a busy machine it may still be loading
                assert guest.job.stop(PATIENCE_S) == 0, guest.job.log
            guest.job.kill()
        self.guests.clear()


Act = Callable[[Stage, Random], None]


def kill_a_process(stage: Stage, draw: Random) -> None:
    member = draw.choice(stage.rig.members)
    member.job.kill()
    member.start()


def suspend_a_process(stage: Stage, draw: Random) -> None:
    member = draw.choice(stage.rig.members)
    member.job.send(SIGSTOP)
    let_pass(NAP_S)
    member.job.send(SIGCONT)


def scale_up(stage: Stage, draw: Random) -> None:
    """Until the end of the volley."""
    like = draw.choice(stage.rig.members)
    stage.guests.append(like.sibling(f"guest{draw.randrange(1_000_000)}").start())


def kill_a_broker(cluster: Cluster, draw: Random) -> None:
    broker = draw.randrange(len(cluster.lines))
    cluster.servers.kill(broker)
    let_pass(draw.uniform(0, 6))
    cluster.servers.start_broker(broker)


def restart_a_broker(cluster: Cluster, draw: Random) -> None:
    broker = draw.randrange(len(cluster.lines))
    cluster.servers.stop_broker(broker)
    cluster.servers.start_broker(broker)


def suspend_a_broker(cluster: Cluster, draw: Random) -> None:
    broker = draw.randrange(len(cluster.lines))
    cluster.servers.suspend(broker)
    let_pass(draw.uniform(3, 8))
    cluster.servers.resume(broker)


def move_coordinators(cluster: Cluster, _draw: Random) -> None:
    cluster.move_coordinators()


def empty_redis(stage: Stage, _draw: Random) -> None:
    stage.site.empty()


def put_redis_back(stage: Stage, draw: Random) -> None:
    stage.site.back_up()
    let_pass(draw.uniform(0, NAP_S))
    stage.site.put_back()


def freeze_redis(stage: Stage, draw: Random) -> None:
    stage.site.freeze()
    let_pass(draw.uniform(1, 12))
    stage.site.thaw()


def fill_redis(stage: Stage, _draw: Random) -> None:
    stage.site.run_out_of_memory()
    let_pass(NAP_S)
    stage.site.get_memory()


def demote_redis(stage: Stage, _draw: Random) -> None:
    stage.site.demote()
    let_pass(NAP_S)
    stage.site.promote()


def replace_redis(stage: Stage, draw: Random) -> None:
    stage.site.add_replica()
    stage.site.let_replica_lag()
    let_pass(draw.uniform(0, NAP_S))
    stage.site.fail_over()


def cut_a_line(stage: Stage, draw: Random) -> None:
    line = draw.choice(stage.lines)
    line.cut()
    let_pass(draw.uniform(0, 5))
    line.heal()


def freeze_a_line(stage: Stage, draw: Random) -> None:
    line = draw.choice(stage.lines)
    line.freeze()
    let_pass(draw.uniform(0, 8))
    draw.choice([line.heal, line.reset])()
    line.heal()


def reset_a_line(stage: Stage, draw: Random) -> None:
    draw.choice(stage.lines).reset()


def delay_a_line(stage: Stage, draw: Random) -> None:
    line = draw.choice(stage.lines)
    line.delay(DELAY_S)
    let_pass(NAP_S)
    line.heal()


def of_brokers(act: Callable[[Cluster, Random], None]) -> Act:
    """As an act on the stage, which has brokers to break."""

    def strike(stage: Stage, draw: Random) -> None:
        assert stage.cluster
        act(stage.cluster, draw)

    strike.__name__ = act.__name__
    return strike


PROCESSES, BROKERS, REDIS, NETWORK = "processes", "brokers", "Redis", "network"
ACTS: Mapping[str, Sequence[Act]] = {
    PROCESSES: (kill_a_process, suspend_a_process, scale_up),
    BROKERS: tuple(map(of_brokers, (kill_a_broker, restart_a_broker, suspend_a_broker, move_coordinators))),
    REDIS: (empty_redis, put_redis_back, freeze_redis, fill_redis, demote_redis, replace_redis),
    NETWORK: (cut_a_line, freeze_a_line, reset_a_line, delay_a_line),
}
"""By what they break; of each kind one at a time."""


def volley(stage: Stage, draw: Random, least: int = 2) -> list[str]:
    """Acts of different kinds at once; returns their names when all is healed."""
    kinds = [kind for kind in ACTS if stage.cluster or kind != BROKERS]
    acts = [draw.choice(ACTS[kind]) for kind in draw.sample(kinds, draw.randint(least, len(kinds)))]
    say(f"together: {', '.join(act.__name__ for act in acts)}")

    def strike(act: Act, own: Random) -> None:
        let_pass(own.uniform(0, LATEST_START_S))
        act(stage, own)

    with ThreadPoolExecutor() as threads:
        strikes = [threads.submit(strike, act, Random(draw.random())) for act in acts]
    for struck in strikes:
        struck.result()
    return [act.__name__ for act in acts]
