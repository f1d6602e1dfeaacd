"""Which of the chosen dead letters can go back, and why the others should not."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from consumers.decode import decode_record
from consumers.read.letters import Entry, Ledger, LetterFilter, Place, Progress, read_letters
from consumers.records import Record
from consumers.topic_reader import TopicReader, open_reader
from schemas.dead_letters import DeadLetter, Origin
from schemas.errors import InvalidEvent
from schemas.events import ReviewEvent
from schemas.settings import KafkaSettings

_PROGRESS_EVERY = 1000

Review = tuple[str, str]
"""Product and review id: what a later event would correct."""


class Obstacle(Enum):
    """Why a letter stays; the text is for people."""

    LABELLED = (
        "refused by the aggregator: the review is labelled and still on the scored topic, so it is no matter of scoring"
        " it again. Once a release can count it, rebuild the counts by a replay of that topic"
    )
    ELSEWHERE = "came from another topic than this raw topic; name its own by --raw-topic"
    STILL_REFUSED = "this release would refuse it again for what it says; its cause is not mended"
    SUPERSEDED = "the raw topic holds a newer event of the same review, which this old one would overwrite, or a copy of it already"
    UNKNOWABLE = "the raw topic no longer reaches back to it, so whether there was a newer event of the same review is unknown"


@dataclass(frozen=True)
class Plan:
    """The letters that were chosen and wait."""

    going: Mapping[Place, DeadLetter]
    staying: Mapping[Place, Obstacle]
    redriven: Mapping[Place, Entry] = field(default_factory=dict)
    """Of those chosen by place: went back before."""
    missing: Collection[Place] = ()
    """Of those chosen by place: no dead letters."""

    @property
    def complete(self) -> bool:
        """Whether all that was asked for is done or can be done."""
        return not (self.staying or self.missing)


class _Chosen:
    """The letters that wait, with the review that each is about where its bytes say so."""

    def __init__(self, wanted: LetterFilter, settings: KafkaSettings) -> None:
        self.ledger = Ledger(wanted)
        self.obstacles: dict[Place, Obstacle] = {}
        self.reviews: dict[Place, Review] = {}
        self._settings = settings

    def enter(self, record: Record) -> None:
        letter = self.ledger.enter(record)
        if letter is None:
            return
        place = Place(record.partition, record.offset)
        if letter.source_topic != self._settings.raw_topic:
            labelled = letter.source_topic == self._settings.scored_topic
            self.obstacles[place] = Obstacle.LABELLED if labelled else Obstacle.ELSEWHERE
            return
        event = decode_record(record)
        if isinstance(event, InvalidEvent):
            self.obstacles[place] = Obstacle.STILL_REFUSED
        else:
            self.reviews[place] = _review_of(event)


def make_plan(
    settings: KafkaSettings,
    wanted: LetterFilter,
    *,
    force: bool = False,
    progress: Progress = lambda _done, _total: None,
) -> Plan:
    """Read the dead letters and, for those that could go back, what the raw topic holds after them.

    Args:
        settings: where Kafka is and what the topics are called.
        wanted: which letters to put back.
        force: put back all that came from the raw topic, whatever else speaks against it.
        progress: told offsets done and offsets in all, for each of the two topics in turn.

    Raises:
        MissingTopic: the raw or the dead-letter topic does not exist.
        ServerUnavailable: Kafka was away for longer than the outage deadline.
    """
    chosen = _Chosen(wanted, settings)
    with open_reader(settings, settings.dead_letter_topic) as reader:
        read_letters(reader, chosen.enter, progress)
    ledger = chosen.ledger
    staying = {
        place: obstacle
        for place, obstacle in chosen.obstacles.items()
        if place in ledger.waiting and not (force and obstacle is Obstacle.STILL_REFUSED)
    }
    open_letters = {place: letter for place, letter in ledger.waiting.items() if place not in staying}
    if open_letters and not force:
        with open_reader(settings, settings.raw_topic) as reader:
            staying |= _outdated(reader, open_letters, chosen.reviews, progress)
    return Plan(
        going={place: letter for place, letter in open_letters.items() if place not in staying},
        staying=staying,
        redriven={place: ledger.redriven[place] for place in wanted.places & ledger.redriven.keys()},
        missing=sorted(wanted.places - ledger.waiting.keys() - ledger.redriven.keys()),
    )


def _outdated(
    reader: TopicReader,
    letters: Mapping[Place, DeadLetter],
    reviews: Mapping[Place, Review],
    progress: Progress,
) -> dict[Place, Obstacle]:
    """Letters that a newer event of the same review stands behind, or may stand behind, in their raw partition."""
    starts, ends = reader.starts(), reader.ends()
    obstacles = {}
    first: dict[int, int] = {}
    """Of each partition: where to begin to look for newer events."""
    waiting: dict[tuple[int, Review], list[Place]] = {}
    sources: set[tuple[int, int]] = set()
    for place, letter in letters.items():
        partition, following = letter.source_partition, letter.source_offset + 1
        if not starts.get(partition, following + 1) <= following <= ends.get(partition, -1):
            obstacles[place] = Obstacle.UNKNOWABLE
            continue
        if (partition, letter.source_offset) in sources:  # at-least-once delivery can refuse a record twice
            obstacles[place] = Obstacle.SUPERSEDED
            continue
        sources.add((partition, letter.source_offset))
        first[partition] = min(following, first.get(partition, following))
        waiting.setdefault((partition, reviews[place]), []).append(place)
    for record in _read_from(reader, first, ends, progress):
        event = decode_record(record)
        if isinstance(event, InvalidEvent):
            continue
        for place in waiting.get((record.partition, _review_of(event)), ()):
            source = letters[place].source_offset
            if record.offset > source and _age(record) >= source:
                obstacles[place] = Obstacle.SUPERSEDED
    return obstacles


def _read_from(
    reader: TopicReader, first: Mapping[int, int], ends: Mapping[int, int], progress: Progress
) -> Iterator[Record]:
    reader.seek(first)
    targets = {partition: ends[partition] for partition in first}
    total = sum(targets.values()) - sum(first.values())
    for number, record in enumerate(reader.read_to(targets)):
        yield record
        if number % _PROGRESS_EVERY == 0:
            progress(sum(reader.position(part) - start for part, start in first.items()), total)


def _age(record: Record) -> int:
    """The offset that tells how new an event is: a copy is as old as the record that it repeats."""
    try:
        origin = Origin.from_headers(record.headers)
    except ValueError:
        return record.offset
    here = origin.topic == record.topic and origin.partition == record.partition
    return origin.offset if here else record.offset


def _review_of(event: ReviewEvent) -> Review:
    return event.product_id, event.review_id
