"""A manifest to start from."""

from typing import Any

MODEL_FILE = "model.onnx"
DIGEST = {"bytes": 3, "sha256": "0" * 64}


def manifest_document(**changes: Any) -> dict[str, Any]:
    """What ``manifest.json`` says of the smallest bundle, with ``changes``."""
    return {
        "name": "tiny",
        "heads": [
            {"name": "polarity", "labels": ["negative", "positive"], "temperature": 1.5},
            {"name": "intensity", "labels": ["weak", "strong"], "temperature": 1.0},
        ],
        "max_length": 256,
        "pad_token_id": 0,
        "review_threshold": 0.75,
        "variants": [{"file": MODEL_FILE, "precision": "fp32"}],
        "opset": 17,
        "base_model": "bert",
        "licence": "Apache-2.0",
        "data": "made up",
        "created_at": "2026-01-02T03:04:05Z",
        "metrics": {"accuracy": 0.9},
        "files": {MODEL_FILE: DIGEST, "tokenizer.json": DIGEST},
        **changes,
    }
