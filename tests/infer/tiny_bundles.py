"""Bundles small enough to build in a test: a real tokenizer, and a network whose score is the mean of its words."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

MODEL_FILE = "model.onnx"
MAX_LENGTH = 12

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
WORDS = {
    "wonderful": (9.0, 4.0),
    "good": (4.0, -4.0),
    "poor": (-4.0, -4.0),
    "awful": (-9.0, 4.0),
    "kettle": (0.25, 0.5),
    "tent": (-0.5, 0.125),
    "lamp": (0.75, -0.25),
    "poison": (0.0, 0.0),
}
"""What each word says of (polarity, intensity), as logits."""

VOCABULARY = {token: number for number, token in enumerate([*SPECIAL, *WORDS])}
POISON_ID = VOCABULARY["poison"]

EMBEDDINGS = np.array([(100.0, 100.0), (0, 0), (0.5, 0.5), (-0.5, 0.5), *WORDS.values()], dtype=np.float32)
"""(words, 2). That of the padding is far off, so that a network that read it would show."""


def tokenizer_json() -> bytes:
    tokenizer = Tokenizer(WordLevel(VOCABULARY, unk_token="[UNK]"))
    tokenizer.normalizer = Lowercase()
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[("[CLS]", VOCABULARY["[CLS]"]), ("[SEP]", VOCABULARY["[SEP]"])],
    )
    return str(tokenizer.to_str()).encode()


def network(embeddings: onnx.TensorProto | None = None) -> bytes:
    """The masked mean of the words' logits: int64 (batch, tokens) twice -> float32 (batch, 2).

    Args:
        embeddings: another table than ``EMBEDDINGS``, also called ``embeddings``.
    """
    nodes = [
        helper.make_node("Gather", ["embeddings", "input_ids"], ["words"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last_axis"], ["column"]),
        helper.make_node("Mul", ["words", "column"], ["read"]),
        helper.make_node("ReduceSum", ["read", "token_axis"], ["sum"], keepdims=0),
        helper.make_node("ReduceSum", ["column", "token_axis"], ["length"], keepdims=0),
        helper.make_node("Div", ["sum", "length"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        inputs=[
            helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"])
            for name in ("input_ids", "attention_mask")
        ],
        outputs=[helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", None])],
        initializer=[
            embeddings or numpy_helper.from_array(EMBEDDINGS, "embeddings"),
            numpy_helper.from_array(np.array([2], dtype=np.int64), "last_axis"),
            numpy_helper.from_array(np.array([1], dtype=np.int64), "token_axis"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def write_bundle(folder: Path, contents: Mapping[str, bytes] | None = None, **changes: Any) -> Path:
    """Write a bundle whose digests are right.

    Args:
        folder: created if missing.
        contents: files that differ from the tiny ones, or come in addition.
        changes: fields of the manifest.
    """
    files = {MODEL_FILE: network(), "tokenizer.json": tokenizer_json(), **(contents or {})}
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    manifest = {
        "name": "tiny",
        "heads": [
            {"name": "polarity", "labels": ["negative", "positive"], "temperature": 2.0},
            {"name": "intensity", "labels": ["weak", "strong"], "temperature": 1.0},
        ],
        "max_length": MAX_LENGTH,
        "pad_token_id": VOCABULARY["[PAD]"],
        "review_threshold": 0.75,
        "variants": [{"file": MODEL_FILE, "precision": "fp32"}],
        "opset": 17,
        "base_model": "none",
        "licence": "Apache-2.0",
        "data": "made up",
        "created_at": "2026-01-02T03:04:05+00:00",
        "metrics": {},
        "files": {
            name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in files.items()
        },
    }
    (folder / "manifest.json").write_text(json.dumps(manifest | changes))
    return folder
