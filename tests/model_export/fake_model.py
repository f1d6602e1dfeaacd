"""Ways to score without a network."""

from collections.abc import Callable, Sequence

from model_export.data.reviews import LabelledReview
from model_export.evaluation.evaluate import LabelledFile, Model
from schemas.events import Intensity, Label, Sentiment


def sentiment(score: float, intensity_score: float = 0.8) -> Sentiment:
    confidence = max(score, 1 - score)
    return Sentiment(
        label=Label.POSITIVE if score >= 0.5 else Label.NEGATIVE,
        score=score,
        intensity=Intensity.STRONG if intensity_score >= 0.5 else Intensity.WEAK,
        intensity_score=intensity_score,
        confidence=confidence,
        needs_review=confidence < 0.7,
    )


def scored_by(score_of: Callable[[str], float]) -> Callable[[Sequence[str]], list[Sentiment]]:
    """A model whose score is a function of the text."""
    return lambda texts: [sentiment(score_of(text)) for text in texts]


def believes_words(text: str) -> float:
    """Positive where it reads "good"; sure unless it reads "perhaps"."""
    sure = 0.6 if "perhaps" in text else 0.95
    return sure if "good" in text.lower() else round(1 - sure, 6)


MODEL = Model(scored_by(believes_words), "fake", "0123456789ab", "Reads one word.", temperature=1.0)


def reviews(count: int = 80) -> list[LabelledReview]:
    """Half of them good; every tenth is one that ``believes_words`` gets wrong, all of those about tents."""
    return [_review(number) for number in range(count)]


def _review(number: int) -> LabelledReview:
    positive, misled = number % 2 == 0, number % 10 == 9
    word = "good" if positive or misled else "poor"
    return LabelledReview(
        text=f"{word} thing, number {number}{', perhaps' if number % 7 == 0 else ''}",
        polarity=float(positive),
        intensity=float(number % 3 == 0),
        domain="tents" if misled else "books",
        product_id=f"p{number % 40}",
        language="en",
    )


def labelled_file(rows: Sequence[LabelledReview]) -> LabelledFile:
    return LabelledFile("reviews.jsonl", "0" * 64, rows)
