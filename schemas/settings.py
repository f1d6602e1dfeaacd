"""Settings, each declared once: its name is the option (``--redis-url``) and the variable (``REVIEWSTREAM_REDIS_URL``)."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, field_validator

from schemas.access import KafkaAccess, RedisAccess
from schemas.kafka_client import FrankClient
from schemas.settings_base import Settings

Seconds = Annotated[float, Field(gt=0)]

REQUEST_TIMEOUT_S = 10.0
"""A broker that hangs keeps its connections open and says nothing. The others take over what it led once its session is
over, 9 s by default (``broker.session.timeout.ms``); asked later than that, they are asked once. Short deadlines have room
for two requests."""

LEAST_REQUEST_TIMEOUT_S = 1.0
"""A fetch may rightly wait half a second for records."""


class Delivery(StrEnum):
    """What happens to a record when the scorer dies between publishing it and remembering that."""

    EXACTLY_ONCE = "exactly-once"
    AT_LEAST_ONCE = "at-least-once"


class Provider(StrEnum):
    """Where the model runs; ``auto`` takes CUDA where it works and says what it chose."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class KafkaSettings(KafkaAccess):
    """Where Kafka is and what the topics are called."""

    bootstrap_servers: Annotated[str, Field(description="Kafka brokers, host:port, comma separated.")] = (
        "localhost:9092"
    )
    raw_topic: Annotated[str, Field(description="Topic of reviews as the shop sends them.")] = "reviews.raw"
    scored_topic: Annotated[str, Field(description="Topic of reviews with their sentiment.")] = (
        "reviews.scored"
    )
    dead_letter_topic: Annotated[str, Field(description="Topic of records that were refused.")] = (
        "reviews.dlq"
    )
    labels_topic: Annotated[
        str,
        Field(description="Topic of what people say in place of the model; read where it exists."),
    ] = "reviews.labels"
    outage_deadline: Annotated[
        Seconds, Field(description="Seconds to wait for a server that is away before giving up.")
    ] = 120.0

    def client_config(self) -> dict[str, Any]:
        """Keyword arguments that every kafka-python client takes; a client waits for the outage deadline to bootstrap."""
        request_timeout = max(LEAST_REQUEST_TIMEOUT_S, min(REQUEST_TIMEOUT_S, self.outage_deadline / 2))
        request_timeout_ms = int(request_timeout * 1000)
        return {
            **self.access_config(),
            "kafka_client": FrankClient,
            "bootstrap_servers": [server.strip() for server in self.bootstrap_servers.split(",")],
            "bootstrap_timeout_ms": int(self.outage_deadline * 1000),
            "request_timeout_ms": request_timeout_ms,
            "reconnect_backoff_max_ms": 1000,  # the default of 30 s would outlast most outages
        }


class TopicSettings(KafkaSettings):
    """How ``reviewstream init`` creates the topics."""

    partitions: Annotated[int, Field(ge=1, description="Partitions of each topic.")] = 6
    replication_factor: Annotated[
        int, Field(ge=-1, description="Copies of each partition; -1 takes the broker's default.")
    ] = -1
    raw_retention_days: Annotated[
        int, Field(ge=-1, description="Days to keep raw reviews; -1: for ever.")
    ] = 30
    scored_retention_days: Annotated[
        int,
        Field(ge=-1, description="Days to keep scored reviews; -1: for ever, so that counts can be rebuilt."),
    ] = -1
    dead_letter_retention_days: Annotated[
        int, Field(ge=-1, description="Days to keep dead letters; -1: for ever.")
    ] = -1


class RedisSettings(RedisAccess):
    """Where the counts are kept."""

    redis_prefix: Annotated[
        str, Field(description="Prefix of every key.", pattern=r"^[^{}]*$")  # braces would break the hash tag
    ] = "reviewstream:"


class BundleSettings(Settings):
    """Which model."""

    bundle: Annotated[
        Path | None, Field(description="Model bundle folder; by default the one inside the package.")
    ] = None


class ModelSettings(BundleSettings):
    """Which model runs, and where."""

    provider: Annotated[Provider, Field(description="Where the model runs.")] = Provider.AUTO
    threads: Annotated[
        int, Field(ge=0, description="Reviews scored at a time on a CPU; 0: one for each core.")
    ] = 0


class LongRunningSettings(Settings):
    """What every long-running process has."""

    grace_period: Annotated[
        Seconds, Field(description="Seconds from SIGTERM within which the process leaves, whatever happens.")
    ] = 25.0
    health_file: Annotated[
        Path | None, Field(description="File touched every few seconds while the process is healthy.")
    ] = None


class ProcessSettings(LongRunningSettings):
    """What every member of a consumer group has."""

    instance_id: Annotated[
        str | None,
        Field(
            pattern=r"^[A-Za-z0-9._-]{1,120}$",
            description="Stable name of this process; by default the host name and a free number on it.",
        ),
    ] = None
    session_timeout: Annotated[
        Seconds, Field(description="Seconds after which the group gives a silent process's partitions away.")
    ] = 10.0


class ScorerSettings(KafkaSettings, ModelSettings, ProcessSettings):
    """Settings of ``reviewstream score``."""

    bundles: Annotated[
        str,
        Field(
            description="Bundles of single languages, as zh=/models/zh,de=/models/de; the event's language picks one by "
            "its primary subtag, and every other review goes to the bundle."
        ),
    ] = ""
    scorer_group: Annotated[str, Field(description="Consumer group of the scorers.")] = "reviewstream-scorer"
    delivery: Annotated[Delivery, Field(description="Delivery guarantee.")] = Delivery.EXACTLY_ONCE
    batch_size: Annotated[
        int | None,
        Field(
            ge=1,
            le=10_000,
            description="Most reviews of one transaction; by default 128 where the model runs on a CPU, and 2,048 on a GPU, "
            "which wants many to choose those of like length from.",
        ),
    ] = None
    batch_deadline: Annotated[
        float,
        Field(ge=0, le=60, description="Seconds a review may wait for others to share its transaction."),
    ] = 0.003
    transaction_timeout: Annotated[
        Seconds, Field(description="Seconds after which Kafka aborts the transaction of a dead scorer.")
    ] = 15.0
    scored_partitions: Annotated[
        int | None,
        Field(
            ge=1,
            description="Partitions of the scored topic to use; by default those that it had at first, also when more are added.",
        ),
    ] = None
    flood_window: Annotated[
        int, Field(ge=1, description="Latest records over which the share of bad ones is watched.")
    ] = 500
    flood_limit: Annotated[
        float,
        Field(gt=0, le=1, description="Share of bad records at which the scorer stops; 1 never stops it."),
    ] = 0.9

    customer_key: Annotated[
        SecretStr | None,
        Field(
            min_length=16,
            description="Key under which customer ids are hashed; without it they are dropped.",
        ),
    ] = None

    @field_validator("bundles")
    @classmethod
    def _is_a_list_of_bundles(cls, value: str) -> str:
        parse_bundles(value)
        return value

    def bundles_by_language(self) -> dict[str, Path]:
        """The folder of each primary language subtag."""
        return parse_bundles(self.bundles)


def parse_bundles(value: str) -> dict[str, Path]:
    """From ``zh=/models/zh,de=/models/de``: folders, which hold no comma, by primary language subtag in lower case.

    Raises:
        ValueError: it is no such list, or names a language twice.
    """
    bundles: dict[str, Path] = {}
    for part in filter(None, (part.strip() for part in value.split(","))):
        language, equals, folder = (piece.strip() for piece in part.partition("="))
        if not (equals and folder and re.fullmatch("[A-Za-z]{2,8}", language)):
            raise ValueError(
                "must be like zh=/models/zh,de=/models/de, with the primary subtag of a language (zh, not zh-TW)"
            )
        if language.lower() in bundles:
            raise ValueError(f"names language {language.lower()} twice")
        bundles[language.lower()] = Path(folder)
    return bundles


class ViewSettings(Settings):
    """What is kept of each product."""

    day_retention: Annotated[int, Field(ge=1, description="Days that the counts of a day are kept.")] = 400
    label_retention: Annotated[
        int | None,
        Field(
            ge=1,
            description="Days after which a label is forgotten: a later correction then counts as another review, and a "
            "later delete takes nothing back. By default never. To change it, rebuild.",
        ),
    ] = None
    customer_retention: Annotated[
        int,
        Field(
            ge=1, description="Days that the strong negatives of a customer are kept together, by their hash."
        ),
    ] = 90
    negatives_kept: Annotated[
        int, Field(ge=0, le=10_000, description="Latest strong negatives kept of each product.")
    ] = 100
    uncertain_kept: Annotated[
        int,
        Field(
            ge=0,
            le=10_000,
            description="Latest uncertain reviews kept of each product, for the customer-service queue.",
        ),
    ] = 0


class AggregatorSettings(KafkaSettings, RedisSettings, ProcessSettings, ViewSettings):
    """Settings of ``reviewstream aggregate``."""

    aggregator_group: Annotated[str, Field(description="Consumer group of the aggregators.")] = (
        "reviewstream-aggregator"
    )
    apply_batch_size: Annotated[
        int, Field(ge=1, le=100_000, description="Most events applied to Redis in one round trip.")
    ] = 2000


class RebuildSettings(KafkaSettings, RedisSettings, ViewSettings):
    """Settings of ``reviewstream rebuild``."""


class ReaderSettings(KafkaSettings, RedisSettings):
    """Settings of the commands that only read."""
