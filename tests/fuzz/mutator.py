"""Changes JSON as JSON, so that the fuzzer gets past the parser: values are replaced, moved, dropped and nested."""

import json
import random
from copy import deepcopy
from typing import Any

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 5, 6, 1.0, 0.5, 5.5, -0.0, 1e-320, 1e308, 2**31, 2**63, 10**30),
    *(
        "",
        "}",
        "x",
        "\x00",
        "\ud800",
        "\u2028",
        "en",
        "en\n",
        "x-y",
        "x" * 256,
        "x" * 257,
        "upsert",
        "delete",
    ),
    *("2024-02-29T12:00:00Z", "2023-02-29T12:00:00Z", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:60Z"),
    *("2024-02-29 12:00:00,5+0100", "2024-02-29t12:00-23:59", "2024-02-29T12:00:00.1234567890123Z"),
    *([], {}, [[]], {"a": {}}),
    {"type": "Replace", "pattern": {"Regex": "(a*)*b"}, "content": ""},
    {"type": "Replace", "pattern": {"String": ""}, "content": "x"},
    {"type": "Split", "pattern": {"Regex": ""}, "behavior": "Isolated", "invert": True},
    {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithNext", "invert": False},
    {"type": "Prepend", "prepend": ""},
    {"type": "Precompiled", "precompiled_charsmap": "AAAA"},
    {"type": "Metaspace", "replacement": "_", "prepend_scheme": "always", "split": True},
    {"type": "FixedLength", "length": 0},
    {"type": "Sequence", "normalizers": [], "pretokenizers": [], "processors": []},
    {"type": "BertProcessing", "sep": ["x", 9], "cls": ["y", 0]},
    {
        "type": "RobertaProcessing",
        "sep": ["x", 9],
        "cls": ["y", 0],
        "trim_offsets": True,
        "add_prefix_space": True,
    },
    {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": False},
    {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "z", "type_id": 0}}],
        "special_tokens": {},
    },
    {"id": 4, "content": "", "single_word": True, "lstrip": True, "rstrip": True, "normalized": True},
)
NAMES = (
    "schema_version",
    "review_id",
    "product_id",
    "op",
    "channel",
    "text",
    "rating",
    "language",
    "created_at",
)
SPELLINGS = (
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"1E0",
    b"-0",
    b"1.0",
    b"\xff",
    b'"\\udc00"',
    b"\xef\xbb\xbf",
    b"\x0b",
)


def mutate(value: bytes, dice: random.Random) -> bytes | None:
    """A document near this one, or None where it is no JSON, or nested too deep for us."""
    try:
        document = json.loads(value)
        for _ in range(dice.choice((1, 1, 2, 3, 8))):
            document = _change(document, dice)
        written = json.dumps(document, ensure_ascii=dice.random() < 0.5).encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError):
        return None
    if dice.random() < 0.1:
        at = dice.randrange(len(written) + 1)
        written = written[:at] + dice.choice(SPELLINGS) + written[at + dice.randint(0, 4) :]
    return written


def _change(document: Any, dice: random.Random) -> Any:
    places = list(_places(document))
    if not places or dice.random() < 0.02:
        return _value(dice)
    parent, key = dice.choice(places)
    action = dice.randrange(5)
    if action == 0:
        del parent[key]
    elif action == 1:
        parent[key] = _value(dice)
    elif action == 2:
        other, name = dice.choice(places)
        parent[key] = deepcopy(other[name])
    elif action == 3 and isinstance(parent, dict):
        parent[dice.choice(NAMES)] = _value(dice)
    else:
        for _ in range(dice.choice((1, 1, 2, 100))):
            parent[key] = [parent[key]]
    return document


def _value(dice: random.Random) -> Any:
    return deepcopy(dice.choice(VALUES))  # the document may be changed again


def _places(node: Any) -> Any:
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield node, key
        yield from _places(child)
