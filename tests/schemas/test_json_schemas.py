import json
from datetime import datetime
from typing import Any

import pytest
from event_strategies import instants, json_values, mutations, review_events, scored_reviews
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from manifests import DIGEST, MODEL_FILE, manifest_document

from schemas.codec import decode_review, decode_scored
from schemas.errors import InvalidEvent
from schemas.events import INSTANT_PATTERN, ReviewEvent, ScoredReview
from schemas.json_schemas import manifest_schema, review_event_schema, scored_review_schema

REVIEW = Draft202012Validator(review_event_schema())
SCORED = Draft202012Validator(scored_review_schema())
MANIFEST = Draft202012Validator(manifest_schema())
DELETION = {"review_id": "r", "product_id": "p", "op": "delete"}


def takes_review(document: Any) -> bool:
    try:
        decode_review(json.dumps(document).encode())
    except InvalidEvent:
        return False
    return True


def takes_scored(document: Any) -> bool:
    try:
        decode_scored(json.dumps(document).encode())
    except InvalidEvent:
        return False
    return True


@pytest.mark.parametrize("validator", [REVIEW, SCORED, MANIFEST], ids=["review", "scored", "manifest"])
def test_a_schema_is_a_schema_of_its_draft(validator: Draft202012Validator) -> None:
    validator.check_schema(validator.schema)


@given(review_events())
def test_every_review_that_we_write_is_valid(event: ReviewEvent) -> None:
    REVIEW.validate(json.loads(event.to_json()))


@given(scored_reviews())
def test_every_scored_review_that_we_write_is_valid(event: ScoredReview) -> None:
    SCORED.validate(json.loads(event.to_json()))


@given(mutations(review_events()))
def test_the_schema_takes_a_changed_review_just_when_the_codec_does(document: dict[str, Any]) -> None:
    assert REVIEW.is_valid(document) == takes_review(document)


@given(mutations(scored_reviews()))
def test_the_schema_takes_a_changed_scored_review_just_when_the_codec_does(document: dict[str, Any]) -> None:
    assert SCORED.is_valid(document) == takes_scored(document)


@given(json_values)
def test_the_schemas_take_any_json_just_when_the_codec_does(document: Any) -> None:
    assert REVIEW.is_valid(document) == takes_review(document)
    assert SCORED.is_valid(document) == takes_scored(document)


@given(instants)
def test_every_rfc_3339_instant_is_valid_and_read(instant: datetime) -> None:
    document = {**DELETION, "created_at": instant.replace(tzinfo=None).isoformat() + "Z"}
    REVIEW.validate(document)
    assert takes_review(document)


@given(st.from_regex(INSTANT_PATTERN, fullmatch=True) | st.text() | instants.map(str))
def test_no_instant_is_read_that_the_schema_refuses(text: str) -> None:
    document = {**DELETION, "created_at": text}
    assert REVIEW.is_valid(document) or not takes_review(document)


def test_unknown_fields_are_allowed_by_name() -> None:
    assert review_event_schema()["additionalProperties"] is True


def test_a_schema_has_a_name_of_its_own() -> None:
    names = [schema()["$id"] for schema in (review_event_schema, scored_review_schema, manifest_schema)]
    assert names == [
        "urn:reviewstream:schema:review-event:1",
        "urn:reviewstream:schema:scored-review:1",
        "urn:reviewstream:schema:manifest:1",
    ]


def test_a_manifest_is_valid() -> None:
    MANIFEST.validate(manifest_document())


@pytest.mark.parametrize(
    "changes",
    [
        {"pickle": "weights.pkl"},
        {"variants": []},
        {"heads": []},
        {"variants": [{"file": "../model.onnx", "precision": "fp32"}]},
        {"files": {MODEL_FILE: DIGEST, "tokenizer.json": DIGEST, "../x": DIGEST}},
        {"files": {MODEL_FILE: {**DIGEST, "sha256": "0"}, "tokenizer.json": DIGEST}},
        {"review_threshold": 0.4},
    ],
)
def test_the_schema_refuses_a_manifest_that_we_refuse(changes: dict[str, Any]) -> None:
    assert not MANIFEST.is_valid(manifest_document(**changes))
