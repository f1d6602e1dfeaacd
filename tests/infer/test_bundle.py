"""A bundle is used as its author wrote it, or not at all."""

import json
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto
from tiny_bundles import EMBEDDINGS, MODEL_FILE, network, tokenizer_json, write_bundle

from consumers.infer.bundle import open_bundle
from consumers.infer.engine import Engine
from consumers.infer.session import start_network
from schemas.errors import BundleError
from schemas.manifest import bundle_version
from schemas.settings import Provider

FILES = [MODEL_FILE, "tokenizer.json", "manifest.json"]


def change_manifest(folder: Path, **changes: Any) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def outside(location: str) -> TensorProto:
    """Embeddings that the network wants to read from another file."""
    tensor = TensorProto(name="embeddings", data_type=TensorProto.FLOAT, dims=EMBEDDINGS.shape)
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", str(EMBEDDINGS.nbytes))):
        tensor.external_data.add(key=key, value=value)
    return tensor


def test_a_bundle_is_named_in_events_by_its_name_and_digest(tiny_bundle: Path) -> None:
    bundle = open_bundle(tiny_bundle)

    assert bundle.reference.name == "tiny"
    assert bundle.reference.version == bundle_version((tiny_bundle / "manifest.json").read_bytes())


def test_what_was_checked_is_what_is_used(tiny_bundle: Path) -> None:
    bundle = open_bundle(tiny_bundle)
    for name in FILES:
        (tiny_bundle / name).unlink()

    assert start_network(bundle, Provider.CPU).precision == "fp32"


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"nowhere/manifest\.json: cannot be read: No such file"):
        open_bundle(tmp_path / "nowhere")


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_refused_by_name(tiny_bundle: Path, name: str) -> None:
    (tiny_bundle / name).unlink()

    with pytest.raises(BundleError, match=f"{name}: cannot be read"):
        open_bundle(tiny_bundle)


@pytest.mark.parametrize("name", [MODEL_FILE, "tokenizer.json"])
@pytest.mark.parametrize("place", [0, -1])
def test_a_flipped_bit_is_refused_with_the_remedy(tiny_bundle: Path, name: str, place: int) -> None:
    content = bytearray((tiny_bundle / name).read_bytes())
    content[place] ^= 1
    (tiny_bundle / name).write_bytes(content)

    with pytest.raises(BundleError, match=rf"{name}: its SHA-256 differs(.|\n)*Copy the bundle again"):
        open_bundle(tiny_bundle)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_truncated_manifest_is_refused(tiny_bundle: Path, share: float) -> None:
    path = tiny_bundle / "manifest.json"
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])

    with pytest.raises(BundleError, match=r"manifest\.json: document: Invalid JSON"):
        open_bundle(tiny_bundle)


def test_a_manifest_that_is_no_text_is_refused(tiny_bundle: Path) -> None:
    (tiny_bundle / "manifest.json").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(BundleError, match=r"manifest\.json"):
        open_bundle(tiny_bundle)


def test_a_format_of_the_future_is_refused(tiny_bundle: Path) -> None:
    change_manifest(tiny_bundle, format=2)

    with pytest.raises(BundleError, match=r"manifest\.json: format: Input should be 1"):
        open_bundle(tiny_bundle)


@pytest.mark.parametrize(
    "name", ["../model.onnx", "..", "sub/model.onnx", "/etc/hostname", "sub\\model.onnx"]
)
def test_a_file_outside_the_folder_is_refused_without_being_read(tiny_bundle: Path, name: str) -> None:
    files = json.loads((tiny_bundle / "manifest.json").read_text())["files"]
    change_manifest(
        tiny_bundle,
        files=files | {name: files[MODEL_FILE]},
        variants=[{"file": name, "precision": "fp32"}],
    )

    with pytest.raises(BundleError, match=r"manifest\.json: .*should match pattern"):
        open_bundle(tiny_bundle)


def test_a_file_that_is_not_onnx_is_refused_at_the_start(tmp_path: Path) -> None:
    bundle = open_bundle(write_bundle(tmp_path, {MODEL_FILE: b"not a network"}))

    with pytest.raises(BundleError, match=rf"{MODEL_FILE} cannot be used: it is no ONNX model"):
        start_network(bundle, Provider.CPU)


def test_a_model_that_lacks_a_part_is_refused_at_the_start(tmp_path: Path) -> None:
    model = onnx.load_from_string(network())
    del model.graph.initializer[:]
    bundle = open_bundle(write_bundle(tmp_path, {MODEL_FILE: model.SerializeToString()}))

    with pytest.raises(BundleError, match=rf"onnxruntime cannot load {MODEL_FILE}"):
        start_network(bundle, Provider.CPU)


def test_a_tokenizer_that_does_not_parse_is_refused_at_the_start(tmp_path: Path) -> None:
    write_bundle(tmp_path, {"tokenizer.json": b"{}"})

    with pytest.raises(BundleError, match=r"tokenizer\.json cannot be read"):
        Engine.start(tmp_path, Provider.CPU, threads=1)


def test_a_tokenizer_on_which_its_library_panics_is_refused_at_the_start(tmp_path: Path) -> None:
    document = json.loads(tokenizer_json())
    document["normalizer"] = {"type": "Precompiled", "precompiled_charsmap": "AAAA"}
    write_bundle(tmp_path, {"tokenizer.json": json.dumps(document).encode()})

    with pytest.raises(BundleError, match=r"tokenizer\.json cannot be read: Precompiled"):
        Engine.start(tmp_path, Provider.CPU, threads=1)


def test_a_tokenizer_that_cannot_read_a_plain_text_is_refused_at_the_start(tmp_path: Path) -> None:
    document = json.loads(tokenizer_json())
    document["model"]["unk_token"] = "nowhere"
    write_bundle(tmp_path, {"tokenizer.json": json.dumps(document).encode()})

    with pytest.raises(BundleError, match=r"tokenizer\.json cannot be read: .*Missing"):
        Engine.start(tmp_path, Provider.CPU, threads=1)


@pytest.mark.parametrize(
    "location", ["weights.bin", "bundle/weights.bin", "../weights.bin", "/{folder}/weights.bin"]
)
def test_weights_in_a_file_of_their_own_are_never_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str
) -> None:
    here = tmp_path / "here"
    for folder in (tmp_path, here, here / "bundle"):
        folder.mkdir(exist_ok=True)
        (folder / "weights.bin").write_bytes(EMBEDDINGS.tobytes())
    monkeypatch.chdir(here)
    model = network(outside(location.replace("/{folder}", str(here))))
    bundle = open_bundle(write_bundle(here / "bundle", {MODEL_FILE: model}))

    with pytest.raises(BundleError, match=rf"{MODEL_FILE} cannot be used: it has external data"):
        start_network(bundle, Provider.CPU)


def test_a_bundle_without_a_variant_for_the_provider_is_refused(tmp_path: Path) -> None:
    write_bundle(tmp_path, variants=[{"file": MODEL_FILE, "precision": "fp16"}])

    with pytest.raises(BundleError, match="'tiny' has no variant of precision int8 or fp32"):
        start_network(open_bundle(tmp_path), Provider.CPU)


def test_on_a_cpu_int8_is_preferred_to_fp32(tmp_path: Path) -> None:
    write_bundle(
        tmp_path,
        {"small.onnx": network()},
        variants=[{"file": MODEL_FILE, "precision": "fp32"}, {"file": "small.onnx", "precision": "int8"}],
    )

    assert start_network(open_bundle(tmp_path), Provider.CPU).precision == "int8"
