"""What all tests share: one Kafka and one Valkey for the whole run, and names that no other test uses."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from impatience import IMPATIENT
from kafka import KafkaAdminClient
from redis import Redis

from embedded import KafkaCluster, ValkeyServer


@pytest.fixture(scope="session")
def kafka() -> Iterator[KafkaCluster]:
    """A running broker. A test that stops or kills one starts its own."""
    with KafkaCluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def fragile() -> Iterator[KafkaCluster]:
    """A broker that tests may kill, if they start it again, and that gives up silent clients soon."""
    with KafkaCluster(settings=IMPATIENT) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def valkey() -> Iterator[ValkeyServer]:
    """A running Valkey without persistence."""
    with ValkeyServer() as server:
        yield server


@pytest.fixture
def redis(valkey: ValkeyServer) -> Iterator[Redis]:
    with Redis.from_url(valkey.url, decode_responses=True) as client:
        yield client


@pytest.fixture
def unique_name() -> str:
    """For a topic, a consumer group or a transactional id."""
    return f"test-{uuid4().hex[:12]}"


@pytest.fixture
def topic_prefix(unique_name: str) -> str:
    return f"{unique_name}."


@pytest.fixture
def redis_prefix(unique_name: str) -> str:
    return f"{unique_name}:"


@pytest.fixture(scope="session")
def make_topic(kafka: KafkaCluster) -> Callable[..., str]:
    """Creates a topic that no other test uses, of so many partitions, and returns its name."""

    def make(partitions: int = 1) -> str:
        topic = f"test-{uuid4().hex[:12]}"
        with KafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers) as admin:
            admin.create_topics({topic: {"num_partitions": partitions}}, wait_for_metadata=True)
        return topic

    return make
