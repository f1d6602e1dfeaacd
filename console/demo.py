"""``demo``: the whole pipeline on servers of its own, with sample reviews, from nothing to verified counts."""

import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter as Tally
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import click
from kafka import KafkaProducer
from redis import Redis
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from console.reading import counts_table
from console.topics import create_topics
from consumers.read.counts import read_counts, top
from consumers.read.letters import Ledger, LetterFilter
from consumers.read.report import Verdict
from consumers.read.show import format_scored
from consumers.read.tail import Start, tail
from consumers.read.verify import verify
from consumers.topic_reader import open_reader
from embedded import KafkaCluster, ValkeyServer
from embedded.jars import class_path
from embedded.processes import LOOPBACK, free_ports
from producers.samples import Sample, samples
from schemas.access import KafkaAccess, RedisAccess
from schemas.errors import ServerUnavailable
from schemas.events import Channel, ScoredReview
from schemas.redis_keys import Ranking, ViewKeys
from schemas.settings import AggregatorSettings, ReaderSettings, TopicSettings
from schemas.settings_base import secret_file_variable, variable_name

SAMPLES_PER_SECOND = 60
DEADLINE_S = 180.0
LATEST_SHOWN = 6
REFRESH_S = 0.25
EXAMPLE = '{"review_id": "mine-1", "product_id": "kettle-1200", "text": "Boils fast, leaks faster."}'


DEMO_CUSTOMER_KEY = "of the demo's invented customers"
"""No secret: a shop has a key of its own."""


@dataclass
class Feed:
    """What the topics have shown so far, filled by two reading threads."""

    scored: int = 0
    latest: tuple[ScoredReview, ...] = ()
    """Replaced, never changed: another thread goes through it meanwhile."""
    refused: Tally[str] = field(default_factory=Tally)
    stopped: bool = False

    @property
    def seen(self) -> int:
        return self.scored + self.refused.total()


@click.command()
@click.option("--keep-running", is_flag=True, help="Leave everything up afterwards and print the addresses.")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep Kafka's and Valkey's data and all logs here; otherwise they are removed at the end.",
)
def demo(keep_running: bool, data_dir: Path | None) -> None:
    """See the whole pipeline work: a real Kafka, a real Valkey, a scorer, an aggregator, a dashboard and a shop's reviews.

    Needs no Docker and no Java of yours. The first run fetches Kafka (45 MB) from Maven Central.
    """
    logging.getLogger().setLevel(logging.WARNING)
    forget_access()
    console = Console(highlight=False)
    started = time.monotonic()
    with ExitStack() as stack:
        folder = data_dir or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="reviewstream-demo-"))
        )
        folder.mkdir(parents=True, exist_ok=True)
        with console.status("fetching Kafka (first run only)"):
            class_path()
        with console.status("starting Kafka and Valkey"):
            kafka = stack.enter_context(KafkaCluster(data_dir=folder / "kafka" if data_dir else None))
            valkey = stack.enter_context(ValkeyServer(data_dir=folder / "valkey" if data_dir else None))
        settings = ReaderSettings(bootstrap_servers=kafka.bootstrap_servers, redis_url=valkey.url)
        create_topics(TopicSettings(bootstrap_servers=kafka.bootstrap_servers))
        console.print(
            f"Kafka {kafka.bootstrap_servers} and Valkey {valkey.url} are up: {_since(started)}",
            soft_wrap=True,
        )
        (port,) = free_ports(1)
        for job in ("score", "aggregate", "serve"):
            stack.enter_context(_process(job, settings, folder / f"{job}.log", dashboard_port=port))
        console.print(f"Dashboard: http://{LOOPBACK}:{port}/", soft_wrap=True)
        _play(console, settings, samples(datetime.now(UTC)))
        console.print(f"All counted and verified: {_since(started)}\n")
        _summarise(console, settings)
        if keep_running:
            _keep_running(console, settings, folder)
    if not keep_running:
        console.print(
            f"\nTry next:  [bold]{_program()} demo --keep-running[/]   and use it with any Kafka and Redis client\n"
            f"           [bold]{_program()} publish --help[/]        to send reviews of your own",
            soft_wrap=True,
        )


def forget_access() -> None:
    """Certificates, users and passwords in the environment are for other servers than the demo's own."""
    tokens = ("read_token", "agent_token", "admin_token")  # the demo's dashboard is for this machine only
    for name in (*KafkaAccess.model_fields, *RedisAccess.model_fields, *tokens):
        os.environ.pop(variable_name(name), None)
        os.environ.pop(secret_file_variable(name), None)


def _play(console: Console, settings: ReaderSettings, sent: list[Sample]) -> None:
    """Publish the samples, watch them come out, and return once Redis is proved to equal a recount."""
    feed = Feed()
    readers = [
        threading.Thread(target=read, args=(settings, feed), daemon=True)
        for read in (_read_scored, _read_refused)
    ]
    publisher = threading.Thread(target=_publish, args=(settings, sent), daemon=True)
    redis = Redis.from_url(**settings.redis_config())
    deadline = time.monotonic() + DEADLINE_S
    for thread in (*readers, publisher):
        thread.start()
    with Live(console=console, refresh_per_second=4, transient=True) as live, _stopping(feed, readers):
        while not (feed.seen >= len(sent) and _verified(settings, redis)):
            if time.monotonic() > deadline:
                raise ServerUnavailable(
                    f"only {feed.seen} of {len(sent)} records came out within {DEADLINE_S:.0f} s; "
                    "run it again with --data-dir and look at score.log and aggregate.log there"
                )
            live.update(_view(settings, redis, feed, len(sent)))
            time.sleep(REFRESH_S)
    feed.stopped = True
    for thread in readers:
        thread.join()
    console.print(
        f"{len(sent)} records sent: {feed.scored} labelled, {feed.refused.total()} refused as dead letters:"
    )
    for reason, count in sorted(feed.refused.items()):
        console.print(f"  {count} {reason}", style="dim")


@contextmanager
def _stopping(feed: Feed, readers: list[threading.Thread]) -> Iterator[None]:
    """Stop the reading threads however the body ends, so that they do not outlive the servers."""
    try:
        yield
    finally:
        feed.stopped = True
        for thread in readers:
            thread.join()


def _publish(settings: ReaderSettings, sent: list[Sample]) -> None:
    """Send raw bytes as a careless shop would: the command ``publish`` would hold the broken ones back."""
    producer = KafkaProducer(**settings.client_config(), linger_ms=5)
    for sample in sent:
        key = b"" if sample.key is None and sample.value is None else sample.key
        producer.send(settings.raw_topic, key=key, value=sample.value)
        time.sleep(1 / SAMPLES_PER_SECOND)
    producer.close()


def _read_scored(settings: ReaderSettings, feed: Feed) -> None:
    with tail(settings, start=Start.BEGINNING, stopped=lambda: feed.stopped) as reviews:
        for review in reviews:
            feed.latest = (*feed.latest, review.scored)[-LATEST_SHOWN:]
            feed.scored += 1


def _read_refused(settings: ReaderSettings, feed: Feed) -> None:
    ledger = Ledger(LetterFilter())
    with open_reader(settings, settings.dead_letter_topic) as reader:
        reader.seek(reader.starts())
        while not feed.stopped:
            for record in reader.poll():
                if letter := ledger.enter(record):
                    feed.refused[letter.reason] += 1


def _verified(settings: ReaderSettings, redis: Redis) -> bool:
    """Whether everything on the scored topic is counted, and the counts equal a recount."""
    with open_reader(settings, settings.scored_topic) as reader:
        ends = reader.ends()
    offsets = redis.hgetall(ViewKeys(settings.redis_prefix).offsets(settings.scored_topic))
    if any(int(offsets.get(str(partition), 0)) < end for partition, end in ends.items()):
        return False
    report = verify(settings, redis, day_retention=AggregatorSettings().day_retention)
    return report.verdict is Verdict.EQUAL


def _view(settings: ReaderSettings, redis: Redis, feed: Feed, total: int) -> Group:
    keys = ViewKeys(settings.redis_prefix)
    products = [product for product, _ in top(redis, keys, Ranking.REVIEWS, 12)]
    progress = Text(f"{feed.seen} of {total} records: {feed.scored} labelled, {feed.refused.total()} refused")
    latest = Group(*(format_scored(scored) for scored in feed.latest))
    return Group(
        progress,
        Panel(latest, title="reviews.scored", height=LATEST_SHOWN + 2),
        counts_table(read_counts(redis, keys, products), [Channel.REVIEW]),
    )


def _summarise(console: Console, settings: ReaderSettings) -> None:
    redis = Redis.from_url(**settings.redis_config())
    keys = ViewKeys(settings.redis_prefix)
    products = [product for product, _ in top(redis, keys, Ranking.REVIEWS, 50)]
    counted = sorted(
        read_counts(redis, keys, products), key=lambda one: one.channels[Channel.REVIEW].mean_score or 0
    )
    console.print(
        "Channel review, unhappiest first (▲▲ strong, ▲ weak positive; ▼ weak, ▼▼ strong negative):"
    )
    console.print(counts_table(counted, [Channel.REVIEW]))


def _keep_running(console: Console, settings: ReaderSettings, folder: Path) -> None:
    console.print(
        "\nStill running. In another terminal:\n\n"
        f"  export REVIEWSTREAM_BOOTSTRAP_SERVERS={settings.bootstrap_servers} REVIEWSTREAM_REDIS_URL={settings.redis_url}\n\n"
        f"  {_program()} tail --from-beginning\n"
        f"  {_program()} counts --top negative\n"
        f"  echo '{EXAMPLE}' | {_program()} publish -\n"
        f"  {_program()} verify\n\n"
        f"Logs: {folder}/score.log, {folder}/aggregate.log, {folder}/serve.log. Ctrl-C stops everything.",
        soft_wrap=True,
    )
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    stop.wait()


@contextmanager
def _process(job: str, settings: ReaderSettings, log_file: Path, dashboard_port: int) -> Iterator[None]:
    """A scorer, aggregator or dashboard as its users run it: a process, told only where all is."""
    environment: Mapping[str, str] = os.environ | {
        "REVIEWSTREAM_BOOTSTRAP_SERVERS": settings.bootstrap_servers,
        "REVIEWSTREAM_REDIS_URL": settings.redis_url,
        "REVIEWSTREAM_LISTEN_HOST": LOOPBACK,
        "REVIEWSTREAM_LISTEN_PORT": str(dashboard_port),
        "REVIEWSTREAM_CUSTOMER_KEY": DEMO_CUSTOMER_KEY,
    }
    command = [sys.executable, "-m", "console.main", job]
    with log_file.open("wb") as log:
        # A session of its own keeps Ctrl-C in the terminal from reaching it before we stop it in order.
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)  # noqa: S603 -- our own interpreter and module
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _program() -> str:
    """How to call us from a shell: by path where an environment is not activated."""
    return "reviewstream" if shutil.which("reviewstream") else sys.argv[0]


def _since(started: float) -> str:
    return f"{time.monotonic() - started:.0f} s after the start"
