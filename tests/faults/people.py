"""What people say of the reviews that a shop publishes, drawn from a seed: labels, withdrawals, and what is neither."""

import json
import random
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from bad_records import BAD
from fake_engine import POISON, sentiment_of
from raw_topics import Raw

SHARE = 0.1
"""Of the records: so many make somebody say something."""

REMEMBERED = 2000
"""Reviews of which something may still be said. Most are counted by then; many are corrected, deleted or moved."""

LABELLED = 200
"""Of which somebody may soon say something else, or take it back."""

MEANINGS = [("positive", "strong"), ("positive", "weak"), ("negative", "strong"), ("negative", "weak")]
REASON = "It says so."

BAD_SHARE = 0.03
BAD_LABELS = {
    b"": "empty_value",
    b'{"review_id": "\xff"}': "invalid_utf8",
    b'{"review_id": ': "invalid_json",
    b'["a label"]': "not_an_object",
    b'{"review_id": "r1", "product_id": "product-0-0", "label": "negative"}': "missing_field",
}
"""What is no label, with the reason that its dead letter must give."""

_BAD_REVIEWS = {raw.value for raw, _ in BAD.values()}


class People:
    """Say anything of reviews that are counted already, not yet, otherwise than they were read, or not any more.

    A review is told by what the model says of it, which is known before it is scored. What is said of a product stands in one
    partition, as with every producer that chooses partitions by key.
    """

    def __init__(self, seed: int, partitions: int) -> None:
        self._random = random.Random(f"{seed} people")
        self._partitions = partitions
        self._read: deque[dict[str, Any]] = deque(maxlen=REMEMBERED)
        self._labelled: deque[dict[str, Any]] = deque(maxlen=LABELLED)

    def say(self, records: Sequence[Raw]) -> list[Raw]:
        """Of these raw records, and of older ones; for the topic of labels."""
        said = []
        for record in records:
            if review := _review_in(record):
                self._read.append(review)
            if self._read and self._random.random() < SHARE:
                said.append(self._something())
        return said

    def _something(self) -> Raw:
        draw = self._random
        if draw.random() < BAD_SHARE:
            return Raw(draw.choice(list(BAD_LABELS)), b"nobody's", draw.randrange(self._partitions))
        review = draw.choice(draw.choice([[self._read[-1]], self._read, self._labelled or self._read]))
        self._labelled.append(review)
        meaning = draw.choice([*MEANINGS, None])
        label, intensity = meaning or (None, None)
        event = {
            "review_id": review["review_id"],
            "product_id": review["product_id"],
            "op": "label" if meaning else "withdraw",
            "label": label,
            "intensity": intensity,
            "reason": REASON,
            "labelled_by": "anna",
            "labelled_at": datetime.now(UTC).isoformat(),
            "scored": review["scored"],
        }
        product: str = review["product_id"]
        return Raw(json.dumps(event).encode(), product.encode(), review["partition"] % self._partitions)


def _review_in(record: Raw) -> dict[str, Any] | None:
    """What can be said something of: the review in a record that will be scored, with what the model will say."""
    if record.value is None or record.value in _BAD_REVIEWS:
        return None
    event = json.loads(record.value)
    text = event.get("text")
    if not text or POISON in text:
        return None
    model = sentiment_of(text).model_dump(mode="json")
    return {
        "review_id": event["review_id"],
        "product_id": event["product_id"],
        "partition": record.partition,
        "scored": {
            "topic": "reviews.scored",
            "partition": 0,
            "offset": 0,
            "channel": event.get("channel", "review"),
            "created_at": event.get("created_at") or datetime.now(UTC).isoformat(),
            **{name: model[name] for name in ("label", "intensity", "score", "needs_review")},
        },
    }
