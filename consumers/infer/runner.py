"""How a micro-batch runs best on each provider. Either way a failing review costs only itself."""

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from consumers.infer.session import Logits, Network, Tokens

TOKENS_PER_CALL = 32_768
"""Most of a call that reviews share on a GPU, padding included."""

TokenIds = Sequence[int]
LogitPair = tuple[float, float]


@dataclass(frozen=True)
class RunFailure:
    """The network raised on this review."""

    detail: str


Outcome = LogitPair | RunFailure
Runner = Callable[[Sequence[TokenIds]], list[Outcome]]


class OneByOne:
    """One review a call, ``threads`` calls at a time: the best form on a CPU, and the form of every int8 network.

    No padding is computed, and a score cannot depend on the reviews beside it.

    Args:
        network: what each thread calls.
        threads: how many calls run at a time.
        wide: the same network, where there is one that runs a call on several threads of its own. A review that comes
            alone is done sooner so; where several wait, threads that share one product wait for each other.
    """

    def __init__(self, network: Network, threads: int, wide: Network | None = None) -> None:
        self._network = network
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="score")
        self._wide = wide

    def __call__(self, batch: Sequence[TokenIds]) -> list[Outcome]:
        if self._wide is not None and len(batch) == 1:
            return [_run_one(self._wide, batch[0])]
        # Longest first, so that no core is left with a long review at the end.
        order = sorted(range(len(batch)), key=lambda row: -len(batch[row]))
        outcomes = self._pool.map(lambda row: _run_one(self._network, batch[row]), order)
        by_row = dict(zip(order, outcomes, strict=True))
        return [by_row[row] for row in range(len(batch))]


class PaddedBatches:
    """Reviews of like length together, each call bounded by its padded tokens: the best form of floats on a GPU.

    A call that fails is halved until the review at fault stands alone.
    """

    def __init__(self, network: Network, pad_id: int, tokens_per_call: int = TOKENS_PER_CALL) -> None:
        self._network = network
        self._pad_id = pad_id
        self._tokens_per_call = tokens_per_call

    def __call__(self, batch: Sequence[TokenIds]) -> list[Outcome]:
        outcomes: dict[int, Outcome] = {}
        for rows in self._calls(batch):
            outcomes.update(zip(rows, self._run([batch[row] for row in rows]), strict=True))
        return [outcomes[row] for row in range(len(batch))]

    def _calls(self, batch: Sequence[TokenIds]) -> Iterator[list[int]]:
        longest_first = sorted(range(len(batch)), key=lambda row: -len(batch[row]))
        while longest_first:
            size = max(1, self._tokens_per_call // max(1, len(batch[longest_first[0]])))
            yield longest_first[:size]
            longest_first = longest_first[size:]

    def _run(self, batch: Sequence[TokenIds]) -> list[Outcome]:
        tokens, mask = padded(batch, (len(batch), max(map(len, batch))), self._pad_id)
        try:
            return [outcome_of(row) for row in self._network(tokens, mask)]
        except Exception as error:  # noqa: BLE001 -- as below
            if len(batch) == 1:
                return [RunFailure(str(error))]
            half = len(batch) // 2
            return self._run(batch[:half]) + self._run(batch[half:])


def _run_one(network: Network, ids: TokenIds) -> Outcome:
    tokens = np.array([ids], dtype=np.int64)
    try:
        return outcome_of(network(tokens, np.ones_like(tokens))[0])
    except Exception as error:  # noqa: BLE001 -- onnxruntime's classes share no base but Exception
        return RunFailure(str(error))


def padded(batch: Sequence[TokenIds], shape: tuple[int, int], pad_id: int) -> tuple[Tokens, Tokens]:
    """Token ids and attention mask of one call, int64 ``shape``; (rows, tokens) may hold more than the batch has."""
    tokens = np.full(shape, pad_id, dtype=np.int64)
    mask = np.zeros_like(tokens)
    for row, ids in enumerate(batch):
        tokens[row, : len(ids)] = ids
        mask[row, : len(ids)] = 1
    return tokens, mask


def outcome_of(logits: Logits) -> Outcome:
    """The two logits of a review, if they are numbers."""
    polarity, intensity = map(float, logits)
    if not (math.isfinite(polarity) and math.isfinite(intensity)):
        return RunFailure(f"the network gave no finite logits: {polarity}, {intensity}")
    return polarity, intensity
