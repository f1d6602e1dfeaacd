"""The graph that int8 is made of: fused where the CPU provider gains by it, and the same answers, padded or not."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
import tiny_bert
import torch
from torch import nn

from benchmarks.engine_forms import write_padding_free
from benchmarks.work import work_of
from model_export.data.tokens import TextEncoder
from model_export.export.fused import attend_unmasked, attention_shape, fuse_for_cpu
from model_export.export.half import write_fp16
from model_export.export.int8 import quantise_int8
from model_export.export.onnx_graph import export_fp32, start_on_cpu
from model_export.export.variants import padded
from model_export.networks.classifier import ReviewClassifier

LAYERS, HIDDEN = 2, 32
TEXTS = [review.text for review in tiny_bert.reviews(6, seed=4)]


@dataclass(frozen=True)
class Exported:
    """A network, and the folder of its files."""

    network: nn.Module
    token_ids: list[list[int]]
    folder: Path

    @property
    def fp32(self) -> Path:
        return self.folder / "fp32.onnx"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    folder = tiny_bert.write_base(tmp_path_factory.mktemp("base"))
    network = ReviewClassifier.from_pretrained(folder).eval()
    exported = Exported(network, TextEncoder.from_folder(folder, tiny_bert.MAX_LENGTH).encode(TEXTS), folder)
    export_fp32(network, exported.fp32)
    return exported


def kinds(path: Path) -> Counter[str]:
    return Counter(node.op_type for node in onnx.load(path).graph.node)


def test_attention_is_one_operator_that_reads_the_mask_in_padded_calls_only(exported: Exported) -> None:
    int8 = exported.folder / "int8.onnx"

    quantise_int8(exported.fp32, int8, exported.token_ids, attention=attention_shape(exported.network))

    choices = [node for node in onnx.load(int8).graph.node if node.op_type == "If"]
    assert len(choices) == LAYERS
    for node in choices:
        unmasked, masked = (branch.g.node[0] for branch in sorted(node.attribute, key=lambda a: a.name)[::-1])
        assert (unmasked.op_type, masked.op_type) == ("MultiHeadAttention", "MultiHeadAttention")
        assert (unmasked.input[4], bool(masked.input[4])) == ("", True)
    assert kinds(int8)["Softmax"] == 0
    assert kinds(int8)["SkipLayerNormalization"] == 0


@pytest.mark.parametrize("rows", [slice(0, 1), slice(0, 6)], ids=["one review", "padded"])
def test_the_fused_graph_gives_the_logits_of_the_network(exported: Exported, rows: slice) -> None:
    model = fuse_for_cpu(exported.fp32, attention_shape(exported.network))
    attend_unmasked(model)
    fused = exported.folder / "fused.onnx"
    onnx.save(model, fused)
    ids, mask = padded(exported.token_ids[rows], 0)

    logits = start_on_cpu(fused)(ids, mask)

    with torch.inference_mode():
        expected = exported.network(torch.from_numpy(ids), torch.from_numpy(mask)).numpy()
    np.testing.assert_allclose(logits, expected, atol=1e-5)


def test_the_padding_free_form_for_gpus_takes_padding_out_once_and_puts_it_back_once(
    exported: Exported, tmp_path: Path
) -> None:
    fp16 = exported.folder / "fp16.onnx"
    write_fp16(exported.fp32, fp16, exported.network)

    content = write_padding_free(fp16.read_bytes(), tmp_path)

    nodes = Counter(node.op_type for node in onnx.load_from_string(content).graph.node)
    assert (nodes["RemovePadding"], nodes["RestorePadding"]) == (1, 1)
    assert nodes["PackedAttention"] == LAYERS


def test_work_is_counted_alike_in_float_and_in_int8(exported: Exported) -> None:
    int8 = exported.folder / "counted.onnx"
    quantise_int8(exported.fp32, int8, exported.token_ids, attention=attention_shape(exported.network))

    counted = work_of(int8.read_bytes())

    assert counted == work_of(exported.fp32.read_bytes())
    assert (counted.layers, counted.hidden) == (LAYERS, HIDDEN)
