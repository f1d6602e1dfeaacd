"""A transformer's graph as the CPU provider runs it fastest around its int8 products."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper
from onnxruntime.transformers.fusion_options import FusionOptions
from onnxruntime.transformers.optimizer import optimize_model
from torch import nn
from transformers import PreTrainedModel

from model_export.export.onnx_graph import MASK, module_of

CONTRIBUTED = "com.microsoft"
"""The domain of onnxruntime's own operators."""

BIASES = 3
KEY_PADDING_MASK = 4
"""Which inputs of ``MultiHeadAttention`` they are."""

UNPADDED = f"{MASK}_is_full"


class AttentionShape(NamedTuple):
    """What onnxruntime's optimizer has to know to recognise attention; 0 and 0 where there is none."""

    heads: int = 0
    hidden: int = 0


def attention_shape(network: nn.Module) -> AttentionShape:
    """Of the transformer in a network, if there is one."""
    for module in network.modules():
        if isinstance(module, PreTrainedModel):
            config = module.config
            return AttentionShape(
                getattr(config, "num_attention_heads", 0), getattr(config, "hidden_size", 0)
            )
    return AttentionShape()


def fuse_for_cpu(fp32: Path, attention: AttentionShape) -> ModelProto:
    """The network with one operator for each attention and each GELU; of others than transformers nothing may match.

    What onnxruntime would fuse further is left apart, for on a CPU it is slower so (docs/engine.md): the bias of a
    product is added within the int8 product, and ``LayerNormalization`` has a vectorised kernel, which the form fused
    with its residual lacks.

    Args:
        fp32: the exported network.
        attention: of it.
    """
    options = FusionOptions("bert")
    options.use_multi_head_attention = (
        True  # queries, keys and values stay products of their own, which int8 needs
    )
    options.enable_bias_gelu = False
    options.enable_skip_layer_norm = False
    options.enable_bias_skip_layer_norm = False
    options.enable_embed_layer_norm = False  # it looks up in float tables only
    model: ModelProto = optimize_model(
        str(fp32),
        model_type="bert",
        num_heads=attention.heads,
        hidden_size=attention.hidden,
        opt_level=0,
        optimization_options=options,
    ).model
    _give_biases_back(model)
    use_contributed(model)
    return model


def use_contributed(model: ModelProto) -> None:
    """Say that the graph has operators of onnxruntime's own."""
    if all(known.domain != CONTRIBUTED for known in model.opset_import):
        model.opset_import.append(helper.make_opsetid(CONTRIBUTED, 1))


def _give_biases_back(model: ModelProto) -> None:
    """Add the biases of query, key and value behind their products again, where the integer product takes them in for nothing.

    The fusion puts them end to end into the attention, which then adds them in a pass of its own.
    """
    graph = model.graph
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    producers = {name: node for node in graph.node for name in node.output}
    for attention in [node for node in graph.node if node.op_type == "MultiHeadAttention"]:
        if len(attention.input) <= BIASES or attention.input[BIASES] not in tensors:
            continue
        for place, bias in enumerate(np.split(numpy_helper.to_array(tensors[attention.input[BIASES]]), 3)):
            product = producers[attention.input[place]]
            name, total = f"{module_of(product.name)}.bias", f"{product.output[0]}_biased"
            graph.initializer.append(numpy_helper.from_array(bias, name))
            after = list(graph.node).index(product) + 1
            graph.node.insert(after, helper.make_node("Add", [product.output[0], name], [total], name=total))
            attention.input[place] = total
        graph.initializer.remove(tensors[attention.input[BIASES]])
        attention.input[BIASES] = ""


def attend_unmasked(model: ModelProto) -> None:
    """Let each attention read its mask only in calls that have padding, in place.

    Without a mask the CPU provider runs flash attention (Dao et al. 2022, "FlashAttention"), which never writes the
    scores of all pairs of tokens; and a review in a call of its own, as int8 is served, has no padding.
    """
    graph = model.graph
    masked = [
        (place, node)
        for place, node in enumerate(graph.node)
        if node.op_type == "MultiHeadAttention" and len(node.input) > KEY_PADDING_MASK
    ]
    for place, node in masked:
        unmasked = NodeProto()
        unmasked.CopyFrom(node)
        unmasked.input[KEY_PADDING_MASK] = ""
        either = helper.make_node(
            "If",
            [UNPADDED],
            list(node.output),
            name=node.name,
            then_branch=_branch(unmasked),
            else_branch=_branch(node),
        )
        graph.node[place].CopyFrom(either)
    if masked:
        least = f"{MASK}_least"
        graph.node.insert(0, helper.make_node("ReduceMin", [MASK], [least], name=least, keepdims=0))
        graph.node.insert(
            1, helper.make_node("Cast", [least], [UNPADDED], name=UNPADDED, to=TensorProto.BOOL)
        )


def _branch(attention: NodeProto) -> GraphProto:
    """A graph of this node alone; what it reads comes from the graph around."""
    inner = NodeProto()
    inner.CopyFrom(attention)
    inner.output[0] += "_branch"
    output = helper.make_tensor_value_info(inner.output[0], TensorProto.FLOAT, None)
    return helper.make_graph([inner], attention.name, [], [output])
