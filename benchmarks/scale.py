"""From one scorer to several, and what each stage costs: where the client, the broker, tokenising and Redis become the wall.

``scorers``: the exactly-once pipeline with 1 to N scorers, each on a core of its own as far as there are cores; partitions
are six. ``stages``: processor time a review of everything but the network, from a scorer whose network costs nothing, the
aggregator that counts what it publishes, the broker and Valkey beneath them, and a publisher; from their first result on, so
that their start does not count. ``--profile FOLDER`` writes what py-spy saw of those three processes, as stacks and as flame
graphs; it needs the right to look into another process.
"""

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from redis import Redis

from benchmarks.flame import draw
from benchmarks.modelless import write_modelless
from benchmarks.pipeline import load_texts, pipeline_rates, publish_texts, watch
from benchmarks.processes import children, cpu_seconds
from benchmarks.servers import counted, lane, process, report, servers
from consumers.infer.bundle import open_bundle
from consumers.infer.engine import cores
from consumers.infer.tokenise import load_tokenizer, tokenise
from producers.publisher import publish
from producers.readers import read_files
from schemas.events import ReviewEvent
from schemas.redis_keys import ViewKeys
from schemas.settings import ReaderSettings

PROFILED_S = 8
WARM_UP_REVIEWS = 100
JOIN_S = 10.0
"""All scorers have joined their group by then, and none rebalances it during the run."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="reviews as JSON Lines (.gz); default: the samples")
    parser.add_argument("--reviews", type=int, default=600, help="of each run with the network")
    parser.add_argument("--stage-reviews", type=int, default=20_000, help="of each run without it")
    parser.add_argument("--scorers", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", type=Path, help="folder for flame graphs")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    texts = load_texts(options.data)
    some = list(itertools.islice(itertools.cycle(texts), options.reviews))
    many = list(itertools.islice(itertools.cycle(texts), options.stage_reviews))
    rates: dict[int, list[float]] = {count: [] for count in options.scorers}
    with servers() as shared, tempfile.TemporaryDirectory() as folder:
        settings, names = lane(shared, "warm-up")
        pipeline_rates(settings, some[:WARM_UP_REVIEWS], "exactly-once", names)
        for number in range(options.rounds):
            for count, of_count in rates.items():
                settings, names = lane(shared, f"scale-{count}-{number}")
                of_count.append(scaled_rate(settings, some, count, names))
                print(f"round {number}: {count} scorers: {of_count[-1]:,.1f} reviews/s", flush=True)
        stages = stage_costs(shared, many, Path(folder), options.profile)
    report(
        {
            "cores": cores(),
            "reviews": options.reviews,
            **{f"{count} scorers, reviews/s": statistics.median(of) for count, of in rates.items()},
            "reviews without the network": options.stage_reviews,
            **stages,
            "rounds": {str(count): of for count, of in rates.items()},
        },
        options.json,
    )


def scaled_rate(settings: ReaderSettings, texts: list[str], scorers: int, names: dict[str, str]) -> float:
    """Reviews a second of so many scorers, counted by one aggregator."""
    with ExitStack() as stack:
        stack.enter_context(process("aggregate", settings, **names))
        for number in range(scorers):
            with on_core(number):
                stack.enter_context(
                    process(
                        "score",
                        settings,
                        **names,
                        REVIEWSTREAM_PROVIDER="cpu",
                        REVIEWSTREAM_INSTANCE_ID=f"{settings.raw_topic}-{number}",
                    )
                )
        time.sleep(JOIN_S)
        publish_texts(settings, texts)
        return watch(settings, len(texts)).committed


@contextmanager
def on_core(number: int) -> Iterator[None]:
    """Processes that the body starts have one core, where the system can do that."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    ours = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(ours)[number % len(ours)]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, ours)


def stage_costs(
    shared: ReaderSettings, texts: list[str], folder: Path, profiles: Path | None
) -> dict[str, object]:
    """Processor microseconds a review of each process, and of tokenising by itself."""
    settings, names = lane(shared, "stages")
    bundle = write_modelless(folder, open_bundle(None))
    broker, valkey = children("java")[0], children("valkey")[0]
    reviews = len(texts)
    costs: dict[str, object] = {}

    def note(name: str, seconds: float) -> None:
        costs[f"{name}, us of CPU a review"] = seconds / reviews * 1e6

    lines = folder / "reviews.jsonl"
    lines.write_bytes(b"".join(_line(number, text) for number, text in enumerate(texts)))
    ours, theirs = time.process_time(), cpu_seconds(broker)
    with profiled(os.getpid(), "publisher", profiles):
        publish(read_files([str(lines)]), settings)
    note("publish", time.process_time() - ours)
    note("broker, for publish", cpu_seconds(broker) - theirs)

    with process(
        "score", settings, REVIEWSTREAM_BUNDLE=str(bundle), REVIEWSTREAM_PROVIDER="cpu", **names
    ) as scorer:
        spent = Spent({"scorer without its network": scorer.pid, "broker, for the scorer": broker})
        with profiled(scorer.pid, "scorer", profiles):
            rates = watch(settings, reviews, counting=False, on_first=spent.begin)
            spent.tell(note)
    costs["scorer without its network, reviews/s"] = rates.committed

    redis = Redis.from_url(**settings.redis_config())
    key = ViewKeys(settings.redis_prefix).offsets(settings.scored_topic)
    with process("aggregate", settings, **names) as aggregator:
        while counted(redis, key) == 0:
            time.sleep(0.01)
        spent = Spent({"aggregator": aggregator.pid, "broker, for the aggregator": broker, "Valkey": valkey})
        spent.begin()
        with profiled(aggregator.pid, "aggregator", profiles):
            while counted(redis, key) < reviews:
                time.sleep(0.05)
            spent.tell(note)

    opened = open_bundle(None)
    tokenizer = load_tokenizer(opened)
    ours = time.process_time()
    for start in range(0, reviews, 128):
        tokenise(tokenizer, texts[start : start + 128], opened.manifest.max_length)
    note("tokenising", time.process_time() - ours)
    return costs


class Spent:
    """Processor seconds of some processes, by what they are called, from a moment on."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = pids
        self._before = dict.fromkeys(pids, 0.0)

    def begin(self) -> None:
        """Count from now on."""
        self._before = {name: cpu_seconds(pid) for name, pid in self._pids.items()}

    def tell(self, note: Callable[[str, float], None]) -> None:
        """Of each process."""
        for name, pid in self._pids.items():
            note(name, cpu_seconds(pid) - self._before[name])


def _line(number: int, text: str) -> bytes:
    event = ReviewEvent(review_id=f"r{number}", product_id=f"p{number % 500}", text=text[:20_000])
    return event.to_json() + b"\n"


@contextmanager
def profiled(pid: int, name: str, folder: Path | None) -> Iterator[None]:
    """Write what a process does while the body runs, by py-spy: stacks and their flame graph; nothing without a folder."""
    if folder is None:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    options = ["--duration", str(PROFILED_S), "--rate", "200", "--nonblocking"]
    stacks = folder / f"{name}.stacks"
    out = ["--output", str(stacks), "--format", "raw"]
    spy = Path(sys.executable).with_name("py-spy")
    watching = subprocess.Popen([spy, "record", "--pid", str(pid), *options, *out], stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        watching.wait(timeout=PROFILED_S + 30)
        draw(stacks, folder / f"flame-{name}.svg")


if __name__ == "__main__":
    main()
