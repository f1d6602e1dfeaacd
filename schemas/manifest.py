"""The manifest of a model bundle: what the network is, how to read its outputs, and a digest of every file."""

import hashlib
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

MANIFEST_FILE = "manifest.json"
TOKENIZER_FILE = "tokenizer.json"

Precision = Literal["int8", "fp16", "fp32"]

SERVED_ALONE: frozenset[Precision] = frozenset({"int8"})
"""Precisions of which each review is a call of its own, on every provider.

Alone is the fastest form on a CPU, and to the last bit the same in any company. Bundles of earlier releases need it: their int8
took one activation scale for a whole call, so in a batch a review's score would depend on its neighbours.
"""

MAX_TOKENS = 1_000_000
MAX_TOKEN_ID = 2**31 - 1

_PLAIN_FILE_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"

FileName = Annotated[str, Field(pattern=_PLAIN_FILE_NAME)]
"""A bundle is flat: a name with a slash could point outside it."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class FileDigest(_Part):
    """Size and SHA-256 of one file of the bundle."""

    bytes: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Head(_Part):
    """One sigmoid output: probability of ``labels[1]`` = sigmoid(logit / temperature)."""

    name: Literal["polarity", "intensity"]
    labels: tuple[str, str]
    temperature: Annotated[
        float, Field(gt=0, description="Calibration on held-out reviews (Guo et al. 2017).")
    ]
    threshold: Annotated[float, Field(ge=0, le=1, description="Probability from which it is labels[1].")] = (
        0.5
    )


class Parity(_Part):
    """How far a variant stands from the trained network on held-out reviews."""

    reviews: Annotated[int, Field(ge=1)]
    largest_logit_difference: Annotated[float, Field(ge=0, description="Of either output.")]
    largest_score_shift: Annotated[float, Field(ge=0, le=1, description="Of either output's probability.")]
    mean_score_shift: Annotated[float, Field(ge=0, le=1, description="Of P(positive).")]
    labels_changed: Annotated[int, Field(ge=0, description="Reviews on the other side of P(positive) = 0.5.")]


class Neighbours(_Part):
    """How far a score moves with the reviews that share its call, each review alone and in two orders compared."""

    reviews: Annotated[int, Field(ge=1)]
    batch: Annotated[int, Field(ge=1, description="Reviews of one call; 1 where each is served alone.")]
    largest_score_shift: Annotated[float, Field(ge=0, le=1, description="Of either output's probability.")]
    labels_changed: Annotated[int, Field(ge=0, description="Reviews on the other side of P(positive) = 0.5.")]


class Variant(_Part):
    """One ONNX file of the same network, and what was measured of it on the CPU provider when it was exported."""

    file: FileName
    precision: Precision
    parity: Parity | None = None
    neighbours: Neighbours | None = None


class Manifest(_Part):
    """``manifest.json``. The bundle's digest is the SHA-256 of this file, which holds that of every other."""

    format: Literal[1] = 1
    name: str
    description: str = ""
    heads: tuple[Head, Head]
    max_length: Annotated[
        int, Field(ge=2, le=MAX_TOKENS, description="Tokens of a text that are read, special ones included.")
    ]
    truncation: Literal["head_and_tail"] = "head_and_tail"
    pad_token_id: Annotated[int, Field(ge=0, le=MAX_TOKEN_ID)]
    review_threshold: Annotated[
        float, Field(ge=0.5, le=1, description="Below this confidence a person should look.")
    ]
    variants: Annotated[tuple[Variant, ...], Field(min_length=1)]
    opset: int
    inputs: tuple[str, ...] = ("input_ids", "attention_mask")
    output: str = "logits"
    base_model: str
    licence: str
    data: str
    languages: Annotated[
        tuple[str, ...], Field(description="Primary language subtags of the texts that it was trained on.")
    ] = ()
    limits: Annotated[tuple[str, ...], Field(description="What to know before it is used.")] = ()
    created_at: str
    metrics: dict[str, float]
    files: dict[FileName, FileDigest]

    @model_validator(mode="after")
    def _every_file_has_a_digest(self) -> "Manifest":
        wanted = {TOKENIZER_FILE, *(variant.file for variant in self.variants)}
        if missing := wanted - self.files.keys():
            raise ValueError(f"files without a digest: {', '.join(sorted(missing))}")
        if [head.name for head in self.heads] != ["polarity", "intensity"]:
            raise ValueError("heads must be polarity, then intensity")
        return self

    def to_json(self) -> str:
        """Indented JSON, as written to ``manifest.json``."""
        return self.model_dump_json(indent=2) + "\n"


def bundle_version(manifest_bytes: bytes) -> str:
    """First 12 hex digits of the bundle's digest."""
    return hashlib.sha256(manifest_bytes).hexdigest()[:12]
