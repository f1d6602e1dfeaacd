"""The int8 network on onnxruntime as its documentation has it: one session of all cores, a padded batch a call."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from peer import CORES, MAX_LENGTH, MODEL
from tokenizers import Tokenizer


class OnnxModel:
    """Texts to probabilities of the first head."""

    def __init__(self) -> None:
        self._tokenizer = Tokenizer.from_file(str(Path(MODEL, "tokenizer.json")))
        self._tokenizer.enable_truncation(MAX_LENGTH)
        self._tokenizer.enable_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = CORES
        self._session = onnxruntime.InferenceSession(
            str(Path(MODEL, "model.onnx")), options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, texts: Sequence[str]) -> list[float]:
        encodings = self._tokenizer.encode_batch_fast(list(texts))
        feeds = {
            "input_ids": np.array([encoding.ids for encoding in encodings], dtype=np.int64),
            "attention_mask": np.array([encoding.attention_mask for encoding in encodings], dtype=np.int64),
        }
        logits = self._session.run(None, feeds)[0]
        return [float(score) for score in 1 / (1 + np.exp(-logits[:, 0]))]
