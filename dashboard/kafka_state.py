"""Asks Kafka how far the groups are behind, and what labelled the latest review. It blocks, so call it in a thread."""

import logging
from collections.abc import Mapping

from kafka import KafkaAdminClient, TopicPartition

from consumers.topic_reader import TopicReader, open_reader
from dashboard.pipeline import KafkaAnswer, Lag
from dashboard.refused import DeadLetters, LetterWatch
from schemas.codec import decode_scored
from schemas.errors import ConfigurationError, InvalidEvent, MissingTopic
from schemas.events import ScoredReview
from schemas.settings import KafkaSettings

log = logging.getLogger(__name__)

DEADLINE_S = 5.0

LATEST_OF_EACH_PARTITION = 3
"""Offsets looked at: the last ones may be markers of transactions."""


def ask_kafka(settings: KafkaSettings, groups: Mapping[str, str], letters: LetterWatch) -> KafkaAnswer:
    """One look at the topics. What stands behind an open transaction waits too, so it counts as lag.

    Args:
        settings: where Kafka is.
        groups: consumer group -> the topic that it reads.
        letters: of the dead-letter topic; a user who may not read that sees all else.

    Raises:
        KafkaError: it is away, or refuses us.
        ReviewStreamError: the same, or a topic is missing.
    """
    quick = settings.model_copy(update={"outage_deadline": DEADLINE_S})
    with KafkaAdminClient(**quick.client_config()) as admin:
        committed = {group: admin.list_group_offsets(group)[group] for group in groups}
    lags, latest = [], None
    for group, topic in groups.items():
        with open_reader(quick, topic, isolation_level="read_uncommitted") as reader:
            starts, ends = reader.starts(), reader.ends()
        at = {number: committed[group].get(TopicPartition(topic, number)) for number in ends}
        behind = [
            max(0, end - (place.offset if (place := at[number]) else starts[number]))
            for number, end in ends.items()
        ]
        lags.append(Lag(group, topic, sum(behind) if any(at.values()) else None))
        if topic == settings.scored_topic:
            with open_reader(quick, topic) as reader:
                latest = _latest(reader, reader.starts(), reader.ends())
    refused, trouble = _refused(letters)
    return KafkaAnswer(
        lags,
        latest.model if latest else None,
        latest.scored_at if latest else None,
        refused,
        trouble,
    )


def _refused(letters: LetterWatch) -> tuple[DeadLetters | None, str | None]:
    try:
        return letters.look(), None
    except (ConfigurationError, MissingTopic) as error:
        log.warning("dead letters: %s", error)
        return None, "The Kafka user of this server may not read the dead-letter topic, or there is none"


def _latest(reader: TopicReader, starts: Mapping[int, int], ends: Mapping[int, int]) -> ScoredReview | None:
    reader.seek({number: max(starts[number], end - LATEST_OF_EACH_PARTITION) for number, end in ends.items()})
    found = []
    for record in reader.read_to(ends):
        try:
            found.append(decode_scored(record.value))
        except InvalidEvent:
            continue
    return max(found, key=lambda scored: scored.scored_at, default=None)
