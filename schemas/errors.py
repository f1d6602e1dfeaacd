"""Every exception of reviewstream, split by what the caller does with it.

ReviewStreamError
├── InvalidEvent                 dead-letter the record: no retry can ever read it
├── BatchAborted                 nothing was published: read again from the committed offsets
├── DeliveryFailed               nobody said that an alert arrived: send it again later
└── Fatal                        stop, say why, leave with the class's exit code
    ├── ConfigurationError       2  settings that cannot work, or a server that refuses us: a person has to change something
    ├── TrainingDataError        2  labelled reviews that cannot be read
    ├── ServerUnavailable        3  Kafka or Redis was away for longer than the outage deadline
    ├── MissingTopic             4  a topic that has to exist does not
    ├── BundleError              5  a model bundle that is missing, damaged or of another format
    ├── ProviderError            6  the execution provider that was asked for does not run here
    ├── DeadLetterFlood          7  nearly every record is bad: stop before the topic drains away
    ├── InstanceFenced           8  another process took over this instance id
    ├── ViewMismatch             9  Redis is ahead of the topic it claims to reflect
    ├── StackError              10  the embedded Kafka or Valkey could not be started
    └── TopicIncomplete         14  the scored topic has lost its first records, so nothing can be made anew of it
"""

from typing import ClassVar

from schemas.dead_letters import DeadLetterReason


class ReviewStreamError(Exception):
    """Root of all errors that reviewstream raises on purpose."""


class InvalidEvent(ReviewStreamError):  # noqa: N818 -- it names the record, which is data, not a failure of ours
    """A record that is no valid event, with a stable reason code and a detail for people."""

    def __init__(self, reason: DeadLetterReason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class BatchAborted(ReviewStreamError):  # noqa: N818 -- an outcome that the poll loop acts on
    """A batch whose outputs and offsets were not committed, for example because of a rebalance."""


class DeliveryFailed(ReviewStreamError):  # noqa: N818 -- an outcome that the outbox acts on
    """An alert was not taken by its webhook, or nobody said that it was: send it again later."""


class Fatal(ReviewStreamError):  # noqa: N818 -- the branch of the tree, named for what the caller does
    """The process stops; its exit code tells an orchestrator why."""

    exit_code: ClassVar[int] = 1


class ConfigurationError(Fatal):
    """Settings or arguments that cannot work, or a server that refuses us: a person has to change something."""

    exit_code = 2


class TrainingDataError(Fatal):
    """Labelled reviews that cannot be read or that carry no label."""

    exit_code = 2


class ServerUnavailable(Fatal):
    """Kafka or Redis was away for longer than the outage deadline."""

    exit_code = 3


class MissingTopic(Fatal):
    """A topic that has to exist does not; ``reviewstream init`` creates it."""

    exit_code = 4


class BundleError(Fatal):
    """A model bundle that is missing, damaged, or of a format this release cannot read."""

    exit_code = 5


class ProviderError(Fatal):
    """The execution provider that was asked for does not run on this machine."""

    exit_code = 6


class DeadLetterFlood(Fatal):
    """Nearly every record is bad, so the scorer stops instead of draining the topic into the dead letters."""

    exit_code = 7


class InstanceFenced(Fatal):
    """Another process took over this instance id."""

    exit_code = 8


class ViewMismatch(Fatal):
    """Redis claims offsets that the topic does not have: the view belongs to another topic."""

    exit_code = 9


class StackError(Fatal):
    """The embedded Kafka or Valkey could not be started."""

    exit_code = 10


class TopicIncomplete(Fatal):
    """The scored topic has lost its first records, so nothing can be made anew of it."""

    exit_code = 14
