"""The wedged join of kafka-python, provoked on the real client: noticed, healed and counted."""

import time
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import pytest
from kafka import KafkaConsumer
from ledger import Ledger
from raw_topics import Raw, Topics, review

from consumers.group_consumer import group_consumer
from consumers.intake import GroupIntake
from embedded import KafkaCluster

STARTS = 200
SHORT_POLL_S = 0.1
JOIN_DEADLINE_S = 4.0
PATIENCE_S = 60.0


class Hasty(KafkaConsumer):
    """Polls as briefly as it is asked to and joins before it knows the topic: what wedges one start in ten."""

    def poll(self, timeout_ms: int, **arguments: Any) -> Any:
        return super().poll(timeout_ms=min(timeout_ms, int(SHORT_POLL_S * 1000)), **arguments)

    def subscribe(self, topics: Sequence[str], listener: Any) -> None:
        self._wanted = set(topics)
        super().subscribe(topics, listener=listener)

    def topics(self) -> set[str]:
        return self._wanted


DESCRIPTIONS = {KafkaConsumer: "as shipped", Hasty: "joining so hastily that the client wedges"}


@pytest.fixture
def topics(fragile: KafkaCluster, topic_prefix: str) -> Any:
    with Topics(fragile.bootstrap_servers, topic_prefix, 3) as created:
        created.publish(Raw(review("r1")))
        yield created


def start_and_read(topics: Topics, number: int, client: type[KafkaConsumer]) -> tuple[float, int]:
    """Seconds until the first record of a new member, and how often its client was replaced on the way."""
    started = time.monotonic()
    with closing(
        GroupIntake(
            lambda: group_consumer(topics.settings(), f"{topics.group}-{number}", "client", 6, client),
            topics.raw,
            outage_deadline_s=PATIENCE_S,
            join_deadline_s=JOIN_DEADLINE_S,
        )
    ) as intake:
        while not intake.poll(SHORT_POLL_S, 10).records:
            assert time.monotonic() < started + PATIENCE_S, f"start {number} reads nothing"
        return time.monotonic() - started, intake.heals


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("client", [KafkaConsumer, Hasty])
def test_every_start_reads_although_its_polls_are_short(
    topics: Topics, ledger: Ledger, client: type[KafkaConsumer]
) -> None:
    starts = [start_and_read(topics, number, client) for number in range(STARTS)]

    healed = [seconds for seconds, heals in starts if heals]
    ledger.add_claim(
        f"Start of a member with short polls, {DESCRIPTIONS[client]}",
        [seconds for seconds, _ in starts],
        f"every start read its record; {len(healed)} wedged clients were noticed and replaced",
    )
    if client is Hasty:
        assert healed, "the client no longer wedges: say so where we work around it"
