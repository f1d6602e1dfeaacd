"""What a small shop's customers wrote in two weeks, for tests of reports."""

from datetime import timedelta

from labelled import judged
from scored_events import START, deleted, scored

from schemas.events import Channel, Intensity, Label, ScoredReview
from schemas.labels import ReviewLabel

HOSTILE = "<script>alert(1)</script> & **bold** | leaks\u202e all over, write to jane.doe@example.com"


def written(
    number: int, product_id: str, positive: bool, *, days_ago: float, text: str, **fields: object
) -> ScoredReview:
    return scored(
        f"{product_id}-{number}",
        product_id,
        label=Label.POSITIVE if positive else Label.NEGATIVE,
        score=0.9 if positive else 0.1,
        created_at=START - timedelta(days=days_ago),
        text=text,
        **fields,  # type: ignore[arg-type]  # as scored takes them
    )


def relabels() -> list[ReviewLabel]:
    """A person says that a complaint about the tent is praise, and takes back what was said of another one."""
    complaints = [event for event in events() if event.product_id == "tent" and event.review_id != "tent-900"]
    first, second = [event for event in complaints if event.sentiment and event.sentiment.score < 0.5][:2]
    return [judged(first), judged(second), judged(second, None)]


def events() -> list[ScoredReview]:
    """The kettle falls from 18 of 20 to 6 of 20 within a week; the tent stays as it was; there are corrections."""
    before = [
        written(number, "kettle", number >= 2, days_ago=7 + number % 7, text="Boils fast, a fine kettle.")
        for number in range(20)
    ]
    now = [
        written(
            20 + number,
            "kettle",
            number >= 14,
            days_ago=number % 7,
            text="A fine kettle." if number >= 14 else f"The lid leaks, number {number}.",
        )
        for number in range(20)
    ]
    tent = [
        written(number, "tent", number % 4 > 0, days_ago=number % 14, text="Kept us dry, a dry tent.")
        for number in range(40)
    ]
    corrected = [
        written(900, "tent", True, days_ago=1, text="Great."),
        written(900, "tent", False, days_ago=1, text="I take it back.", intensity=Intensity.WEAK),
        written(901, "tent", True, days_ago=1, text="Deleted in the end."),
        deleted("tent-901", "tent"),
        written(902, "tent", True, days_ago=2, text="A message.", channel=Channel.SUPPORT),
        written(903, "tent", False, days_ago=30, text="Long ago."),
        written(904, "kettle", False, days_ago=0, text=HOSTILE),
    ]
    return [*before, *now, *tent, *corrected]
