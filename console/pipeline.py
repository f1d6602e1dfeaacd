"""``init``, ``score``, ``aggregate``, ``doctor``: what runs the pipeline."""

import logging
from collections.abc import Callable
from typing import Any

import click
from redis import Redis
from redis.exceptions import RedisError

from console.options import with_settings
from console.topics import create_topics, missing_topics
from consumers.aggregate.aggregator import start_aggregator
from consumers.infer.engine import Engine
from consumers.process import Shutdown, instance_name
from consumers.score import start_scorer
from schemas.errors import MissingTopic, ReviewStreamError
from schemas.settings import AggregatorSettings, KafkaSettings, ReaderSettings, ScorerSettings, TopicSettings

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
    require_topics(settings)
    engine = Engine.start(settings.bundle, settings.provider, settings.threads)
    with instance_name(settings.scorer_group, settings.instance_id) as instance:
        scorer = start_scorer(settings, engine, shutdown, instance)
        log.info("scorer %s: model %s, %s delivery", instance, engine.model.version, settings.delivery)
        scorer.run()


@click.command()
@with_settings(AggregatorSettings)
def aggregate(settings: AggregatorSettings) -> None:
    """Count the labelled reviews of the scored topic in Redis, exactly.

    Several can run; they share the partitions. SIGTERM finishes what is in flight.
    """
    shutdown = Shutdown(settings.grace_period).listen()
    require_topics(settings)
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
    reader = ReaderSettings(redis_url=redis_url) if redis_url else ReaderSettings()
    quick = settings.model_copy(update={"outage_deadline": min(10.0, settings.outage_deadline)})
    checks: dict[str, Callable[[], str]] = {
        "model bundle": lambda: _describe(Engine.start(settings.bundle, settings.provider, settings.threads)),
        f"Kafka at {settings.bootstrap_servers}": lambda: _describe_topics(quick),
        "Redis": lambda: _describe_redis(reader),
    }
    healthy = True
    for name, check in checks.items():
        try:
            click.echo(f"ok    {name}: {check()}")
        except (ReviewStreamError, RedisError) as error:
            healthy = False
            click.echo(f"FAIL  {name}: {error}")
    ctx.exit(0 if healthy else 1)


def require_topics(settings: KafkaSettings) -> None:
    """Refuse to start where a topic is missing.

    Raises:
        MissingTopic: with the command that creates them.
    """
    if missing := missing_topics(settings):
        raise MissingTopic(f"missing: {', '.join(missing)}; create the topics with: reviewstream init")


def _describe_topics(settings: KafkaSettings) -> str:
    require_topics(settings)
    return "all topics exist"


def _describe_redis(settings: ReaderSettings) -> str:
    with Redis.from_url(settings.redis_url) as redis:
        redis.ping()
        server: dict[str, Any] = redis.info("server")
    return f"version {server['redis_version']}"


def _describe(engine: Engine) -> str:
    return f"{engine.model.name} {engine.model.version} scores"
