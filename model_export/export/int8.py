"""The float network in int8, for CPUs: four steps, each against one source of error."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from model_export.export.activations import moments, products
from model_export.export.rounding import choose_scales, round_weights
from model_export.export.smoothing import smooth
from model_export.export.tables import quantise_tables

SEEN_REVIEWS = 200
"""Reviews from which outlier channels and rounding are learned; they hold several thousand tokens."""


def quantise_int8(fp32: Path, int8: Path, token_ids: Sequence[Sequence[int]]) -> None:
    """Write ``fp32`` in int8: a scale for each output of a product, and activations quantised as they come.

    Seven bits a weight (``reduce_range``) keep the sum of two products within int16, which processors without
    VNNI instructions would otherwise saturate silently: the same file must score alike on every machine.

    Args:
        fp32: an ONNX file with the inputs of a bundle.
        int8: the file to write.
        token_ids: reviews as token ids; ``SEEN_REVIEWS`` of them, evenly spread, are looked at.
    """
    seen = token_ids[:: max(1, len(token_ids) // SEEN_REVIEWS)][:SEEN_REVIEWS]
    network = onnx.load(fp32)
    smooth(network, seen)
    with tempfile.TemporaryDirectory() as folder:
        smoothed = Path(folder) / "smoothed.onnx"
        onnx.save(network, smoothed)
        quantize_dynamic(
            smoothed,
            int8,
            op_types_to_quantize=["MatMul", "Gemm"],
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
            extra_options={"MatMulConstBOnly": True},
        )
    quantised = onnx.load(int8)
    quantise_tables(quantised)
    _round_anew(quantised, network, seen)
    onnx.checker.check_model(quantised)
    onnx.save(quantised, int8)


def _round_anew(quantised: ModelProto, network: ModelProto, token_ids: Sequence[Sequence[int]]) -> None:
    """Replace the nearest int8 weights by those whose errors cancel."""
    floats = {tensor.name: tensor for tensor in network.graph.initializer}
    tensors = {tensor.name: tensor for tensor in quantised.graph.initializer}
    of_activation = moments(network, token_ids)
    for activation, nodes in products(network).items():
        for name in (node.input[1] for node in nodes):
            matrix = numpy_helper.to_array(floats[name]).astype(np.float64)
            scales = choose_scales(matrix, of_activation[activation])
            steps = round_weights(matrix / scales, of_activation[activation])
            for part, values in (("quantized", steps), ("scale", scales.astype(np.float32))):
                tensor = tensors[f"{name}_{part}"]
                tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
