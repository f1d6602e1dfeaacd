"""What a person says of a review, as the view applies it."""

from collections.abc import Mapping
from dataclasses import dataclass

from consumers.aggregate.contribution import Contribution, Meaning, decode_meaning, encode_meaning
from schemas.labels import ReviewLabel


def meaning_of(event: ReviewLabel) -> Meaning | None:
    """What is to be counted; None where the model's label shall count again."""
    return (event.label, event.intensity) if event.label and event.intensity else None


def as_people_say(contribution: Contribution, said: Mapping[str, str]) -> Contribution:
    """As it counts.

    Args:
        contribution: what the model said.
        said: code of what the model said -> letter of what a person says instead.
    """
    letter = said.get(contribution.encode())
    return contribution.relabelled(decode_meaning(letter) if letter else None)


def relabel_place(contribution: Contribution, review_id: str) -> str:
    """The field of the hash of relabels: what the model said, spelled out, and the review."""
    return f"{contribution.encode_older()} {review_id}"


def parse_relabel_place(place: str) -> tuple[Contribution, str]:
    """Read ``relabel_place``'s text back.

    Raises:
        ValueError: it is no such text.
    """
    said, _, review_id = place.partition(" ")
    return Contribution.decode(said), review_id


@dataclass(frozen=True)
class PositionedLabel:
    """A person's label and where it stands in the topic of labels."""

    partition: int
    offset: int
    event: ReviewLabel

    @property
    def product_id(self) -> str:
        return self.event.product_id

    def arguments(self) -> list[str | int]:
        """As ``apply.lua`` takes them."""
        meaning = meaning_of(self.event)
        return [
            self.offset,
            self.event.review_id,
            Contribution.judged(self.event.scored).encode(),
            "",
            encode_meaning(meaning) if meaning else "",
        ]
