"""Resident memory of each long-running process: at rest, under load, and after many events, flat or growing.

The scorer takes ``--reviews`` through the network; the aggregator counts ``--events`` labelled ones; the dashboard answers
requests for ``--seconds`` over what was counted. A million events is the documented run; smaller ones say how many.
"""

import argparse
import itertools
import time
import urllib.request
from pathlib import Path

from redis import Redis

from benchmarks.aggregate import publish
from benchmarks.pipeline import load_texts, publish_texts, watch
from benchmarks.processes import Memory, resident_mb, watched
from benchmarks.servers import counted, lane, process, report, servers
from embedded.processes import free_ports
from schemas.redis_keys import ViewKeys
from schemas.settings import ReaderSettings

REST_S = 10.0
"""A process that has started, joined its group and found nothing to do."""

CHUNK = 50_000
PAGES = ("/", "/api/v1/products?limit=50", "/pipeline")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="reviews as JSON Lines (.gz); default: the samples")
    parser.add_argument("--reviews", type=int, default=20_000, help="through the scorer")
    parser.add_argument("--events", type=int, default=1_000_000, help="through the aggregator")
    parser.add_argument("--products", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=30.0, help="of requests to the dashboard")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    texts = list(itertools.islice(itertools.cycle(load_texts(options.data)), options.reviews))
    figures: dict[str, object] = {"reviews": options.reviews, "events": options.events}
    samples: dict[str, list[tuple[float, float]]] = {}
    with servers() as shared:
        for name, (rest, memory) in {
            "scorer": scoring(shared, texts),
            "aggregator": counting(shared, options.events, options.products),
            "dashboard": serving(shared, options.seconds),
        }.items():
            figures |= {
                f"{name} at rest, MB": rest,
                f"{name} under load, at the end, MB": memory.samples[-1][1],
                f"{name} under load, most, MB": memory.peak,
                f"{name}, growth over the last half, MB": memory.growth,
            }
            samples[name] = memory.samples[:: max(1, len(memory.samples) // 60)]
    report({**figures, "samples, seconds and MB": samples}, options.json)


def scoring(shared: ReaderSettings, texts: list[str]) -> tuple[float, Memory]:
    """Rest and load of a scorer."""
    settings, names = lane(shared, "memory")
    with process("score", settings, REVIEWSTREAM_PROVIDER="cpu", **names) as scorer:
        time.sleep(REST_S)
        rest = resident_mb(scorer.pid)
        with watched(scorer.pid) as memory:
            publish_texts(settings, texts)
            watch(settings, len(texts), counting=False)
    return rest, memory


def counting(shared: ReaderSettings, events: int, products: int) -> tuple[float, Memory]:
    """Rest and load of an aggregator, on topics and a prefix that the dashboard will read."""
    redis = Redis.from_url(**shared.redis_config())
    key = ViewKeys(shared.redis_prefix).offsets(shared.scored_topic)
    with process("aggregate", shared) as aggregator:
        time.sleep(REST_S)
        rest = resident_mb(aggregator.pid)
        with watched(aggregator.pid) as memory:
            for start in range(0, events, CHUNK):
                publish(shared, min(CHUNK, events - start), products, start=start)
            while counted(redis, key) < events:
                time.sleep(0.2)
    return rest, memory


def serving(shared: ReaderSettings, seconds: float) -> tuple[float, Memory]:
    """Rest and load of a dashboard, one request after the other."""
    [port] = free_ports(1)
    with process("serve", shared, REVIEWSTREAM_LISTEN_PORT=str(port)) as server:
        time.sleep(REST_S)
        rest = resident_mb(server.pid)
        with watched(server.pid) as memory:
            until = time.monotonic() + seconds
            for page in itertools.cycle(PAGES):
                with urllib.request.urlopen(f"http://127.0.0.1:{port}{page}", timeout=30) as answer:
                    answer.read()
                if time.monotonic() > until:
                    break
    return rest, memory


if __name__ == "__main__":
    main()
