"""A network in half precision, for GPUs: onnxruntime's fused operators, and 16-bit floats inside them."""

import warnings
from pathlib import Path

from onnxruntime.transformers.optimizer import optimize_model
from torch import nn

from model_export.export.fused import attention_shape


def write_fp16(fp32: Path, fp16: Path, network: nn.Module) -> None:
    """Fuse what onnxruntime's optimizer knows in the graph of ``fp32``, then make its floats 16 bits wide.

    A transformer becomes one operator each for attention, GELU with its bias, and layer norm with its residual; of other
    networks nothing may match, and they only become half as large. Inputs and output keep their types.

    Args:
        fp32: the exported network.
        fp16: the file to write.
        network: what was exported; a transformer in it tells heads and hidden size, which attention is fused by.
    """
    heads, hidden = attention_shape(network)
    graph = optimize_model(str(fp32), model_type="bert", num_heads=heads, hidden_size=hidden, opt_level=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the lowest float, which masks, is cut to what 16 bits hold
        graph.convert_float_to_float16(keep_io_types=True)
    graph.save_model_to_file(str(fp16))
