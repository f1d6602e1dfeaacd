"""Refuse ONNX models that keep weights in other files: those have no digest, and may be any file of this machine.

onnxruntime looks after that only in its newer releases: 1.22 reads from any absolute path. So the model is walked here
before it is loaded, as the protocol buffer that it is; serving does not need the ``onnx`` package for it.
"""

from collections.abc import Iterator, Mapping

_TENSORS: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
    "node": {5: "attribute"},
    "attribute": {
        5: "tensor",
        6: "graph",
        10: "tensor",
        11: "graph",
        22: "sparse tensor",
        23: "sparse tensor",
    },
    "sparse tensor": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
"""Of each kind of message in onnx.proto: the fields in which tensors are, or what holds tensors."""

_EXTERNAL_DATA = 13
_DATA_LOCATION = 14
"""Fields of a tensor."""


def refuse_external_data(model: bytes) -> None:
    """Look at every tensor of a model, wherever it is nested.

    Raises:
        ValueError: one of them is kept in another file, or this is no ONNX model.
    """
    waiting: list[tuple[str, memoryview]] = [("model", memoryview(model))]
    while waiting:
        kind, message = waiting.pop()
        for number, content in _fields(message):
            if kind == "tensor" and (number == _EXTERNAL_DATA or (number == _DATA_LOCATION and content)):
                raise ValueError("it has external data: weights in another file, which are never read")
            if inner := _TENSORS[kind].get(number):
                if not isinstance(content, memoryview):
                    raise ValueError("it is no ONNX model")
                waiting.append((inner, content))


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """Field number and content; of numbers of a fixed width the content is left out."""
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        content: memoryview | int = 0
        match tag & 7:
            case 0:  # a varint
                content, place = _varint(message, place)
            case 1:  # eight bytes
                place += 8
            case 2:  # bytes, text or a message, with its length
                length, place = _varint(message, place)
                content = message[place : place + length]
                place += length
            case 5:  # four bytes
                place += 4
            case _:
                raise ValueError("it is no ONNX model")
        if place > len(message):
            raise ValueError("it is no ONNX model, or its end is missing")
        yield tag >> 3, content


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """A number of seven bits a byte, lowest first, and the place behind it."""
    number = 0
    for shift in range(0, 70, 7):
        if place == len(message):
            raise ValueError("it is no ONNX model, or its end is missing")
        byte = message[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, place
    raise ValueError("it is no ONNX model")
