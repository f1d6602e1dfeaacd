"""Half precision: operators that a GPU has ready, floats of 16 bits, and the same inputs, output and answers."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
import tiny_bert
import tiny_classifiers
import torch
from onnx import ModelProto, TensorProto
from torch import nn
from transformers import AutoModelForSequenceClassification

from model_export.data.tokens import TextEncoder
from model_export.export.classifier_import import ImportedClassifier
from model_export.export.half import write_fp16
from model_export.export.onnx_graph import export_fp32, start_on_cpu
from model_export.export.outputs import read_outputs
from model_export.export.variants import padded
from model_export.networks.classifier import ReviewClassifier

LAYERS = 2
TEXTS = [review.text for review in tiny_bert.reviews(6, seed=4)]


@dataclass(frozen=True)
class Exported:
    """A network with its two files."""

    network: nn.Module
    encoder: TextEncoder
    fp32: Path
    fp16: Path


def trained(base: Path) -> nn.Module:
    return ReviewClassifier.from_pretrained(base).eval()


def imported(base: Path) -> nn.Module:
    folder = tiny_classifiers.write_distilbert(
        base / "distilbert", tiny_classifiers.STARS, tiny_bert.MAX_LENGTH
    )
    model = AutoModelForSequenceClassification.from_pretrained(folder, attn_implementation="eager")
    return ImportedClassifier(model, read_outputs(tiny_classifiers.STARS)).eval()


@pytest.fixture(scope="module", params=[trained, imported])
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    base = tiny_bert.write_base(tmp_path_factory.mktemp("base"))
    encoder = TextEncoder.from_folder(base, tiny_bert.MAX_LENGTH)
    files = Exported(request.param(base), encoder, base / "fp32.onnx", base / "fp16.onnx")
    export_fp32(files.network, files.fp32)
    write_fp16(files.fp32, files.fp16, files.network)
    return files


def types(model: ModelProto, *, of: str) -> set[int]:
    return {value.type.tensor_type.elem_type for value in getattr(model.graph, of)}


def test_every_layer_is_one_attention_with_fused_neighbours(exported: Exported) -> None:
    nodes = Counter(node.op_type for node in onnx.load(exported.fp16).graph.node)

    assert (nodes["Attention"], nodes["BiasGelu"]) == (LAYERS, LAYERS)
    assert nodes["SkipLayerNormalization"] == 2 * LAYERS
    assert nodes["Softmax"] == 0


def test_weights_are_halves_and_the_contract_stays(exported: Exported) -> None:
    model = onnx.load(exported.fp16)

    assert TensorProto.FLOAT not in {tensor.data_type for tensor in model.graph.initializer if tensor.dims}
    assert (types(model, of="input"), types(model, of="output")) == ({TensorProto.INT64}, {TensorProto.FLOAT})
    assert exported.fp16.stat().st_size < 0.6 * exported.fp32.stat().st_size


def test_the_logits_of_a_padded_batch_are_those_of_the_network(exported: Exported) -> None:
    ids, mask = padded(exported.encoder.encode(TEXTS), exported.encoder.pad_id)

    served = start_on_cpu(exported.fp16)(ids, mask)

    with torch.inference_mode():
        expected = exported.network(torch.from_numpy(ids), torch.from_numpy(mask)).numpy()
    np.testing.assert_allclose(served, expected, atol=2e-2)
