"""What a network has to compute, counted from its graph."""

from dataclasses import dataclass
from math import prod
from statistics import mode

import onnx
from onnx import GraphProto, NodeProto

PRODUCTS = {"MatMul", "MatMulInteger", "MatMulIntegerToFloat", "Gemm"}
ATTENTIONS = {"MultiHeadAttention", "Softmax"}
"""One of them a layer, fused or not."""


@dataclass(frozen=True)
class Work:
    """Of a transformer."""

    weights: int
    """Numbers in matrices that each token is multiplied with; bytes in int8."""
    layers: int
    hidden: int

    def product_operations(self, tokens: int) -> int:
        """Of products with weights, for a review; a multiplication and an addition are two."""
        return 2 * tokens * self.weights

    def attention_operations(self, tokens: int) -> int:
        """Of queries with keys and of weights with values, in float."""
        return 4 * tokens * tokens * self.hidden * self.layers


def work_of(content: bytes) -> Work:
    """Count a network: an ONNX file without external data."""
    graph = onnx.load_from_string(content).graph
    matrices = {tensor.name: tensor.dims for tensor in graph.initializer if len(tensor.dims) == 2}
    used = [
        matrices[node.input[1]]
        for node in graph.node
        if node.op_type in PRODUCTS and node.input[1] in matrices
    ]
    return Work(
        weights=sum(prod(dims) for dims in used),
        layers=sum(_attends(node) for node in graph.node),
        hidden=mode(dims[0] for dims in used),
    )


def _attends(node: NodeProto) -> bool:
    return node.op_type in ATTENTIONS or any(
        inner.op_type in ATTENTIONS for branch in _branches(node)[:1] for inner in branch.node
    )


def _branches(node: NodeProto) -> list[GraphProto]:
    return [attribute.g for attribute in node.attribute if attribute.HasField("g")]
