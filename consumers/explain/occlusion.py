"""The words that decided, by taking words away and looking how far the score moves.

Taking each word out of the whole text costs a pass of the network a word, and finds less: where two words say the same,
neither is missed. So first each clause is read by itself, whole and without each of its words, which costs little since
clauses are short; then the words that carried most there are taken out of the whole text, one by one. Those that did most in
both together are named, and what is told of them is what the whole text loses. How faithful it is, and what else was
tried: docs/explanations.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tokenizers import Tokenizer

from consumers.explain.reading import Reading
from consumers.infer.engine import decode_logits
from consumers.infer.runner import LogitPair, RunFailure, Runner
from schemas.events import Label, ModelReference, Sentiment
from schemas.manifest import Manifest

NAMED = 5
"""Words that are named at most: more than these nobody reads."""

WORDS_A_NAMED_ONE = 5
"""A text has to have so many words for each that is named; one is always named."""

WEAKEST = 0.15
"""Share of the strongest word's weight below which a word did not decide."""

VERIFIED = 6
"""Words that are taken out of the whole text, one pass each. Eight named slightly better ones, and cost a tenth more time."""

CLOSELY = 64
"""Words that are taken out of their clauses at most: of longer texts, those in the clauses that speak most for the label. Twice as
many named no better ones, half as many worse ones. This bounds the work: at 384 tokens it is about 12 passes over all of them."""


class StartedModel(Protocol):
    """The parts of an engine that explaining needs."""

    @property
    def tokenizer(self) -> Tokenizer: ...
    @property
    def manifest(self) -> Manifest: ...
    @property
    def runner(self) -> Runner: ...
    @property
    def model(self) -> ModelReference: ...


@dataclass(frozen=True)
class DecidingWord:
    """Characters ``start`` to ``end`` of the text.

    ``weight`` is what they add to the calibrated log-odds of being positive: below 0 they speak for negative.
    ``score_without`` is P(positive) of the text without them.
    """

    start: int
    end: int
    weight: float
    score_without: float


@dataclass(frozen=True)
class Explanation:
    """Why a text got its label."""

    sentiment: Sentiment
    words: Sequence[DecidingWord]
    """In the order of the text; empty where taking any away would only make the label surer."""
    score_without: float
    """P(positive) of the text without all of them."""
    model: ModelReference


class _FailedError(Exception):
    def __init__(self, failure: RunFailure) -> None:
        super().__init__(failure.detail)
        self.failure = failure


@dataclass(frozen=True)
class Explainer:
    """Explains one text a call, from one thread at a time."""

    model: StartedModel

    def explain(self, text: str) -> Explanation | RunFailure:
        """The words of ``text`` that decided its label, or that the model fails on it."""
        try:
            return self._explain(text)
        except _FailedError as error:
            return error.failure

    def _explain(self, text: str) -> Explanation:
        manifest = self.model.manifest
        reading = Reading.of(text, self.model.tokenizer.encode(text), manifest.max_length)
        whole, *alone = self._run([reading.ids, *(reading.alone(window) for window in reading.windows)])
        sentiment = decode_logits(whole, manifest)
        sign = 1 if sentiment.label is Label.POSITIVE else -1

        carried = self._in_their_clauses(reading, alone, sign)
        candidates = sorted(carried, key=lambda word: (-carried[word], word))[:VERIFIED]
        outcomes = self._run([reading.without([word]) for word in candidates])
        lacking = dict(zip(candidates, outcomes, strict=True))
        weights = {word: self._log_odds(whole) - self._log_odds(logits) for word, logits in lacking.items()}
        support = {
            word: carried[word] + sign * weights[word] for word in candidates if sign * weights[word] > 0
        }
        named = _strongest(support, len(reading.words))
        (rest,) = self._run([reading.without(named)]) if named else [whole]
        return Explanation(
            sentiment=sentiment,
            words=[
                DecidingWord(
                    reading.words[word].start,
                    reading.words[word].end,
                    round(weights[word], 3),
                    decode_logits(lacking[word], manifest).score,
                )
                for word in named
            ],
            score_without=decode_logits(rest, manifest).score,
            model=self.model.model,
        )

    def _in_their_clauses(self, reading: Reading, alone: Sequence[LogitPair], sign: int) -> dict[int, float]:
        """Of each word that is looked at closely: how far it carries its clause towards the label."""
        chosen: list[tuple[range, LogitPair]] = []
        left = CLOSELY
        for window, logits in sorted(
            zip(reading.windows, alone, strict=True), key=lambda pair: -sign * self._log_odds(pair[1])
        ):
            if len(window) <= left:
                chosen.append((window, logits))
                left -= len(window)
        words = [word for window, _ in chosen for word in window]
        outcomes = self._run([reading.alone(window, word) for window, _ in chosen for word in window])
        wholes = [self._log_odds(logits) for window, logits in chosen for _ in window]
        return {
            word: sign * (whole - self._log_odds(outcome))
            for word, whole, outcome in zip(words, wholes, outcomes, strict=True)
        }

    def _log_odds(self, logits: LogitPair) -> float:
        return logits[0] / self.model.manifest.heads[0].temperature

    def _run(self, batch: Sequence[Sequence[int]]) -> list[LogitPair]:
        # Some tokenizers have no special tokens, and no network reads nothing.
        outcomes = self.model.runner([ids or [self.model.manifest.pad_token_id] for ids in batch])
        failure = next((outcome for outcome in outcomes if isinstance(outcome, RunFailure)), None)
        if failure is not None:
            raise _FailedError(failure)
        return [outcome for outcome in outcomes if not isinstance(outcome, RunFailure)]


def _strongest(support: dict[int, float], words: int) -> list[int]:
    """Those that are named, in the order of the text."""
    most = min(NAMED, max(1, words // WORDS_A_NAMED_ONE))
    by_support = sorted(support, key=lambda word: (-support[word], word))[:most]
    return sorted(
        word for word in by_support if support[word] > 0 and support[word] >= WEAKEST * support[by_support[0]]
    )
