"""What people wrote in our invented shop."""

from datetime import UTC, datetime

from producers.samples import samples
from schemas.codec import decode_review
from schemas.errors import InvalidEvent


def sample_texts() -> list[str]:
    """Texts in every language and length."""
    texts = []
    for sample in samples(datetime(2026, 3, 1, tzinfo=UTC)):
        try:
            review = decode_review(sample.value)
        except InvalidEvent:
            continue
        texts += [review.text] if review.text is not None else []
    return texts
