"""Reviews a second of what people would use instead, against our exactly-once pipeline: same texts, broker, cores, model.

Each peer is a small program in ``programs/``, written as its project's documentation advises, in an environment of its own
with the releases in ``requirements/``. The peers commit nothing in transactions and count nothing in Redis; ours does both
while it is measured. Peers on transformers run a stock BERT classifier of the default model's size in fp32, its weights random, which
costs the same; those on onnxruntime run the default model's own int8 file. Every run has topics of its own on one broker, a clock that starts with the first
result, and its turn in every round; batch sizes that lost in the first round are not tried again.
"""

import argparse
import contextlib
import itertools
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.environments import PeerFailed, environment
from benchmarks.pipeline import load_texts, pipeline_rates, publish_texts, watch
from benchmarks.servers import lane, report, servers
from consumers.infer.bundle import Bundle, open_bundle
from schemas.settings import ReaderSettings

PROGRAMS = Path(__file__).parent / "programs"
OURS = "reviewstream, exactly-once"
WARM_UP_REVIEWS = 50
PATIENCE_S = 240.0


@dataclass(frozen=True)
class Peer:
    """A program, and the batch sizes to try: the best counts."""

    title: str
    program: str
    batches: tuple[int, ...]
    torch: bool
    target: float
    """Ours has to be so many times as fast."""


PEERS = (
    Peer("Kafka client + transformers pipeline", "transformers_consumer", (1, 8, 32), torch=True, target=5),
    Peer("Quix Streams + transformers pipeline", "quix_transformers", (1,), torch=True, target=5),
    Peer("Quix Streams + onnxruntime int8", "quix_onnx", (8,), torch=False, target=2),
    Peer("FastStream + onnxruntime int8", "faststream_onnx", (8,), torch=False, target=1),
    Peer("infinity_emb", "infinity", (8, 32), torch=True, target=4),
)


@dataclass(frozen=True)
class Ready:
    """A peer that is installed: one way to run it."""

    peer: Peer
    python: Path
    model: Path
    batch: int

    @property
    def name(self) -> str:
        return f"{self.peer.title}, batch {self.batch}"


def main() -> None:
    """Install, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="reviews as JSON Lines (.gz); default: the samples")
    parser.add_argument("--reviews", type=int, default=240)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=[peer.program for peer in PEERS])
    parser.add_argument("--onnx", type=Path, help="a padded int8 network; default: the bundle's")
    parser.add_argument("--torch-from", type=Path, help="a Python whose torch the environments may use")
    parser.add_argument(
        "--cache", type=Path, default=Path.home() / ".cache" / "reviewstream" / "peers", help="environments"
    )
    parser.add_argument("--prepare", action="store_true", help="only install")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    peers = [peer for peer in PEERS if options.only is None or peer.program in options.only]
    bundle = open_bundle(None)
    with tempfile.TemporaryDirectory() as folder:
        ways, failures = prepare(peers, options, bundle, Path(folder))
        if options.prepare:
            report({"ready": len(ways), **failures}, options.json)
            return
        texts = list(itertools.islice(itertools.cycle(load_texts(options.data)), options.reviews))
        rates, broken = measure(ways, texts, options.rounds, bundle.manifest.max_length)
    report(figures_of(rates, failures | broken, options.reviews), options.json)


def prepare(
    peers: Sequence[Peer], options: argparse.Namespace, bundle: Bundle, folder: Path
) -> tuple[list[Ready], dict[str, str]]:
    """Install each peer and write its model; those that cannot be installed, with the reason."""
    ways, failures = [], {}
    for peer in peers:
        model = folder / peer.program
        model.mkdir()
        tokenizer = model / "tokenizer.json"
        tokenizer.write_bytes(bundle.tokenizer_json)
        try:
            python = environment(peer.program, options.cache.absolute(), options.torch_from)
            if peer.torch:
                write_checkpoint(python, tokenizer, bundle.manifest.max_length, model)
            elif options.onnx:
                shutil.copy(options.onnx, model / "model.onnx")
            else:
                (model / "model.onnx").write_bytes(bundle.content[bundle.variant("int8").file])
        except PeerFailed as failed:
            failures[peer.title] = str(failed)
        else:
            ways += [Ready(peer, python, model, batch) for batch in peer.batches]
    return ways, failures


def write_checkpoint(python: Path, tokenizer: Path, max_length: int, folder: Path) -> None:
    """In the peer's own release of transformers, which may not read what another one wrote."""
    command = [python, PROGRAMS / "make_checkpoint.py", tokenizer, str(max_length), folder]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise PeerFailed("no model: " + ended.stderr.strip()[-500:])


def measure(
    ways: Sequence[Ready], texts: list[str], rounds: int, max_length: int
) -> tuple[dict[str, list[float]], dict[str, str]]:
    """Rates by name, one of each round; and why some have none."""
    failures: dict[str, str] = {}
    rates: dict[str, list[float]] = {way.name: [] for way in ways} | {OURS: []}
    with servers() as shared:
        settings, names = lane(shared, "warm-up")
        pipeline_rates(settings, texts[:WARM_UP_REVIEWS], "exactly-once", names)
        for number in range(rounds):
            for way in best_of_each(ways, rates) if number else ways:
                settings, _ = lane(shared, f"{way.peer.program}-{way.batch}-{number}")
                try:
                    rates[way.name].append(peer_rate(way, settings, texts, max_length))
                except PeerFailed as failed:
                    failures[way.name] = str(failed)
                    print(f"round {number}: {way.name}: {failed}", flush=True)
                else:
                    print(f"round {number}: {way.name}: {rates[way.name][-1]:,.1f} reviews/s", flush=True)
            settings, names = lane(shared, f"ours-{number}")
            rates[OURS].append(pipeline_rates(settings, texts, "exactly-once", names).committed)
            print(f"round {number}: {OURS}: {rates[OURS][-1]:,.1f} reviews/s", flush=True)
    return {name: of_name for name, of_name in rates.items() if of_name}, failures


def best_of_each(ways: Sequence[Ready], rates: Mapping[str, Sequence[float]]) -> list[Ready]:
    """The fastest batch size of each peer so far."""
    best: dict[Peer, Ready] = {}
    for way in (way for way in ways if rates[way.name]):
        known = best.get(way.peer)
        if known is None or rates[way.name][0] > rates[known.name][0]:
            best[way.peer] = way
    return list(best.values())


def peer_rate(way: Ready, settings: ReaderSettings, texts: list[str], max_length: int) -> float:
    """Reviews a second of one program.

    Raises:
        PeerFailed: it ended, or did not finish in time.
    """
    publish_texts(settings, texts)
    variables = os.environ | {
        "PEER_BOOTSTRAP_SERVERS": settings.bootstrap_servers,
        "PEER_RAW_TOPIC": settings.raw_topic,
        "PEER_SCORED_TOPIC": settings.scored_topic,
        "PEER_GROUP": f"{settings.redis_prefix}peer",
        "PEER_MODEL": str(way.model),
        "PEER_MAX_LENGTH": str(max_length),
        "PEER_BATCH": str(way.batch),
        "HF_HUB_OFFLINE": "1",
        "DO_NOT_TRACK": "1",
        "TOKENIZERS_PARALLELISM": "false" if way.peer.torch else "true",
    }
    with tempfile.TemporaryDirectory() as state, running(way, variables, Path(state)) as process:
        return watch(
            settings, len(texts), counting=False, alive=Deadline(process, PATIENCE_S).check
        ).committed


@dataclass
class Deadline:
    """Ends the wait for a program that has ended or brings nothing."""

    process: subprocess.Popen[bytes]
    seconds: float

    def __post_init__(self) -> None:
        self._until = time.monotonic() + self.seconds

    def check(self) -> None:
        """Called while one waits.

        Raises:
            PeerFailed: there is nothing to wait for.
        """
        if self.process.poll() is not None:
            raise PeerFailed(f"ended with exit code {self.process.returncode}")
        if time.monotonic() > self._until:
            raise PeerFailed(f"did not finish in {self.seconds:.0f} s")


@contextlib.contextmanager
def running(way: Ready, variables: Mapping[str, str], state: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The program, in a folder of its own for what it keeps."""
    process = subprocess.Popen(
        [way.python, PROGRAMS / f"{way.peer.program}.py"], env=variables, cwd=state, stdout=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def figures_of(
    rates: Mapping[str, Sequence[float]], failures: Mapping[str, str], reviews: int
) -> dict[str, object]:
    """Medians, and how many times as fast ours is, the median over the rounds."""
    figures: dict[str, object] = {"reviews": reviews, f"{OURS}, reviews/s": statistics.median(rates[OURS])}
    for name, of_name in rates.items():
        if name != OURS:
            figures[f"{name}, reviews/s"] = statistics.median(of_name)
            figures[f"ours / {name}"] = statistics.median(
                ours / theirs for ours, theirs in zip(rates[OURS], of_name, strict=False)
            )
    return {**figures, **failures, "rounds": rates}


if __name__ == "__main__":
    main()
