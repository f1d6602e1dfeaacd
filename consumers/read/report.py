"""What came of comparing Redis with a recount."""

import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum

MAX_LISTED = 1000
"""Differences that a report names; it counts all. A view that belongs elsewhere would differ in millions."""


class Verdict(StrEnum):
    """What a comparison proves."""

    EQUAL = "equal"
    DIFFERENT = "different"
    UNSETTLED = "unsettled"
    UNVERIFIABLE = "unverifiable"

    @property
    def exit_code(self) -> int:
        """Of the command: 0 only if all was compared and all was equal."""
        return _EXIT_CODES[self]


_EXIT_CODES = {Verdict.EQUAL: 0, Verdict.DIFFERENT: 12, Verdict.UNSETTLED: 13, Verdict.UNVERIFIABLE: 14}


@dataclass(frozen=True)
class Difference:
    """One field of one key; None stands for a field or key that is not there, or should not be."""

    key: str
    field: str
    expected: str | None
    found: str | None


class Differences:
    """Counts all differences and keeps the first ones."""

    def __init__(self) -> None:
        self.count = 0
        self.listed: list[Difference] = []

    def compare(self, key: str, field_name: str, expected: str | None, found: str | None) -> None:
        """Note a difference, if there is one."""
        if expected != found:
            self.count += 1
            if len(self.listed) < MAX_LISTED:
                self.listed.append(Difference(key, field_name, expected, found))


@dataclass(frozen=True)
class PartitionRange:
    """Offsets of one partition of a topic. Transaction markers occupy offsets too."""

    partition: int
    start: int
    """The first offset that is still kept."""
    end: int
    """The offset after the last committed record when the recount began."""
    claimed: int
    """Redis says that all before this offset is applied."""
    recounted_to: int
    """All before this offset was read."""


@dataclass(frozen=True)
class VerifyReport:
    """Whether Redis equals a recount, and where it does not."""

    topic: str
    prefix: str
    """Of the keys in Redis."""
    started_at: str
    """When the offsets and then the products were read from Redis; ISO 8601, UTC."""
    partitions: tuple[PartitionRange, ...] = ()
    labels: tuple[PartitionRange, ...] = ()
    """The same of the topic of what people say, where there is one."""
    reason: str = ""
    """Why nothing can be verified; empty if it could."""
    digest: str = ""
    """Of the recounted state, as ``Digest`` says. While ``claimed`` equals ``recounted_to`` in every partition and
    nothing differs, it is a function of the topic up to these offsets: equal offsets, equal digest."""
    records: int = 0
    """Of both topics."""
    unreadable: int = 0
    """Records of either topic that are no such event; the aggregator sends them to the dead letters."""
    products: int = 0
    difference_count: int = 0
    differences: tuple[Difference, ...] = field(default=(), repr=False)
    """The first ``MAX_LISTED``."""
    unsettled: tuple[str, ...] = ()
    """Products that moved on while we looked, their rankings behind their counts, or their days ahead of the snapshot; verify
    again. The first ``MAX_LISTED``."""
    format: int = 1
    """Of this receipt."""

    @property
    def verdict(self) -> Verdict:
        if self.reason:
            return Verdict.UNVERIFIABLE
        if self.difference_count:
            return Verdict.DIFFERENT
        return Verdict.UNSETTLED if self.unsettled else Verdict.EQUAL

    def as_json(self) -> str:
        """Indented JSON, verdict first."""
        return json.dumps({"verdict": self.verdict, **asdict(self)}, ensure_ascii=False, indent=2)
