"""What a rebuild takes, and how long its swap keeps Redis from answering anybody else, by the keys that a call moves."""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from redis import Redis

from benchmarks.aggregate import publish
from benchmarks.redis_memory import empty_server
from benchmarks.servers import report, servers
from benchmarks.verify import REVIEWS_A_PRODUCT, measured
from consumers.rebuild.swap import Pair, Swap
from schemas.redis_keys import ViewKeys

TOPIC = "reviews.scored"
DAYS = 40
"""Hashes of days that a product has."""


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--products", type=int, nargs="*", default=[250, 2_500, 25_000])
    arguments.add_argument("--keys-a-call", type=int, nargs="+", default=[20_000, 10_000_000])
    arguments.add_argument("--events", type=int, nargs="*", default=[100_000], help="of whole rebuilds")
    arguments.add_argument("--json", type=Path)
    options = arguments.parse_args()
    figures: dict[str, object] = {}
    for events in options.events:
        figures |= rebuilt(events)
    for products in options.products:
        for keys_a_call in options.keys_a_call:
            with empty_server() as redis:
                figures |= swapped(redis, products, keys_a_call)
    report(figures, options.json)


def rebuilt(events: int) -> dict[str, object]:
    """The command, on a topic of so many events: first into an empty Redis, then beside the view that it made."""
    figures: dict[str, object] = {}
    with servers() as settings, Redis.from_url(settings.redis_url, decode_responses=True) as redis:
        publish(settings, events, events // REVIEWS_A_PRODUCT)
        for where in ("into an empty Redis", "beside a live view"):
            before = cpu_seconds(redis.info("cpu"))
            used = measured([sys.executable, "-m", "console.main", "rebuild"], settings)
            name = f"{events:,} events {where}"
            figures[f"{name}: seconds"] = used.seconds
            figures[f"{name}: CPU seconds of rebuild"] = used.cpu_seconds
            figures[f"{name}: CPU seconds of Redis"] = cpu_seconds(redis.info("cpu")) - before
            figures[f"{name}: peak resident MB of rebuild"] = used.megabytes
        figures[f"{events:,} events: MB of Redis afterwards"] = redis.info("memory")["used_memory"] / 1e6
        figures[f"{events:,} events: MB of Redis at its peak"] = (
            redis.info("memory")["used_memory_peak"] / 1e6
        )
    return figures


def cpu_seconds(info: Mapping[str, float]) -> float:
    """Of the thread that answers everybody."""
    return float(info["used_cpu_user_main_thread"]) + float(info["used_cpu_sys_main_thread"])


def swapped(redis: Redis, products: int, keys_a_call: int) -> dict[str, object]:
    """Fill a live view and a shadow of so many products, and swap them."""
    keys = ViewKeys()
    fill(redis, keys, products)
    fill(redis, keys.shadow("benchmark"), products)
    redis.hset(keys.rebuild, mapping={"topic": TOPIC, "owner": "benchmark", "shadow": "benchmark"})
    swap = MeasuredSwap(redis, keys, keys_a_call)
    started = time.perf_counter()
    swap.begin()
    swap.finish()
    seconds = time.perf_counter() - started
    name = f"{swap.keys:,} keys, {keys_a_call:,} a call"
    return {
        f"{name}: calls": swap.calls,
        f"{name}: seconds in all": seconds,
        f"{name}: longest call as the client saw it, ms": swap.longest_call_s * 1000,
        f"{name}: longest call, CPU ms of Redis": max(swap.cpu_seconds) * 1000,
    }


class MeasuredSwap(Swap):
    """Notes what each call takes of the thread that answers everybody: no other process slows this figure down."""

    def __init__(self, redis: Redis, keys: ViewKeys, keys_a_call: int) -> None:
        super().__init__(redis, keys, "benchmark", "benchmark", keys_a_call=keys_a_call)
        self.cpu_seconds: list[float] = []

    def _call(self, phase: str, pairs: Sequence[Pair]) -> None:
        before = self._cpu()
        super()._call(phase, pairs)
        self.cpu_seconds.append(self._cpu() - before)

    def _cpu(self) -> float:
        return cpu_seconds(self._redis.info("cpu"))


def fill(redis: Redis, keys: ViewKeys, products: int) -> None:
    """As many keys as products of that kind have."""
    pipeline = redis.pipeline(transaction=False)
    for product in range(products):
        key = keys.product(f"B{product:09d}")
        for day in range(DAYS):
            pipeline.hset(f"{key}:day:2026-{1 + day // 28:02d}-{1 + day % 28:02d}", "reviews", 1)
        pipeline.hset(key, mapping={"reviews": 100, "score_sum": "50.000000"})
        pipeline.hset(f"{key}:labels", mapping={f"R{number:013d}": "rPk12ofvk" for number in range(100)})
        pipeline.hset(f"{key}:applied", f"{TOPIC}:0", product)
        if product % 100 == 99:
            pipeline.execute()
    pipeline.execute()


if __name__ == "__main__":
    main()
