"""Embedding tables in int8, one scale a row."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, TensorProto, helper, numpy_helper

from model_export.export.grid import steps_on

Floats = npt.NDArray[np.float32]

LEAST_ROWS = 64
"""Smaller tables (the two token types of a BERT) stay in float: they weigh nothing."""

STEPS = 127
"""A table is only looked up in, so all eight bits can be used: no processor saturates there."""


def quantise_tables(model: ModelProto, given: Mapping[str, Floats] | None = None) -> None:
    """Replace the float tables that ``Gather`` nodes look up in by int8 rows, each with its own scale, in place.

    A quantiser that gives the whole table one scale, that of its largest value, leaves the rows of common words,
    whose values are small, a few bits only.

    Args:
        model: with float tables.
        given: scales (rows,) of tables that stand on their grid already, by the module whose weight they are.

    Raises:
        BundleError: a table has left its grid.
    """
    graph = model.graph
    tables = {tensor.name: tensor for tensor in graph.initializer if _is_table(tensor)}
    uses = [name for node in graph.node for name in node.input]
    for index, node in reversed(list(enumerate(graph.node))):
        if node.op_type != "Gather" or node.input[0] not in tables or uses.count(node.input[0]) > 1:
            continue
        name, ids = node.input
        table = numpy_helper.to_array(tables[name])
        module = name.removeprefix("network.").removesuffix(".weight")
        if given and module in given:
            scales = given[module][:, None]
            steps = steps_on(table / scales, module, STEPS)
        else:
            scales = row_scales(table)[:, None]
            steps = np.rint(table / scales).astype(np.int8)
        graph.initializer.remove(tables[name])
        graph.initializer.append(numpy_helper.from_array(steps, f"{name}_int8"))
        graph.initializer.append(numpy_helper.from_array(scales, f"{name}_scales"))
        looked_up = [
            helper.make_node("Gather", [f"{name}_int8", ids], [f"{name}_steps"], name=f"{name}_steps"),
            helper.make_node(
                "Cast", [f"{name}_steps"], [f"{name}_floats"], name=f"{name}_floats", to=TensorProto.FLOAT
            ),
            helper.make_node("Gather", [f"{name}_scales", ids], [f"{name}_scale"], name=f"{name}_scale"),
            helper.make_node(
                "Mul", [f"{name}_floats", f"{name}_scale"], [node.output[0]], name=f"{name}_row"
            ),
        ]
        graph.node.remove(node)
        for new in reversed(looked_up):
            graph.node.insert(index, new)


def row_scales(table: Floats) -> Floats:
    """The scale of each row that just holds its largest value, (rows,)."""
    scales: Floats = np.maximum(np.abs(table).max(axis=1) / np.float32(STEPS), np.finfo(np.float32).tiny)
    return scales


def _is_table(tensor: TensorProto) -> bool:
    return tensor.data_type == TensorProto.FLOAT and len(tensor.dims) == 2 and tensor.dims[0] >= LEAST_ROWS
