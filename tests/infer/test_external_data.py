"""Weights in another file are found wherever a model can hide them, and nothing else is taken for them."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import ModelProto, TensorProto, TrainingInfoProto, helper, load_from_string
from tiny_bundles import network

from consumers.infer.bundle import open_bundle
from consumers.infer.external_data import refuse_external_data


def elsewhere() -> TensorProto:
    tensor = TensorProto(name="elsewhere", data_type=TensorProto.FLOAT, dims=[1])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/hostname")
    return tensor


def without_a_location() -> TensorProto:
    tensor = elsewhere()
    del tensor.external_data[:]
    return tensor


def with_nothing_but_a_location() -> TensorProto:
    tensor = elsewhere()
    tensor.ClearField("data_location")
    return tensor


def as_initializer(model: ModelProto, tensor: TensorProto) -> None:
    model.graph.initializer.append(tensor)


def as_sparse_initializer(model: ModelProto, tensor: TensorProto) -> None:
    model.graph.sparse_initializer.add().values.CopyFrom(tensor)


def as_sparse_indices(model: ModelProto, tensor: TensorProto) -> None:
    model.graph.sparse_initializer.add().indices.CopyFrom(tensor)


def as_constant(model: ModelProto, tensor: TensorProto) -> None:
    model.graph.node.append(helper.make_node("Constant", [], ["c"], value=tensor))


def as_one_of_several(model: ModelProto, tensor: TensorProto) -> None:
    model.graph.node.append(helper.make_node("Any", [], ["c"], values=[tensor]))


def in_a_branch(model: ModelProto, tensor: TensorProto) -> None:
    branch = helper.make_graph([], "branch", [], [], initializer=[tensor])
    model.graph.node.append(helper.make_node("If", ["x"], ["y"], then_branch=branch))


def in_one_of_several_branches(model: ModelProto, tensor: TensorProto) -> None:
    branch = helper.make_graph([], "branch", [], [], initializer=[tensor])
    model.graph.node.append(helper.make_node("Any", ["x"], ["y"], branches=[branch]))


def in_a_function(model: ModelProto, tensor: TensorProto) -> None:
    model.functions.add(name="f").node.append(helper.make_node("Constant", [], ["c"], value=tensor))


def in_training(model: ModelProto, tensor: TensorProto) -> None:
    training = TrainingInfoProto()
    training.initialization.initializer.append(tensor)
    model.training_info.append(training)


PLACES = [
    as_initializer,
    as_sparse_initializer,
    as_sparse_indices,
    as_constant,
    as_one_of_several,
    in_a_branch,
    in_one_of_several_branches,
    in_a_function,
    in_training,
]


@pytest.mark.parametrize("tensor", [elsewhere, without_a_location, with_nothing_but_a_location])
@pytest.mark.parametrize("place", PLACES)
def test_a_tensor_in_another_file_is_refused(
    place: Callable[[ModelProto, TensorProto], None], tensor: Callable[[], TensorProto]
) -> None:
    model = load_from_string(network())
    place(model, tensor())

    with pytest.raises(ValueError, match="external data"):
        refuse_external_data(model.SerializeToString())


def test_a_second_graph_is_looked_at_too() -> None:
    """Readers of protocol buffers merge a field that comes twice."""
    model = load_from_string(network())
    second = ModelProto()
    as_initializer(second, elsewhere())

    with pytest.raises(ValueError, match="external data"):
        refuse_external_data(model.SerializeToString() + second.SerializeToString())


@pytest.mark.parametrize("place", PLACES)
def test_a_tensor_in_the_file_itself_is_taken(place: Callable[[ModelProto, TensorProto], None]) -> None:
    model = load_from_string(network())
    place(model, helper.make_tensor("here", TensorProto.FLOAT, [1], [1.0]))

    refuse_external_data(model.SerializeToString())


def test_the_model_that_ships_keeps_its_weights_in_its_file() -> None:
    bundle = open_bundle()
    for variant in bundle.manifest.variants:
        refuse_external_data(bundle.content[variant.file])


@given(st.binary(max_size=200))
def test_noise_is_a_model_or_a_value_error(noise: bytes) -> None:
    with suppress(ValueError):
        refuse_external_data(noise)


@given(st.integers(0, 400))
def test_a_cut_model_is_refused_or_ends_between_two_fields(length: int) -> None:
    cut = network()[:length]
    try:
        refuse_external_data(cut)
    except ValueError:
        return
    assert load_from_string(cut).ByteSize() <= length
