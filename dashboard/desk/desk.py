"""What agents do: see what waits, claim it, answer it, say what the model should have said, or hand it back."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from kafka.errors import KafkaError

from consumers.aggregate.contribution import Meaning
from dashboard.access import Person, require_agent
from dashboard.desk.claims import Act, Claim, Claims, Outcome, State
from dashboard.desk.line import Line
from dashboard.desk.order import Urgency, urgency
from dashboard.desk.waiting import Waiting, WaitingReader
from dashboard.problems import Problem, ProblemError
from dashboard.watch import Clock
from schemas.errors import ReviewStreamError
from schemas.events import Channel
from schemas.labels import LabelOp, ReviewLabel
from schemas.masking import mask


class LabelLog(Protocol):
    """The topic of labels."""

    trouble: str | None
    """Why the history may lack something, if it may."""

    def publish(self, event: ReviewLabel) -> None:
        """Return once it is stored."""

    def history(self, product_id: str, review_id: str | None = None) -> list[ReviewLabel]:
        """What people said of a product, or of one review, latest first."""


@dataclass(frozen=True)
class Item:
    """A review that waits, as it stands in the queue; its text is masked."""

    waiting: Waiting
    text: str
    urgency: Urgency
    claim: Claim | None

    @property
    def key(self) -> str:
        """A name for it on a page."""
        named = f"{self.waiting.product_id}\0{self.waiting.place}".encode()
        return f"i{hashlib.sha256(named).hexdigest()[:12]}"


class Desk:
    """The queue and what can be done with it.

    Args:
        line: of all products.
        reader: of single ones.
        claims: who works on what.
        label_log: where labels go; None where nobody said where Kafka is.
        clock: the time, in UTC, for the order and for the labels; claims go by the clock of Redis.
    """

    def __init__(
        self, line: Line, reader: WaitingReader, claims: Claims, label_log: LabelLog | None, clock: Clock
    ) -> None:
        self.line = line
        self.label_log = label_log
        self._reader = reader
        self._claims = claims
        self._clock = clock

    async def items(self, channel: Channel | None, limit: int) -> list[Item]:
        """What waits, most urgent first."""
        now = self._clock()
        found, gone = await self._standing(channel, limit, now)
        if gone:  # done at another dashboard, or too old by now
            await self.line.refresh(gone, now)
            found, _ = await self._standing(channel, limit, now)
        return found

    async def _standing(
        self, channel: Channel | None, limit: int, now: datetime
    ) -> tuple[list[Item], set[str]]:
        """The first in the line, as Redis has them now, and the products of those that it has no more."""
        places = self.line.first(now, channel)[:limit]
        names = list(dict.fromkeys(product_id for product_id, _ in places))
        standing, claims = await asyncio.gather(self._reader.standing(names, now), self._claims.of(places))
        waiting = {(one.product_id, one.place): one for listed in standing.values() for one in listed}
        gone = {place[0] for place in places if place not in waiting}
        return [
            _item(waiting[place], claim, now)
            for place, claim in zip(places, claims, strict=True)
            if place in waiting
        ], gone

    async def act(self, act: Act, person: Person, product_id: str, place: str) -> Outcome:
        """Claim a review, say that it is answered, or hand it back.

        Raises:
            ProblemError: it is not this person's to do, or there is no such review in the queue.
        """
        require_agent(person, AGENTS_ONLY)
        if act is not Act.BACK:
            await self._find(product_id, place)
        return await self._do(act, person, product_id, place)

    async def _do(self, act: Act, person: Person, product_id: str, place: str) -> Outcome:
        outcome = await self._claims.act(act, person.name, product_id, place)
        if outcome.state is not State.YOURS:
            raise _not_yours(outcome)
        if act is Act.DONE:
            await self.line.refresh([product_id], self._clock())
        return outcome

    async def relabel(
        self, person: Person, product_id: str, place: str, meaning: Meaning, reason: str
    ) -> ReviewLabel:
        """Say what the model should have said, which takes the review from the queue too.

        Raises:
            ProblemError: it is not this person's to do, there is no such review, or Kafka does not take it.
        """
        self._log()
        if await self._reader.forgets():
            raise ProblemError(NOT_COUNTED)
        await self.act(Act.CLAIM, person, product_id, place)
        waiting = await self._find(product_id, place)
        label, intensity = meaning
        event = ReviewLabel(
            review_id=waiting.review_id,
            product_id=product_id,
            label=label,
            intensity=intensity,
            reason=mask(reason),
            labelled_by=person.name,
            labelled_at=self._clock(),
            scored=waiting.judged,
        )
        await self._publish(event)
        await self._do(
            Act.DONE, person, product_id, place
        )  # the label may count already, and nothing waits any more
        return event

    async def withdraw(self, person: Person, product_id: str, review_id: str, reason: str) -> ReviewLabel:
        """Take the latest label of a review back, so that the model's counts again.

        Raises:
            ProblemError: this person may not, there is none, or Kafka does not take it.
        """
        history = self.history(person, product_id, review_id)
        if not history or history[0].op is LabelOp.WITHDRAW:
            raise ProblemError(
                Problem("no-label", 404, "Nothing to take back", f"No label of {review_id!r} is in force.")
            )
        event = ReviewLabel(
            review_id=review_id,
            product_id=product_id,
            op=LabelOp.WITHDRAW,
            reason=mask(reason),
            labelled_by=person.name,
            labelled_at=self._clock(),
            scored=history[0].scored,
        )
        await self._publish(event)
        return event

    def history(self, person: Person, product_id: str, review_id: str | None = None) -> Sequence[ReviewLabel]:
        """Who said what of a product, or of one review, when and why; latest first.

        Raises:
            ProblemError: it is for agents, or nobody said where Kafka is.
        """
        require_agent(person, AGENTS_ONLY)
        return self._log().history(product_id, review_id)

    async def _find(self, product_id: str, place: str) -> Waiting:
        waiting = (await self._reader.read([product_id], self._clock()))[product_id]
        found = next((one for one in waiting if one.place == place), None)
        if found is None:
            raise ProblemError(NOT_WAITING)
        return found

    async def _publish(self, event: ReviewLabel) -> None:
        log = self._log()
        try:
            await asyncio.to_thread(log.publish, event)
        except (ReviewStreamError, KafkaError) as error:
            raise ProblemError(
                Problem(
                    "kafka-away", 503, "The label was not taken", f"{error}; nothing is lost, try again.", 5
                )
            ) from error

    def _log(self) -> LabelLog:
        if self.label_log is None:
            raise ProblemError(NO_KAFKA)
        return self.label_log


NOT_WAITING = Problem(
    "not-waiting",
    404,
    "Not in the queue any more",
    "It was answered or labelled, the customer changed or deleted it, or it is too old.",
)
AGENTS_ONLY = Problem("agents-only", 403, "For agents", "Your token lets you read, not work on the queue.")
NO_KAFKA = Problem(
    "labels-unavailable",
    503,
    "Labels cannot be given here",
    "This dashboard was not told where Kafka is: start it with --bootstrap-servers.",
)


NOT_COUNTED = Problem(
    "labels-unavailable",
    503,
    "Labels cannot be given here",
    "The counts are made with label_retention, and labels of people would not be counted.",
)


def _not_yours(outcome: Outcome) -> ProblemError:
    if outcome.state is State.DONE:
        return ProblemError(NOT_WAITING)
    minutes = max(1, round(outcome.expires_in / timedelta(minutes=1)))
    detail = f"{outcome.holder} has it, for {minutes} more minute{'' if minutes == 1 else 's'} unless they are done sooner."
    return ProblemError(Problem("claimed", 409, "Somebody else has it", detail, holder=outcome.holder))


def _item(waiting: Waiting, claim: Claim | None, now: datetime) -> Item:
    urgent = urgency(
        strong_negative=waiting.strong_negative,
        channel=waiting.channel,
        created_at=waiting.created_at,
        now=now,
    )
    return Item(waiting, waiting.masked_text, urgent, claim)
