"""What is fuzzed: each target takes any bytes, and raises where a promise about them is broken."""

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from published_schemas import Oracle

from consumers.aggregate.contribution import Contribution
from consumers.aggregate.fold import Fold
from consumers.aggregate.negatives import list_entry
from consumers.dead_letters import dead_letter_output
from consumers.infer.bundle import Bundle, open_bundle
from consumers.infer.engine import Engine, decode_logits
from consumers.infer.tokenise import load_tokenizer
from consumers.read.show import format_scored
from consumers.records import Record
from schemas.codec import decode_review, decode_scored
from schemas.dead_letters import DeadLetter
from schemas.errors import BundleError, InvalidEvent
from schemas.events import (
    Intensity,
    Label,
    ModelReference,
    ReviewEvent,
    ScoredReview,
    Sentiment,
    SourceRecord,
)
from schemas.manifest import TOKENIZER_FILE, Manifest

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MODEL = ModelReference(name="any", version="0123456789ab")
SOURCE = SourceRecord(topic="reviews.raw", partition=1, offset=2)
SENTIMENT = Sentiment(
    label=Label.NEGATIVE,
    score=0.1,
    intensity=Intensity.STRONG,
    intensity_score=0.9,
    confidence=0.9,
    needs_review=False,
)
TEXTS = ("", "It boils.", "wörds [CLS] \ufeff\U0001f600\u0000 " * 20)
INPUTS = Path(__file__).parent / "inputs"
A_MANIFEST = Manifest.model_validate_json((INPUTS / "manifest" / "two-files.json").read_bytes())
ITS_FILES = {"model.onnx": b"a network", TOKENIZER_FILE: b"{}"}

REVIEW = Oracle("review-event", "created_at")
SCORED = Oracle("scored-review", "created_at", "scored_at")
MANIFEST = Oracle("manifest")


def review(value: bytes) -> None:
    """Taken just when the published schema takes it; then the scorer can publish it, and else refuse it."""
    try:
        event = decode_review(value)
    except InvalidEvent as refusal:
        _refused(value, refusal, REVIEW)
        return
    assert REVIEW.takes(value), f"taken: {event}"
    assert decode_review(event.to_json()) == event
    scored = _scored(event)
    assert decode_scored(scored.to_json()) == scored


def scored(value: bytes) -> None:
    """Taken just when the published schema takes it; then it can be counted, listed and shown."""
    try:
        event = decode_scored(value)
    except InvalidEvent as refusal:
        _refused(value, refusal, SCORED)
        return
    assert SCORED.takes(value), f"taken: {event}"
    assert decode_scored(event.to_json()) == event
    contribution = Contribution.of(event)
    assert contribution is None or Contribution.decode(contribution.encode()) == contribution
    Fold().apply(event, "reviews.scored", 0, 0)
    (list_entry(event, "reviews.scored", 0, 0) or "").encode()
    format_scored(event).plain.encode()


def manifest(value: bytes) -> None:
    """A bundle with this manifest is refused with a reason, or is one that the schema takes and scores come from."""
    try:
        bundle = _bundle_with(value)
    except BundleError:
        return
    assert MANIFEST.takes(value), f"taken: {bundle.manifest}"
    assert Manifest.model_validate_json(bundle.manifest.to_json()) == bundle.manifest
    for name, digest in bundle.manifest.files.items():
        assert sha256(bundle.content[name]).hexdigest() == digest.sha256
    for logits in ((0.0, 0.0), (3e38, -3e38), (-1e-38, 1.0)):
        decode_logits(logits, bundle.manifest)


def tokenizer(value: bytes) -> None:
    """A ``tokenizer.json`` of whatever content is refused with a reason, or each text is scored or fails alone."""
    try:
        reader = load_tokenizer(Bundle(A_MANIFEST, "0" * 12, {TOKENIZER_FILE: value}))
    except BundleError:
        return
    engine = Engine(reader, A_MANIFEST, lambda batch: [(0.0, 0.0)] * len(batch), MODEL)
    assert len(engine.score(TEXTS)) == len(TEXTS)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "review": review,
    "scored": scored,
    "manifest": manifest,
    "tokenizer": tokenizer,
}


def _scored(event: ReviewEvent) -> ScoredReview:
    sentiment = None if event.text is None else SENTIMENT
    return ScoredReview.of(
        event, sentiment=sentiment, model=MODEL, source=SOURCE, record_time=NOW, scored_at=NOW
    )


def _refused(value: bytes, refusal: InvalidEvent, oracle: Oracle) -> None:
    assert not oracle.takes(value), f"refused: {refusal}"
    record = Record("reviews.raw", 1, 2, timestamp_ms=3, key=None, value=value)
    letter = dead_letter_output(record, refusal, "reviews.dlq", NOW)
    assert letter.value == value
    assert DeadLetter.from_headers(letter.headers).reason is refusal.reason


def _bundle_with(manifest_bytes: bytes) -> Bundle:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in {**ITS_FILES, "manifest.json": manifest_bytes}.items():
            (Path(folder) / name).write_bytes(content)
        return open_bundle(Path(folder))
