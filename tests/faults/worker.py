"""A scorer or an aggregator as a process that may be struck at a named step: ``python worker.py score``.

It is put together by the same functions as the command that users run, with the same settings from the environment. Its
model is the fake engine. ``FAULTS_STRIKE``, ``FAULTS_NOTES``, ``FAULTS_ENGINE_SECONDS`` and ``FAULTS_CLOCK_SHIFT`` (seconds
by which its wall clock is wrong) are for this process alone.
"""

import logging
import os
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from passing import Passages, PassingConsumer, PassingEngine, PassingProducer, PassingRedis
from steps import Strike

from consumers.aggregate.aggregator import start_aggregator
from consumers.infer.router import Router
from consumers.process import Shutdown
from consumers.score import start_scorer
from schemas.errors import Fatal
from schemas.settings import AggregatorSettings, ScorerSettings

SHIFT = timedelta(seconds=float(os.environ.get("FAULTS_CLOCK_SHIFT", "0")))


def shifted_now() -> datetime:
    """The wall clock as this process sees it."""
    return datetime.now(UTC) + SHIFT


def listening(grace_period: float, passages: Passages) -> Shutdown:
    """Hears SIGTERM from now on, and says so."""
    shutdown = Shutdown(grace_period).listen()
    passages.listening()
    return shutdown


def score(passages: Passages) -> None:
    settings = ScorerSettings()
    engine = PassingEngine(passages, float(os.environ.get("FAULTS_ENGINE_SECONDS", "0")))
    start_scorer(
        settings,
        Router(engine),
        listening(settings.grace_period, passages),
        settings.instance_id or "worker",
        make_consumer=partial(PassingConsumer, passages=passages),
        make_producer=partial(PassingProducer, passages=passages, now=shifted_now),
        now=shifted_now,
    ).run()


def aggregate(passages: Passages) -> None:
    settings = AggregatorSettings()
    PassingRedis.passages, PassingRedis.labels_topic = passages, settings.labels_topic
    start_aggregator(
        settings,
        listening(settings.grace_period, passages),
        settings.instance_id or "worker",
        make_consumer=partial(PassingConsumer, passages=passages),
        make_redis=PassingRedis.from_url,
    ).run()


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    strike = os.environ.get("FAULTS_STRIKE")
    passages = Passages(Strike.from_text(strike) if strike else None, Path(os.environ["FAULTS_NOTES"]))
    try:
        {"score": score, "aggregate": aggregate}[sys.argv[1]](passages)
    except Fatal as error:
        logging.critical("%s", error)  # noqa: LOG015 -- the process's last word
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
