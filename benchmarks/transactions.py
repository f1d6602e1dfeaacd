"""What a transaction costs, by how many reviews share it: its time, and the processor time of client and broker.

Alone it shows the round trips. One after the other, without a pause, the coordinator is still writing the markers of the last
one when the next begins, and the client asks again until it is done: that is what a stream cut too finely pays.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from kafka import ConsumerGroupMetadata, KafkaProducer, TopicPartition

from benchmarks.processes import busy_seconds, stolen_seconds
from benchmarks.servers import report, servers
from consumers.process import OutageGuard
from consumers.publish import Output, TransactionalPublisher, producer_config
from consumers.records import commit_form
from schemas.settings import ReaderSettings

VALUE = b"x" * 900
"""About as long as a labelled review of a hundred tokens."""

PAUSE_S = 0.05
WARM_UP = 30


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--sizes", type=int, nargs="+", default=[1, 8, 32, 128])
    arguments.add_argument("--transactions", type=int, default=150, help="of each size and pace")
    arguments.add_argument("--json", type=Path)
    options = arguments.parse_args()
    figures: dict[str, object] = {}
    with servers() as settings:
        publish = publisher(settings)
        for _ in range(WARM_UP):
            publish(8)
        for size in options.sizes:
            for pace, pause_s in (("with pauses", PAUSE_S), ("without", 0.0)):
                figures |= {
                    f"{size} reviews, {pace}, {name}": value
                    for name, value in cost(publish, size, pause_s, options.transactions).items()
                }
    report(figures, options.json)


def publisher(settings: ReaderSettings) -> Callable[[int], None]:
    """Publishes so many reviews in one transaction, as the scorer does, spread over six partitions."""
    config = producer_config(settings, "benchmark")
    transactional = TransactionalPublisher(
        lambda: KafkaProducer(**config, transactional_id="benchmark"),
        OutageGuard(60.0),
        transaction_timeout_s=60.0,
    )
    group = ConsumerGroupMetadata("benchmark")
    offset = 0

    def publish(size: int) -> None:
        nonlocal offset
        offset += size
        outputs = [
            Output(settings.scored_topic, b"key", VALUE, partition=(offset + row) % 6) for row in range(size)
        ]
        done = {TopicPartition(settings.raw_topic, partition): offset for partition in range(min(size, 6))}
        transactional.publish(outputs, commit_form(done), group)

    return publish


def cost(publish: Callable[[int], None], size: int, pause_s: float, count: int) -> dict[str, float]:
    """Milliseconds of a transaction."""
    took = []
    own, all_processes, stolen = time.process_time(), busy_seconds(), stolen_seconds()
    for _ in range(count):
        started = time.perf_counter()
        publish(size)
        took.append(time.perf_counter() - started)
        time.sleep(pause_s)
    own, all_processes = time.process_time() - own, busy_seconds() - all_processes
    stolen = stolen_seconds() - stolen
    return {
        "p50, ms": 1000 * float(np.percentile(took, 50)),
        "p95, ms": 1000 * float(np.percentile(took, 95)),
        "processor of the client, ms": 1000 * own / count,
        "processor of the machine, ms": 1000 * all_processes / count,
        "taken by the hypervisor, ms": 1000 * stolen / count,
    }


if __name__ == "__main__":
    main()
