"""How long people wait for each page of the dashboard over a large shop, while reviews go on being counted.

The load is open: each of the readers asks for something at random moments (a Poisson process) that no slow answer puts off, and
each time counts from the moment at which the question was due. On average a reader asks every three seconds, as often as a
page that is open renews itself while counts change; each also holds a stream of changes. Valkey, the counting, the readers and
the dashboard share the machine.

The view is counted by the aggregator's own code. ``--view`` keeps it, so that another run need not count it anew.
"""

import argparse
import asyncio
import itertools
import json
import multiprocessing
import random
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import httpx2
import numpy as np
from redis import Redis

from benchmarks.large_shop import LargeShop, fill, go_on_counting
from benchmarks.pipeline import load_texts
from embedded import ValkeyServer
from embedded.processes import free_ports
from schemas.settings import ReaderSettings

PERCENTILES = (50, 95, 99)
BAR_MS = 200.0
A_READER_ASKS_EVERY_S = 3.0
WARM_UP_S = 5.0
GIVES_UP_S = 60.0
PATIENCE_S = 120.0
SEED = 11


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--products", type=int, default=10_000)
    arguments.add_argument("--reviews", type=int, default=1_000_000)
    arguments.add_argument("--readers", type=int, default=50)
    arguments.add_argument("--counting", type=float, default=100.0, help="new reviews a second meanwhile")
    arguments.add_argument("--seconds", type=float, default=120.0, help="after the warm-up")
    arguments.add_argument("--no-explanations", action="store_true", help="no words are looked for meanwhile")
    arguments.add_argument("--view", type=Path, help="folder that keeps the counted view")
    arguments.add_argument("--fill-only", action="store_true", help="only count the view")
    arguments.add_argument("--json", type=Path)
    options = arguments.parse_args()
    shop = LargeShop(options.products, load_texts(None))
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.view or Path(temporary)
        with ValkeyServer(folder, start_timeout=PATIENCE_S) as valkey:
            settings = ReaderSettings(redis_url=valkey.url)
            with Redis.from_url(valkey.url) as redis:
                if fill(settings, shop, options.reviews, lambda counted: print(f"\r{counted:,}", end="")):
                    redis.save()
                memory = redis.info("memory")["used_memory"]
            if options.fill_only:
                return
            with counting(settings, shop, options.counting), serving(settings) as (address, ready_after):
                answers = asyncio.run(read(address, shop, options.readers, options.seconds))
    figures = {page: figures_of(found) for page, found in sorted(answers.items())}
    show(figures)
    document = {
        "products": options.products,
        "reviews": options.reviews,
        "readers": options.readers,
        "counted a second meanwhile": options.counting,
        "Redis, MB": round(memory / 1e6),
        "seconds from the start to complete counts": round(ready_after, 1),
        "milliseconds": figures,
    }
    print(json.dumps({name: value for name, value in document.items() if name != "milliseconds"}))
    if options.json is not None:
        options.json.write_text(json.dumps(document, indent=2) + "\n")


@contextmanager
def counting(settings: ReaderSettings, shop: LargeShop, rate: float) -> Iterator[None]:
    """Reviews are counted, by a process of its own, while the body runs."""
    processes = multiprocessing.get_context("spawn")
    stopped = processes.Event()
    process = processes.Process(target=go_on_counting, args=(settings, shop, rate, stopped))
    process.start()
    try:
        yield
        if not process.is_alive():
            raise SystemExit("the counting broke off")
    finally:
        stopped.set()
        process.join()


@contextmanager
def serving(settings: ReaderSettings) -> Iterator[tuple[str, float]]:
    """Its address, once it has read all counts, and how long that took; a process as users run it."""
    [port] = free_ports(1)
    command = [sys.executable, "-m", "console.main", "--log-level", "warning", "serve"]
    begun = time.perf_counter()
    server = subprocess.Popen([*command, "--listen-port", str(port), "--redis-url", settings.redis_url])
    address = f"http://127.0.0.1:{port}"
    try:
        while not is_complete(address):
            if time.perf_counter() - begun > PATIENCE_S or server.poll() is not None:
                raise SystemExit("the dashboard did not read all counts")
            time.sleep(0.2)
        yield address, time.perf_counter() - begun
    finally:
        server.terminate()
        server.wait(timeout=30)


def is_complete(address: str) -> bool:
    """Whether overview and queue are whole."""
    try:
        answers = [httpx2.get(f"{address}/api/v1/{name}", timeout=30) for name in ("overview", "queue")]
    except httpx2.TransportError:
        return False
    return all(answer.status_code == 200 and answer.json()["complete"] for answer in answers)


def questions(shop: LargeShop, chance: random.Random) -> Iterator[tuple[str, str]]:
    """What readers ask for: every page and its data equally often, products by how much is written of them."""

    def product() -> str:
        (name,) = chance.choices(shop.names, cum_weights=cumulated)
        return name

    cumulated = list(itertools.accumulate(map(float, shop.shares)))
    pages = min(40, -(-len(shop.names) // 25))
    while True:
        channel = chance.choice(("review", "review", "support", "social"))
        asked: dict[str, tuple[str, Mapping[str, object]]] = {
            "overview": ("/", {"days": chance.choice((7, 28)), "channel": channel}),
            "products": ("/products", {"ranking": "negative", "page": chance.randint(1, pages)}),
            "search": ("/products", {"search": f"{chance.randint(0, 999):03d}"}),
            "product": ("/product", {"product_id": product(), "days": chance.choice((28, 91))}),
            "compare": ("/compare", {"product_id": product(), "with": product()}),
            "queue": ("/queue", {"channel": chance.choice(("", "support"))}),
            "pipeline": ("/pipeline", {}),
            "overview, API": ("/api/v1/overview", {"days": chance.choice((7, 28)), "channel": channel}),
            "products, API": ("/api/v1/products", {"page": chance.randint(1, pages), "limit": 25}),
            "counts, API": ("/api/v1/counts", {"product_id": product()}),
            "days, API": ("/api/v1/days", {"product_id": product()}),
            "negatives, API": ("/api/v1/negatives", {"product_id": product()}),
            "compare, API": ("/api/v1/compare", {"product_id": product()}),
            "queue, API": ("/api/v1/queue", {}),
            "pipeline, API": ("/api/v1/pipeline", {}),
        }
        for name in chance.sample(sorted(asked), len(asked)):
            path, parameters = asked[name]
            yield name, f"{path}?{urlencode(parameters)}" if parameters else path


async def read(address: str, shop: LargeShop, readers: int, seconds: float) -> dict[str, list[float]]:
    """Seconds from when each question was due to the end of its answer, by what was asked."""
    chance = random.Random(SEED)
    found: dict[str, list[float]] = defaultdict(list)
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=2 * readers)
    async with httpx2.AsyncClient(base_url=address, timeout=GIVES_UP_S, limits=limits) as client:
        streams = [asyncio.create_task(listen(client)) for _ in range(readers)]
        asked = questions(shop, chance)
        begun, due, answers = time.perf_counter(), 0.0, []
        while (due := due + chance.expovariate(readers / A_READER_ASKS_EVERY_S)) < WARM_UP_S + seconds:
            await asyncio.sleep(begun + due - time.perf_counter())
            name, question = next(asked)
            keep = found[name] if due >= WARM_UP_S else []
            answers.append(asyncio.create_task(ask(client, question, begun + due, keep)))
        await asyncio.gather(*answers)
        if any(stream.done() for stream in streams):
            raise SystemExit("a stream of changes broke off")
        for stream in streams:
            stream.cancel()
        await asyncio.gather(*streams, return_exceptions=True)
    return dict(found)


async def ask(client: httpx2.AsyncClient, question: str, due: float, found: list[float]) -> None:
    """One question; to be refused is as bad as to wait until one gives up."""
    answer = await client.get(question)
    found.append(time.perf_counter() - due if answer.status_code == 200 else GIVES_UP_S)
    if answer.status_code != 200:
        print(f"{question}: {answer.status_code}", file=sys.stderr)


async def listen(client: httpx2.AsyncClient) -> None:
    """Hear of changes, as an open page does."""
    async with client.stream("GET", "/api/v1/changes") as stream:
        async for _ in stream.aiter_lines():
            pass


def figures_of(seconds: Sequence[float]) -> dict[str, float]:
    """Percentiles and the largest in milliseconds, and how many questions there were and how many got no answer."""
    values = np.asarray(seconds) * 1000
    named = {f"p{p}": round(float(np.percentile(values, p, method="higher")), 1) for p in PERCENTILES}
    refused = int((values >= GIVES_UP_S * 1000).sum())
    return named | {"largest": round(float(values.max()), 1), "questions": len(seconds), "refused": refused}


def show(figures: Mapping[str, Mapping[str, float]]) -> None:
    """A table; what misses the bar is marked."""
    print(
        f"\n| {'page':<16} | {' | '.join(f'p{p}, ms' for p in PERCENTILES)} | largest | questions | refused |"
    )
    for page, found in figures.items():
        missed = "  misses the bar" if found["p95"] > BAR_MS else ""
        print(f"| {page:<16} | {' | '.join(f'{value:>7}' for value in found.values())} |{missed}")


if __name__ == "__main__":
    main()
