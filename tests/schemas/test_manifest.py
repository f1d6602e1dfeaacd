import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from manifests import DIGEST, MODEL_FILE, manifest_document
from pydantic import ValidationError

from schemas.manifest import Manifest, bundle_version

PATH_TRICKS = [
    "../model.onnx",
    "..",
    ".",
    ".hidden",
    "/etc/passwd",
    "folder/model.onnx",
    "folder\\model.onnx",
    "C:model.onnx",
    "~root",
    "model.onnx\n",
    "model.onnx\0",
    "model\u202exnno.",
    "-rf",
    "",
    "x" * 101,
]


def read(document: dict[str, Any]) -> Manifest:
    return Manifest.model_validate_json(json.dumps(document))


@pytest.mark.parametrize("name", PATH_TRICKS)
def test_a_variant_cannot_name_a_file_outside_the_bundle(name: str) -> None:
    variants = [{"file": name, "precision": "fp32"}]
    files = {name: DIGEST, "tokenizer.json": DIGEST}
    with pytest.raises(ValidationError):
        read(manifest_document(variants=variants, files=files))


@pytest.mark.parametrize("name", PATH_TRICKS)
def test_a_digest_cannot_name_a_file_outside_the_bundle(name: str) -> None:
    files = {MODEL_FILE: DIGEST, "tokenizer.json": DIGEST, name: DIGEST}
    with pytest.raises(ValidationError):
        read(manifest_document(files=files))


@given(st.text())
def test_a_name_that_is_accepted_is_one_plain_path_component(name: str) -> None:
    files = {MODEL_FILE: DIGEST, "tokenizer.json": DIGEST, name: DIGEST}
    try:
        read(manifest_document(files=files))
    except ValidationError:
        return
    assert not set(name) & set("/\\:\0\n")
    assert not name.startswith(".")


@pytest.mark.parametrize("name", [MODEL_FILE, "tokenizer.json"])
def test_a_file_without_a_digest_is_refused_by_name(name: str) -> None:
    files = {file: DIGEST for file in (MODEL_FILE, "tokenizer.json") if file != name}
    with pytest.raises(ValidationError, match=f"without a digest: {name}"):
        read(manifest_document(files=files))


@pytest.mark.parametrize("sha256", ["", "0" * 63, "0" * 65, "G" * 64, "A" * 64, "0" * 64 + "\n"])
def test_a_digest_that_is_no_lower_case_sha256_is_refused(sha256: str) -> None:
    files = {MODEL_FILE: {**DIGEST, "sha256": sha256}, "tokenizer.json": DIGEST}
    with pytest.raises(ValidationError):
        read(manifest_document(files=files))


def test_heads_in_another_order_are_refused() -> None:
    heads = manifest_document()["heads"][::-1]
    with pytest.raises(ValidationError, match="polarity, then intensity"):
        read(manifest_document(heads=heads))


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        read(manifest_document(pickle="weights.pkl"))


def test_another_format_is_refused() -> None:
    with pytest.raises(ValidationError, match="format"):
        read(manifest_document(format=2))


@pytest.mark.parametrize(
    "changes",
    [
        {"max_length": "256"},
        {"max_length": 256.5},
        {"pad_token_id": True},
        {"pad_token_id": 2**31},
        {"review_threshold": "0.75"},
        {"review_threshold": float("nan")},
        {"metrics": {"accuracy": float("inf")}},
        {"name": 5},
    ],
    ids=str,
)
def test_what_the_schema_calls_another_type_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(changes))):
        read(manifest_document(**changes))


@pytest.mark.parametrize("temperature", [float("nan"), float("inf"), 0, -1])
def test_a_temperature_that_cannot_divide_is_refused(temperature: float) -> None:
    heads = [{**head, "temperature": temperature} for head in manifest_document()["heads"]]
    with pytest.raises(ValidationError, match="temperature"):
        read(manifest_document(heads=heads))


def test_a_bundle_without_a_variant_is_refused() -> None:
    with pytest.raises(ValidationError, match="variants"):
        read(manifest_document(variants=[]))


def test_a_manifest_survives_the_trip_through_its_file() -> None:
    manifest = read(manifest_document())
    assert Manifest.model_validate_json(manifest.to_json()) == manifest


def test_the_version_is_stable() -> None:
    written = read(manifest_document()).to_json()
    read_and_written_again = Manifest.model_validate_json(written).to_json()
    assert bundle_version(written.encode()) == bundle_version(read_and_written_again.encode())


def test_the_version_does_not_depend_on_the_order_in_which_fields_were_given() -> None:
    shuffled = json.loads(json.dumps(manifest_document(), sort_keys=True))
    one, other = (read(document) for document in (manifest_document(), shuffled))
    assert bundle_version(one.to_json().encode()) == bundle_version(other.to_json().encode())


def test_the_version_changes_with_any_digest() -> None:
    files = {MODEL_FILE: {**DIGEST, "sha256": "1" * 64}, "tokenizer.json": DIGEST}
    one, other = (read(document) for document in (manifest_document(), manifest_document(files=files)))
    assert bundle_version(one.to_json().encode()) != bundle_version(other.to_json().encode())


def test_the_version_is_the_beginning_of_the_files_sha256() -> None:
    assert bundle_version(b"abc") == "ba7816bf8f01"
