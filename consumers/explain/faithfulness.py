"""Are the words that an explanation names those that decided? By taking words out of the text itself.

The test is that of DeYoung et al. 2020, "ERASER: A Benchmark to Evaluate Rationalized NLP Models" (comprehensiveness): without
the words that are named the score must move, and further than without as many others. It looks at texts and scores only.
"""

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from math import log

from consumers.explain.occlusion import Explanation
from consumers.explain.reading import word_spans
from consumers.infer.runner import RunFailure
from schemas.events import SCORE_DECIMALS, Sentiment

Score = Callable[[Sequence[str]], Sequence[Sentiment | RunFailure]]
Span = tuple[int, int]


@dataclass(frozen=True)
class Shift:
    """How far scores move, in the mean of all texts."""

    score: float
    """Of P(positive)."""
    log_odds: float
    flipped: float
    """Share of the texts whose label changes."""


@dataclass(frozen=True)
class Faithfulness:
    """What taking out the named words does, and what as many random ones of the same text do."""

    texts: int
    words_named: float
    named: Shift
    random: Shift

    @property
    def factor(self) -> float:
        """How many times further the named words move the score."""
        return self.named.score / self.random.score


def measure(
    explain: Callable[[str], Explanation | RunFailure],
    score: Score,
    texts: Sequence[str],
    *,
    draws: int = 4,
    seed: int = 0,
) -> Faithfulness:
    """Explain every text and score it without words; texts without a named word are left out.

    Args:
        explain: gives the words.
        score: the model, which knows nothing of the explanation.
        texts: some dozens at least, so that chance does not decide.
        draws: of random words, for each text.
        seed: of the draws.
    """
    chance = random.Random(seed)
    named: list[tuple[Sentiment, Sentiment]] = []
    drawn: list[tuple[Sentiment, Sentiment]] = []
    words = 0
    for text in texts:
        explanation = explain(text)
        if isinstance(explanation, RunFailure) or not explanation.words:
            continue
        spans = [(word.start, word.end) for word in explanation.words]
        words += len(spans)
        cuts = [spans, *(chance.sample(word_spans(text), len(spans)) for _ in range(draws))]
        outcomes = score([text, *(without(text, cut) for cut in cuts)])
        whole, *cut_scores = [outcome for outcome in outcomes if isinstance(outcome, Sentiment)]
        named.append((whole, cut_scores[0]))
        drawn += [(whole, cut) for cut in cut_scores[1:]]
    return Faithfulness(len(named), words / max(1, len(named)), _shift(named), _shift(drawn))


def without(text: str, spans: Collection[Span]) -> str:
    """The text with some characters taken out."""
    kept, at = [], 0
    for start, end in sorted(spans):
        kept.append(text[at:start])
        at = end
    return "".join([*kept, text[at:]])


def _shift(pairs: Sequence[tuple[Sentiment, Sentiment]]) -> Shift:
    count = max(1, len(pairs))
    return Shift(
        score=sum(abs(whole.score - cut.score) for whole, cut in pairs) / count,
        log_odds=sum(abs(_log_odds(whole.score) - _log_odds(cut.score)) for whole, cut in pairs) / count,
        flipped=sum(whole.label is not cut.label for whole, cut in pairs) / count,
    )


def _log_odds(score: float) -> float:
    least: float = 10**-SCORE_DECIMALS
    held = min(1 - least, max(least, score))
    return log(held / (1 - held))
