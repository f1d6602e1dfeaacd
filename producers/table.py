"""Tables to events: which column holds which field of an event, and what a row then says."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence

from producers.lines import BoundedLines, UnreadableLine
from schemas.errors import ConfigurationError
from schemas.events import ReviewEvent

_NUMBERS = frozenset({"rating", "schema_version"})


class Table(Iterator[bytes]):
    """The events of a CSV table whose first row names the columns; an empty cell is an absent field.

    The JSON of each row, in turn; nothing for a blank one. Columns that hold no field are left out. A row that cannot
    be read raises ``UnreadableLine`` or ``csv.Error``, and iteration can go on after it.

    Args:
        lines: the table, UTF-8.
        columns: event field -> name of the column that holds it, where the two differ.

    Raises:
        ConfigurationError: ``columns`` names a field or a column that does not exist, or a required one is missing.
    """

    def __init__(self, lines: BoundedLines, columns: Mapping[str, str]) -> None:
        # Bytes that are no UTF-8 become lone surrogates, so that they spoil their own row only.
        self._rows = csv.reader(map(_decode, lines), strict=True)
        header = next(self._rows, [])
        self._width = len(header)
        self._places = _places(header, columns)

    def __next__(self) -> bytes:
        row = next(self._rows)
        if not row:
            return b""
        if len(row) != self._width:
            raise UnreadableLine(f"{len(row)} cells under {self._width} columns")
        event = {field: _value(field, row[place]) for field, place in self._places.items() if row[place]}
        try:
            return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        except UnicodeEncodeError:
            raise UnreadableLine("is not UTF-8") from None


def _decode(line: bytes) -> str:
    return line.decode("utf-8", "surrogateescape")


def _value(field: str, cell: str) -> str | float:
    if field not in _NUMBERS:
        return cell
    try:
        return int(cell)
    except ValueError:
        pass
    try:
        return float(cell)
    except ValueError:
        return cell  # the check names the field and what is wrong with it


def _places(header: Sequence[str], columns: Mapping[str, str]) -> dict[str, int]:
    """Where each field of an event stands in a row."""
    fields = ReviewEvent.model_fields
    if unknown := columns.keys() - fields.keys():
        names = ", ".join(sorted(unknown))
        raise ConfigurationError(f"an event has no field {names}; its fields are {', '.join(fields)}")
    required = {name for name, field in fields.items() if field.is_required()} | columns.keys()
    if columns.get("op", "op") not in header:
        required.add("text")  # without deletes, no event can do without it
    missing = {columns.get(field, field) for field in required} - set(header)
    if missing:
        raise ConfigurationError(
            f"no column {', '.join(sorted(missing))} among {', '.join(header) or 'none at all'}; "
            "say which column holds which field, for example --column text=review_body"
        )
    return {
        field: header.index(column) for field in fields if (column := columns.get(field, field)) in header
    }
