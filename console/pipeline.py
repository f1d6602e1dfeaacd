"""``init``, ``score``, ``aggregate``, ``doctor``: what runs the pipeline."""

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click
from kafka.errors import KafkaError
from redis import Redis
from redis.exceptions import RedisError

from console.options import load_settings, with_settings
from console.topics import create_topics
from consumers.aggregate.aggregator import start_aggregator
from consumers.infer.engine import Engine
from consumers.infer.router import start_router
from consumers.process import Shutdown, instance_name
from consumers.score import start_scorer
from schemas.errors import ReviewStreamError
from schemas.refusals import refusal_of
from schemas.settings import AggregatorSettings, RedisSettings, ScorerSettings, TopicSettings
from schemas.topic_access import Operation, require_topics

log = logging.getLogger(__name__)


@click.command()
@with_settings(TopicSettings)
def init(settings: TopicSettings) -> None:
    """Create the topics that do not exist yet; those that do are left as they are."""
    for outcome in create_topics(settings):
        click.echo(f"{outcome.name}: {'created' if outcome.created else 'exists already'}")


@click.command()
@with_settings(ScorerSettings)
def score(settings: ScorerSettings) -> None:
    """Label every review of the raw topic and publish it to the scored topic, or to the dead letters.

    Start as many as there are cores or GPUs to use; they share the partitions. SIGTERM finishes what is in flight.
    """
    shutdown = Shutdown(settings.grace_period).listen()
    require_topics(settings, _topics_of_scorer(settings))
    engines = start_router(settings)
    with instance_name(settings.scorer_group, settings.instance_id) as instance:
        scorer = start_scorer(settings, engines, shutdown, instance)
        for language, model in engines.models():
            log.info(
                "reviews in %s: model %s %s", language or "any other language", model.name, model.version
            )
        log.info("scorer %s: %s delivery", instance, settings.delivery)
        scorer.run()


@click.command()
@with_settings(AggregatorSettings)
def aggregate(settings: AggregatorSettings) -> None:
    """Count the labelled reviews of the scored topic in Redis, exactly.

    Several can run; they share the partitions. SIGTERM finishes what is in flight.
    """
    shutdown = Shutdown(settings.grace_period).listen()
    require_topics(settings, {settings.scored_topic: "READ", settings.dead_letter_topic: "WRITE"})
    with instance_name(settings.aggregator_group, settings.instance_id) as instance:
        aggregator = start_aggregator(settings, shutdown, instance)
        log.info("aggregator %s: into %s*", instance, settings.redis_prefix)
        aggregator.run()


@click.command()
@with_settings(ScorerSettings)
@click.option("--redis-url", help="Redis or Valkey.  [REVIEWSTREAM_REDIS_URL]")
@click.pass_context
def doctor(ctx: click.Context, settings: ScorerSettings, redis_url: str | None) -> None:
    """Check that servers, topics, bundle and provider are there, and say what to do where they are not."""
    redis = load_settings(RedisSettings, **({"redis_url": redis_url} if redis_url else {}))
    quick = settings.model_copy(update={"outage_deadline": min(10.0, settings.outage_deadline)})
    checks: dict[str, Callable[[], str]] = {
        **_bundle_checks(settings),
        f"Kafka at {settings.bootstrap_servers}": lambda: _describe_topics(quick),
        "Redis": lambda: _describe_redis(redis),
    }
    healthy = True
    for name, check in checks.items():
        try:
            click.echo(f"ok    {name}: {check()}")
        except (ReviewStreamError, KafkaError, RedisError) as error:
            healthy = False
            click.echo(f"FAIL  {name}: {refusal_of(error) or error}")
    ctx.exit(0 if healthy else 1)


def _topics_of_scorer(settings: ScorerSettings) -> dict[str, Operation]:
    return {settings.raw_topic: "READ", settings.scored_topic: "WRITE", settings.dead_letter_topic: "WRITE"}


def _describe_topics(settings: ScorerSettings) -> str:
    require_topics(settings, _topics_of_scorer(settings))
    return "all topics exist, and may be used"


def _describe_redis(settings: RedisSettings) -> str:
    with Redis.from_url(**settings.redis_config()) as redis:
        redis.ping()
        server: dict[str, Any] = redis.info("server")
    return f"version {server['redis_version']}"


def _bundle_checks(settings: ScorerSettings) -> dict[str, Callable[[], str]]:
    named: dict[str, Path | None] = {"model bundle": settings.bundle}
    for language, folder in settings.bundles_by_language().items():
        named[f"model bundle of language {language}"] = folder
    return {name: partial(_describe_bundle, folder, settings) for name, folder in named.items()}


def _describe_bundle(folder: Path | None, settings: ScorerSettings) -> str:
    model = Engine.start(folder, settings.provider, settings.threads).model
    return f"{model.name} {model.version} scores"
