"""A bundle whose network costs nothing: what is left of the scorer is the client, decoding, tokenising and publishing."""

import hashlib
import json
from pathlib import Path

from onnx import TensorProto, helper

from consumers.infer.bundle import Bundle

FILE = "model.onnx"


def write_modelless(folder: Path, bundle: Bundle) -> Path:
    """Write it with the tokenizer of ``bundle``; its logits are the number of tokens."""
    files = {FILE: _network(), "tokenizer.json": bundle.tokenizer_json}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    manifest = json.loads(bundle.manifest.model_dump_json()) | {
        "name": "modelless",
        "variants": [{"file": FILE, "precision": "fp32"}],
        "files": {
            name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in files.items()
        },
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def _network() -> bytes:
    nodes = [
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["mask"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("Concat", ["mean", "mean"], ["logits"], axis=1),
    ]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"])
        for name in ("input_ids", "attention_mask")
    ]
    output = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 2])
    graph = helper.make_graph(nodes, "modelless", inputs, [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())
