"""What a record has to be, read slowly and by other code: Python's own JSON reader, then the published JSON Schema.

Where JSON Schema leaves something open, it is decided here as the README says it: instants exist in the calendar, and
nothing is nested deeper than ``MAX_DEPTH``.
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from json.decoder import py_scanstring
from json.scanner import py_make_scanner
from pathlib import Path
from typing import Any, NoReturn

from jsonschema import Draft202012Validator, ValidationError, validators

SCHEMAS = Path(__file__).parents[2] / "schemas" / "generated"
MAX_DEPTH = 201

_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,]\d+)?)?(?:[Zz]|([+-])(\d\d):?(\d\d))", re.ASCII
)


def _ecma_pattern(
    _validator: object, pattern: str, instance: Any, _schema: object
) -> Iterator[ValidationError]:
    """As ECMA-262 reads it: ``$`` is the end, where Python's also stands before a last newline."""
    if isinstance(instance, str) and not re.search(pattern.replace("$", r"\Z"), instance):
        yield ValidationError(f"does not match {pattern}")


_Validator = validators.extend(Draft202012Validator, {"pattern": _ecma_pattern})


class Oracle:
    """Says whether bytes are a document of one published schema, in which some fields are instants."""

    def __init__(self, schema: str, *instants: str) -> None:
        self._validator = _Validator(json.loads((SCHEMAS / f"{schema}.schema.json").read_text()))
        self._instants = instants

    def takes(self, value: bytes) -> bool:
        """Whether they are."""
        try:
            document = _read(value)
        except ValueError:
            return False
        return self._validator.is_valid(document) and all(
            _exists(document[name]) for name in self._instants if document.get(name) is not None
        )


class _SlowDecoder(json.JSONDecoder):
    """The decoder that is written in Python, so that a fuzzer sees which way it takes."""

    def __init__(self) -> None:
        super().__init__(parse_constant=_no_json)
        self.parse_string = py_scanstring
        self.scan_once = py_make_scanner(self)


def _read(value: bytes) -> Any:
    if _depth(value) > MAX_DEPTH:
        raise ValueError("nested too deep")
    text = value.decode()
    # Of a deep document this reader calls itself more often than Python allows by default; hence the limit first.
    document = _SlowDecoder().decode(text)
    if "\\u" in text:
        json.dumps(
            document, ensure_ascii=False
        ).encode()  # a lone surrogate raises UnicodeEncodeError, a ValueError
    return document


def _depth(value: bytes) -> int:
    """How deep brackets are open at most, outside strings; of bytes that are no JSON, any number."""
    depth = deepest = 0
    for token in re.finditer(rb'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]', value, re.DOTALL):
        depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(token[0], 0)
        deepest = max(deepest, depth)
    return deepest


def _no_json(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _exists(text: str) -> bool:
    match = _INSTANT.fullmatch(text)
    if match is None:
        return False
    year, month, day, hour, minute, second, sign, hours, minutes = match.groups(default="0")
    try:
        offset = timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1)
        moment = datetime(
            *map(int, (year, month, day, hour, minute, second)),
            tzinfo=timezone(offset),  # type: ignore[arg-type]
        )
        moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return False
    return int(minutes) < 60
