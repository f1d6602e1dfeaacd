"""What this machine can do at most: products in int8 and in float, and reading memory, all cores at once."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from consumers.infer.engine import cores
from consumers.infer.session import CPU_PROVIDER

ROWS, CHANNELS, OUTPUTS = 384, 384, 1536
"""Of the products: of a usual network, and small enough for its numbers to stay in a core's cache."""

CALLS = 40
GENERATOR = np.random.default_rng(0)


def integer_peak() -> float:
    """Operations a second (a multiplication and an addition are two) of ``MatMulInteger``, with weights in seven bits."""
    weights = GENERATOR.integers(-63, 64, (CHANNELS, OUTPUTS), dtype=np.int8)
    activations = GENERATOR.integers(0, 256, (ROWS, CHANNELS), dtype=np.uint8)
    node = helper.make_node("MatMulInteger", ["activations", "weights"], ["product"])
    return _peak(node, TensorProto.INT32, weights, activations)


def float_peak() -> float:
    """The same of ``MatMul`` in fp32."""
    weights = GENERATOR.random((CHANNELS, OUTPUTS), dtype=np.float32)
    activations = GENERATOR.random((ROWS, CHANNELS), dtype=np.float32)
    node = helper.make_node("MatMul", ["activations", "weights"], ["product"])
    return _peak(node, TensorProto.FLOAT, weights, activations)


def memory_peak() -> float:
    """Bytes a second that all cores together read from memory, of arrays too large for any cache."""
    arrays = [np.ones(2**25, dtype=np.float32) for _ in range(cores())]  # 128 MiB each
    calls = 4
    seconds = _fastest([lambda array=array: array.max() for array in arrays], calls)
    return calls * sum(array.nbytes for array in arrays) / seconds


def _peak(node: NodeProto, product: int, weights: np.ndarray, activations: np.ndarray) -> float:
    sessions = [_session(node, product, weights, activations) for _ in range(cores())]
    runs = [lambda session=session: session.run(None, {"activations": activations}) for session in sessions]
    return CALLS * len(sessions) * 2 * ROWS * CHANNELS * OUTPUTS / _fastest(runs, CALLS)


def _fastest(runs: list[Callable[[], object]], calls: int, rounds: int = 5) -> float:
    """Seconds for ``calls`` calls of each at the same time, the best of some rounds."""

    def repeat(run: Callable[[], object]) -> None:
        for _ in range(calls):
            run()

    seconds = []
    with ThreadPoolExecutor(len(runs)) as pool:
        for _ in range(rounds):
            started = time.perf_counter()
            list(pool.map(repeat, runs))
            seconds.append(time.perf_counter() - started)
    return min(seconds)


def _session(
    node: NodeProto, product: int, weights: np.ndarray, activations: np.ndarray
) -> onnxruntime.InferenceSession:
    kind = helper.np_dtype_to_tensor_dtype(activations.dtype)
    graph = helper.make_graph(
        [node],
        "peak",
        [helper.make_tensor_value_info("activations", kind, activations.shape)],
        [helper.make_tensor_value_info("product", product, (ROWS, OUTPUTS))],
        [numpy_helper.from_array(weights, "weights")],
    )
    model: ModelProto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=[CPU_PROVIDER])
