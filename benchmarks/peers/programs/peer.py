"""What each peer's program is told, and the events that it reads and writes. Standard library only."""

import json
import os
from collections.abc import Mapping
from typing import Any

SERVERS = os.environ["PEER_BOOTSTRAP_SERVERS"]
RAW = os.environ["PEER_RAW_TOPIC"]
SCORED = os.environ["PEER_SCORED_TOPIC"]
GROUP = os.environ["PEER_GROUP"]
MODEL = os.environ["PEER_MODEL"]
"""A folder: ``config.json`` and weights for torch, ``model.onnx`` and ``tokenizer.json`` for onnxruntime."""

MAX_LENGTH = int(os.environ["PEER_MAX_LENGTH"])
BATCH = int(os.environ["PEER_BATCH"])
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def labelled(review: Mapping[str, Any], label: str, score: float) -> dict[str, Any]:
    """The event that goes out: less than ours says, so that no peer pays for what it was not asked."""
    return {**review, "label": label, "score": score}


def to_json(event: Mapping[str, Any]) -> bytes:
    """As bytes for Kafka."""
    return json.dumps(event).encode()
