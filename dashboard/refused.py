"""The letters that wait on the dead-letter topic, counted by reason. It blocks, so call it in a thread."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from consumers.read.letters import Place
from consumers.records import Record
from consumers.topic_reader import TopicReader, open_reader
from schemas.dead_letters import DeadLetter, DeadLetterReason, RedriveMarker
from schemas.settings import KafkaSettings

RECORDS_A_LOOK = 20_000
"""Read at most before an answer is given, some seconds of work; the next look goes on from there."""

MOST_HELD = 200_000
"""Letters in memory, some 300 bytes each. Where more wait, the number of these is a lower bound."""

MEANINGS = {
    DeadLetterReason.NULL_VALUE: "the record has no value",
    DeadLetterReason.EMPTY_VALUE: "the record is empty",
    DeadLetterReason.INVALID_UTF8: "the bytes are no UTF-8 text",
    DeadLetterReason.INVALID_JSON: "the text is no JSON",
    DeadLetterReason.LONE_SURROGATE: "the text holds half a character",
    DeadLetterReason.NESTED_TOO_DEEP: "the JSON is nested too deep",
    DeadLetterReason.NOT_AN_OBJECT: "the JSON is no object",
    DeadLetterReason.MISSING_FIELD: "a required field lacks",
    DeadLetterReason.INVALID_FIELD: "a field has a value that it may not have",
    DeadLetterReason.TEXT_TOO_LONG: "the review is too long",
    DeadLetterReason.UNKNOWN_OP: "the event wants something unknown",
    DeadLetterReason.UNKNOWN_SCHEMA_VERSION: "a newer release is needed to read the event",
    DeadLetterReason.MODEL_ERROR: "the model failed on the review",
}
"""Each reason, for people."""


@dataclass(frozen=True)
class Refused:
    """Letters of one reason that wait."""

    reason: DeadLetterReason
    waiting: int
    oldest: datetime
    """When the first of them was refused."""

    @property
    def meaning(self) -> str:
        return MEANINGS[self.reason]


@dataclass(frozen=True)
class DeadLetters:
    """What waits, the most frequent reason first."""

    reasons: Sequence[Refused]
    complete: bool
    """False where the topic holds more than was read, or than is held."""


class LetterWatch:
    """Reads the topic on from where the last look ended, so that a look costs no more than what came since.

    Args:
        settings: where Kafka is.
        records_a_look: read at most.
        most_held: letters in memory.
    """

    def __init__(
        self, settings: KafkaSettings, records_a_look: int = RECORDS_A_LOOK, most_held: int = MOST_HELD
    ) -> None:
        self._settings = settings
        self._records_a_look = records_a_look
        self._most_held = most_held
        self._at: dict[int, int] = {}
        self._waiting: dict[Place, tuple[DeadLetterReason, datetime]] = {}
        self._left_out = False

    def look(self) -> DeadLetters:
        """What waits by now.

        Raises:
            KafkaError: Kafka is away, or refuses us.
            ReviewStreamError: the same, or there is no such topic.
        """
        with open_reader(self._settings, self._settings.dead_letter_topic) as reader:
            starts, ends = reader.starts(), reader.ends()
            self._forget_what_is_gone(starts, ends)
            reader.seek(self._at)
            for record in self._some(reader, ends):
                self._enter(record)
            complete = not self._left_out and all(self._at[number] >= end for number, end in ends.items())
        by_reason: dict[DeadLetterReason, list[datetime]] = {}
        for reason, failed_at in self._waiting.values():
            by_reason.setdefault(reason, []).append(failed_at)
        reasons = [Refused(reason, len(moments), min(moments)) for reason, moments in by_reason.items()]
        return DeadLetters(sorted(reasons, key=lambda one: (-one.waiting, one.reason)), complete)

    def _some(self, reader: TopicReader, ends: dict[int, int]) -> Iterator[Record]:
        """The next records, as far as a look may go."""
        for number, record in enumerate(reader.read_to(ends)):
            if number >= self._records_a_look:
                return
            yield record
            self._at[record.partition] = record.offset + 1
        self._at |= ends  # a transaction's marker, which no record tells of, may be what stands last

    def _forget_what_is_gone(self, starts: dict[int, int], ends: dict[int, int]) -> None:
        """Retention deletes letters, and a topic made anew is another one."""
        for partition, start in starts.items():
            at = self._at.get(partition, start)
            anew = at > ends[partition]
            self._at[partition] = start if anew else max(start, at)
            kept_from = ends[partition] if anew else start
            for place in [
                one for one in self._waiting if one.partition == partition and one.offset < kept_from
            ]:
                del self._waiting[place]

    def _enter(self, record: Record) -> None:
        try:
            if marker := RedriveMarker.from_headers(record.headers):
                self._waiting.pop(Place(record.partition, marker.letter_offset), None)
                return
            letter = DeadLetter.from_headers(record.headers)
        except ValueError:
            return  # reviewstream did not write it
        if len(self._waiting) < self._most_held:
            self._waiting[Place(record.partition, record.offset)] = letter.reason, letter.failed_at
        else:
            self._left_out = True
