"""Records of both topics as what the view applies, and dead letters of those that are no events."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from consumers.aggregate.relabel import PositionedLabel
from consumers.aggregate.view import PositionedEvent
from consumers.dead_letters import dead_letter_output
from consumers.publish import Output
from consumers.records import Record
from schemas.codec import decode_label, decode_scored
from schemas.errors import InvalidEvent
from schemas.settings import KafkaSettings


@dataclass(frozen=True)
class SortedOut:
    """What records are, each kind in their order."""

    events: list[PositionedEvent] = field(default_factory=list)
    labels: list[PositionedLabel] = field(default_factory=list)
    letters: list[Output] = field(default_factory=list)


def sort_out(records: Iterable[Record], settings: KafkaSettings, now: datetime) -> SortedOut:
    """Decode each record by its topic.

    Args:
        records: of the scored topic and of the topic of labels.
        settings: their names.
        now: when those that are no events are refused.
    """
    found = SortedOut()
    for record in records:
        try:
            if record.topic == settings.labels_topic:
                found.labels.append(
                    PositionedLabel(record.partition, record.offset, decode_label(record.value))
                )
            else:
                found.events.append(
                    PositionedEvent(record.partition, record.offset, decode_scored(record.value))
                )
        except InvalidEvent as invalid:
            found.letters.append(dead_letter_output(record, invalid, settings.dead_letter_topic, now))
    return found
