"""What the fault tests share."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest
from cluster import Cluster, three_brokers
from damage import RECORDS
from harness import Rig
from jobs import run_aggregator, run_scorer
from ledger import Ledger
from observation import Observation, observe

from embedded import KafkaCluster, ValkeyServer
from schemas.settings import AggregatorSettings

SEED = 5


@pytest.fixture
def make_rig(
    fragile: KafkaCluster, valkey: ValkeyServer, topic_prefix: str, tmp_path: Path
) -> Iterator[Callable[..., Rig]]:
    """Makes the rig of a test, on the shared servers unless others are given; all members are gone after the test."""
    with ExitStack() as stack:

        def make(
            *,
            servers: str = fragile.bootstrap_servers,
            redis_url: str = valkey.url,
            seed: int = SEED,
            **settings: str,
        ) -> Rig:
            rig = Rig(servers, redis_url, topic_prefix, tmp_path, seed, **settings)
            stack.callback(rig.close)
            return rig

        yield make


@pytest.fixture(scope="module")
def three() -> Iterator[Cluster]:
    """A cluster of this module."""
    with three_brokers() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def ledger() -> Ledger:
    """Takes what the fault tests have proved; published into the folder that ``FAULTS_REPORT`` names."""
    folder = os.environ.get("FAULTS_REPORT")
    return Ledger(Path(folder) if folder else None)


@pytest.fixture(scope="session")
def exact(
    fragile: KafkaCluster, valkey: ValkeyServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Observation]:
    """What an undisturbed run leaves behind."""
    prefix = f"test-{uuid4().hex[:12]}."
    rig = Rig(fragile.bootstrap_servers, valkey.url, prefix, tmp_path_factory.mktemp("exact"), seed=3)
    with (
        run_scorer(rig.topics.settings()),
        run_aggregator(AggregatorSettings(**rig.settings)),
    ):
        rig.publish(RECORDS)
        rig.prove()
    yield observe(rig.topics, rig.redis, rig.prefix)
    rig.close()
