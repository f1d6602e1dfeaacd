"""Calls of few shapes, from and into memory that stays where it is: what CUDA graphs ask for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
from onnxruntime import InferenceSession, IOBinding, OrtValue, RunOptions

from consumers.infer.runner import TOKENS_PER_CALL, Outcome, TokenIds, outcome_of, padded
from consumers.infer.session import open_session
from schemas.settings import Provider

WIDTHS = (32, 64, 96, 128, 192, 256, 384, 512)
"""Tokens of a row. A review of 17 or more fills at least half of its row."""


def open_for_graphs(content: bytes, provider: Provider) -> InferenceSession:
    """A session that captures a CUDA graph for each ``gpu_graph_id``; on a CPU, where there are none, a plain one."""
    options = {"enable_cuda_graph": "1"} if provider is Provider.CUDA else {}
    return open_session(content, provider, 1, options)


@dataclass(frozen=True)
class Call:
    """Memory for the reviews and results of a call of one shape, (rows, width)."""

    binding: IOBinding
    options: RunOptions
    input_ids: OrtValue
    attention_mask: OrtValue
    logits: OrtValue


class FixedShapes:
    """A runner. Reviews of like length share a call; its rows are a power of two, so that there are few shapes.

    What a call lacks of its rows is filled with reviews of one token. A capture takes the first two runs of a shape: warm up
    before measuring.

    Args:
        session: of ``open_for_graphs``, or any other.
        device: ``cuda`` or ``cpu``: where the memory is.
        pad_id: the token that fills a row.
        max_length: of a review, in tokens.
        tokens_per_call: most of a call, padding included.
    """

    def __init__(
        self,
        session: InferenceSession,
        device: str,
        pad_id: int,
        max_length: int,
        tokens_per_call: int = TOKENS_PER_CALL,
    ) -> None:
        self._session = session
        self._device = device
        self._pad_id = pad_id
        self._widths = sorted({min(width, max_length) for width in WIDTHS} | {max_length})
        self._tokens_per_call = tokens_per_call
        self._calls: dict[tuple[int, int], Call] = {}
        self._graphs = count(1)

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """Of all calls so far, rows and width."""
        return sorted(self._calls)

    def __call__(self, batch: Sequence[TokenIds]) -> list[Outcome]:
        outcomes: dict[int, Outcome] = {}
        for rows, width in self._cut(batch):
            logits = self._run([batch[row] for row in rows], width)
            outcomes.update(zip(rows, map(outcome_of, logits[: len(rows)]), strict=True))
        return [outcomes[row] for row in range(len(batch))]

    def _cut(self, batch: Sequence[TokenIds]) -> Iterator[tuple[list[int], int]]:
        by_width: dict[int, list[int]] = {}
        for row, ids in enumerate(batch):
            by_width.setdefault(next(w for w in self._widths if w >= len(ids)), []).append(row)
        for width, rows in by_width.items():
            size = _power_of_two(max(1, self._tokens_per_call // width), up=False)
            for first in range(0, len(rows), size):
                yield rows[first : first + size], width

    def _run(self, reviews: Sequence[TokenIds], width: int) -> Any:
        shape = _power_of_two(len(reviews), up=True), width
        tokens, mask = padded(reviews, shape, self._pad_id)
        mask[:, 0] = 1
        call = self._call_of(shape)
        call.input_ids.update_inplace(tokens)
        call.attention_mask.update_inplace(mask)
        self._session.run_with_iobinding(call.binding, call.options)
        return call.logits.numpy()

    def _call_of(self, shape: tuple[int, int]) -> Call:
        if shape not in self._calls:
            options = RunOptions()
            options.add_run_config_entry("gpu_graph_id", str(next(self._graphs)))
            call = Call(
                self._session.io_binding(),
                options,
                input_ids=self._memory(shape, np.int64),
                attention_mask=self._memory(shape, np.int64),
                logits=self._memory((shape[0], 2), np.float32),
            )
            call.binding.bind_ortvalue_input("input_ids", call.input_ids)
            call.binding.bind_ortvalue_input("attention_mask", call.attention_mask)
            call.binding.bind_ortvalue_output(self._session.get_outputs()[0].name, call.logits)
            self._calls[shape] = call
        return self._calls[shape]

    def _memory(self, shape: tuple[int, int], kind: Any) -> OrtValue:
        return OrtValue.ortvalue_from_shape_and_type(shape, kind, self._device, 0)


def _power_of_two(number: int, *, up: bool) -> int:
    """The nearest one that is not below, or not above."""
    return 1 << (number - 1).bit_length() if up else 1 << (number.bit_length() - 1)
