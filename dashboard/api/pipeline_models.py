"""What the API answers of the pipeline itself."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from dashboard.api.models import Model
from schemas.dead_letters import DeadLetterReason


class Lag(Model):
    """Records that wait for a group; null for one that never committed."""

    group: str
    topic: str
    records: int | None


class RefusedRecords(Model):
    """Records that were refused for one reason, and wait on the dead-letter topic."""

    reason: DeadLetterReason
    meaning: Annotated[str, Field(description="The reason, for people.", examples=["the text is no JSON"])]
    waiting: int
    oldest: Annotated[datetime, Field(description="When the first of them was refused.")]


class Pipeline(Model):
    """The pipeline's own state."""

    seen_at: Annotated[datetime | None, Field(description="When Redis was last looked at.")]
    trouble: Annotated[str | None, Field(description="Why the last look failed, if it did.")]
    applied_per_second: Annotated[float | None, Field(description="Over the last minute.")]
    offsets: Annotated[dict[int, int], Field(description="Partition -> next offset to be counted.")]
    generation: str | None
    rebuilding: bool
    kafka_asked: bool
    kafka_trouble: str | None
    lags: list[Lag]
    model: Annotated[str | None, Field(description="Name and version that labelled the latest review.")]
    dead_letters: Annotated[
        list[RefusedRecords] | None,
        Field(description="By reason; null where Kafka cannot be asked for them."),
    ]
    dead_letters_complete: Annotated[bool, Field(description="False where at least so many wait.")]
