"""A dead letter for people and for programs. Its bytes are hostile by definition: none reaches a terminal raw."""

import json
from base64 import b64encode
from datetime import UTC, datetime

from consumers.read.letters import Entry, Place
from schemas.dead_letters import DeadLetter

SHOWN_BYTES = 2000


def readable(content: bytes, limit: int | None = None) -> str:
    r"""Text that cannot steer a terminal: what does not print, and what is no UTF-8, is escaped as in ``\x1b``.

    Args:
        content: of whatever origin.
        limit: stop after about this many bytes.
    """
    text = content[:limit].decode("utf-8", "backslashreplace")
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def entry_fields(place: Place, entry: Entry) -> dict[str, object]:
    """A letter and what became of it, for JSON."""
    letter, marker = entry.letter, entry.marker
    return {
        "partition": place.partition,
        "offset": place.offset,
        "reason": letter.reason,
        "detail": letter.detail,
        "source": {
            "topic": letter.source_topic,
            "partition": letter.source_partition,
            "offset": letter.source_offset,
            "timestamp": letter.source_timestamp_ms,
        },
        "failed_at": letter.failed_at.isoformat(),
        "redriven": None
        if marker is None
        else {
            "topic": marker.topic,
            "partition": marker.partition,
            "offset": marker.offset,
            "at": marker.redriven_at.isoformat(),
        },
    }


def letter_json(place: Place, entry: Entry, key: bytes | None, value: bytes | None) -> str:
    """Everything, its bytes in Base64 so that nothing is lost."""
    content = {"key_base64": _base64(key), "value_base64": _base64(value)}
    return json.dumps(entry_fields(place, entry) | content, indent=2)


def describe_letter(
    topic: str, place: Place, entry: Entry, key: bytes | None, value: bytes | None, *, full: bool = False
) -> str:
    """Lines for people.

    Args:
        topic: the dead-letter topic.
        place: where the letter stands in it.
        entry: what it says, and what became of it.
        key: its own.
        value: its own.
        full: all of the value, however long.
    """
    letter = entry.letter
    lines = {
        "letter": f"{topic} {place}",
        "reason": letter.reason,
        "detail": readable(letter.detail.encode("utf-8", "replace")),
        "source": f"{readable(letter.source_topic.encode())} {_source(letter)}, written {_written(letter)}",
        "refused": _moment(letter.failed_at),
        "state": state_of(entry),
        "key": _content(key, full=full),
        "value": _content(value, full=full),
    }
    return "\n".join(f"{name:<9}{line}" for name, line in lines.items())


def state_of(entry: Entry) -> str:
    """Whether the letter waits, or when and where it went."""
    marker = entry.marker
    if marker is None:
        return "waits"
    return (
        f"put back {_moment(marker.redriven_at)} as {readable(marker.topic.encode())} "
        f"{Place(marker.partition, marker.offset)}"
    )


def _content(content: bytes | None, *, full: bool) -> str:
    if content is None:
        return "null"
    hidden = 0 if full else max(0, len(content) - SHOWN_BYTES)
    rest = f"\n         … {hidden:,} more bytes; --full shows all" if hidden else ""
    text = readable(content, None if full else SHOWN_BYTES)
    return f"{len(content):,} bytes{': ' if text else ''}{text}{rest}"


def _source(letter: DeadLetter) -> Place:
    return Place(letter.source_partition, letter.source_offset)


def _written(letter: DeadLetter) -> str:
    try:
        return _moment(datetime.fromtimestamp(letter.source_timestamp_ms / 1000, UTC))
    except (ValueError, OverflowError, OSError):
        return f"at {letter.source_timestamp_ms} ms, which no calendar has"


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"


def _base64(content: bytes | None) -> str | None:
    return None if content is None else b64encode(content).decode()
