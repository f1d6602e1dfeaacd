"""The engine: a micro-batch of texts in, one sentiment each out."""

import math
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tokenizers import Tokenizer

from consumers.infer.bundle import open_bundle
from consumers.infer.runner import LogitPair, OneByOne, Outcome, PaddedBatches, RunFailure, Runner
from consumers.infer.session import OnnxNetwork, start_network
from consumers.infer.tokenise import PLAIN_TEXT, load_tokenizer, tokenise
from schemas.errors import ProviderError
from schemas.events import SCORE_DECIMALS, Intensity, Label, ModelReference, Sentiment
from schemas.manifest import SERVED_ALONE, Manifest
from schemas.settings import Provider

BATCH_SIZES: Mapping[Provider, int] = {Provider.CPU: 128, Provider.CUDA: 2048}
"""How many reviews to score at once where many wait. A core runs one after the other, and what shares a transaction waits for it;
a GPU runs a call of many in the time of a few, those of like length together, and 2,048 are some calls of 32,768 tokens."""

WIDEST_CALL = 4
"""Threads that share the call of a review that comes alone. Two take 0.56 of the time of one (docs/latency.md); a review's
products are too small for many."""


@dataclass
class StageSeconds:
    """Seconds spent in each of the three steps since the start."""

    tokenise: float = 0.0
    run: float = 0.0
    decode: float = 0.0


@dataclass
class Engine:
    """Tokenise, run, decode. ``score`` is to be called from one thread at a time."""

    tokenizer: Tokenizer
    manifest: Manifest
    runner: Runner
    model: ModelReference
    batch_size: int = BATCH_SIZES[Provider.CPU]
    """How many texts ``score`` is best given at once where many wait."""
    seconds: StageSeconds = field(default_factory=StageSeconds)

    @classmethod
    def start(cls, folder: Path | None, provider: Provider, threads: int = 0) -> "Engine":
        """Open a bundle, start it on a provider and score one text to prove that it runs.

        Args:
            folder: the bundle; ``None`` for the one inside the package.
            provider: where to run it.
            threads: reviews at a time on a CPU; 0 for one a core.

        Raises:
            BundleError: the bundle is damaged or cannot be loaded.
            ProviderError: the provider does not run here, or the model fails on a plain text.
        """
        bundle = open_bundle(folder)
        network = start_network(bundle, provider)
        wide = None
        if network.provider is Provider.CPU and (width := min(threads or cores(), WIDEST_CALL)) > 1:
            wide = start_network(bundle, Provider.CPU, width)
        runner = runner_for(network, bundle.manifest.pad_token_id, threads, wide)
        engine = cls(
            load_tokenizer(bundle), bundle.manifest, runner, bundle.reference, BATCH_SIZES[network.provider]
        )
        engine._probe()
        return engine

    def score(self, texts: Sequence[str]) -> list[Sentiment | RunFailure]:
        """Sentiments in the order of ``texts``; a text on which the model fails gives a ``RunFailure``.

        Raises:
            ProviderError: the model fails on every text, so no review is to blame.
        """
        if not texts:
            return []
        started = time.perf_counter()
        batch = self._tokenise(texts)
        tokenised = time.perf_counter()
        outcomes = self._run(batch)
        ran = time.perf_counter()
        sentiments = [
            outcome if isinstance(outcome, RunFailure) else decode_logits(outcome, self.manifest)
            for outcome in outcomes
        ]
        self.seconds.tokenise += tokenised - started
        self.seconds.run += ran - tokenised
        self.seconds.decode += time.perf_counter() - ran
        return sentiments

    def _tokenise(self, texts: Sequence[str]) -> list[list[int] | RunFailure]:
        return tokenise(self.tokenizer, texts, self.manifest.max_length)

    def _run(self, batch: Sequence[list[int] | RunFailure]) -> list[Outcome]:
        """Run what could be read; what fails is tried once more, since memory can be short for a moment."""
        read = {row: tokens for row, tokens in enumerate(batch) if not isinstance(tokens, RunFailure)}
        outcomes: dict[int, Outcome] = dict(zip(read, self.runner(list(read.values())), strict=True))
        failed = [row for row, outcome in outcomes.items() if isinstance(outcome, RunFailure)]
        if failed:
            self._probe()
            outcomes.update(zip(failed, self.runner([read[row] for row in failed]), strict=True))
        return [
            tokens if isinstance(tokens, RunFailure) else outcomes[row] for row, tokens in enumerate(batch)
        ]

    def _probe(self) -> None:
        """Tell a poison review from a broken model."""
        (tokens,) = self._tokenise([PLAIN_TEXT])
        outcome = tokens if isinstance(tokens, RunFailure) else self.runner([tokens])[0]
        if isinstance(outcome, RunFailure):
            raise ProviderError(f"the model fails on a plain text: {outcome.detail}")


def runner_for(
    network: OnnxNetwork, pad_id: int, threads: int = 0, wide: OnnxNetwork | None = None
) -> Runner:
    """The best form of calls that keeps a review's score from depending on its neighbours."""
    if network.provider is Provider.CPU or network.precision in SERVED_ALONE:
        return OneByOne(network, threads or cores(), wide)
    return PaddedBatches(network, pad_id)


def decode_logits(logits: LogitPair, manifest: Manifest) -> Sentiment:
    """Finite logits to a calibrated sentiment: probability = sigmoid(logit / temperature)."""
    polarity, intensity = manifest.heads
    score = round(_sigmoid(logits[0] / polarity.temperature), SCORE_DECIMALS)
    intensity_score = round(_sigmoid(logits[1] / intensity.temperature), SCORE_DECIMALS)
    confidence = round(max(score, 1 - score), SCORE_DECIMALS)
    return Sentiment(
        label=Label.POSITIVE if score >= polarity.threshold else Label.NEGATIVE,
        score=score,
        intensity=Intensity.STRONG if intensity_score >= intensity.threshold else Intensity.WEAK,
        intensity_score=intensity_score,
        confidence=confidence,
        needs_review=confidence < manifest.review_threshold,
    )


def cores() -> int:
    """Cores that this process may use, which a container can make fewer than the machine has."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _sigmoid(logit: float) -> float:
    # Two forms, so that exp never overflows.
    if logit >= 0:
        return 1 / (1 + math.exp(-logit))
    return math.exp(logit) / (1 + math.exp(logit))
