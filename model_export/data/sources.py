"""Where labelled reviews come from: JSON Lines, CSV, Parquet, a folder of them, or a data set of the hub.

Every source is read row by row, so that memory holds the reviews and nothing beside them.
"""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_export.data.encodings import numbered_lines
from schemas.errors import ConfigurationError, TrainingDataError

HUB_PREFIX = "hub:"
"""Of the name of a data set of the hub, so that a misspelled file is never looked for there."""

DELIMITERS = ",;\t|"
"""Of a table, found out by which of them stands most often in its header."""

PARQUET_BATCH_ROWS = 1024

_SUFFIXES = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".csv": "csv", ".tsv": "csv"}


@dataclass(frozen=True, slots=True)
class Row:
    """The fields of one row, and where it stands, for people: ``reviews.csv:17``."""

    place: str
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be used: what kind of problem, which a summary counts, and its detail."""

    place: str
    kind: str
    detail: str = ""


def rows(source: str | Path, encoding: str | None = None) -> Iterator[Row | BadRow]:
    """The rows of ``source``, in order.

    Args:
        source: a file (``.jsonl``, ``.ndjson``, ``.json``, ``.csv``, ``.tsv``, each gzipped or not; ``.parquet``), a folder of
            such files, or ``hub:NAME[:SPLIT[:CONFIGURATION]]``.
        encoding: of text files; None finds it out.

    Raises:
        TrainingDataError: the source cannot be read, or its format cannot be told.
        ConfigurationError: a package that reads it is not installed.
    """
    if str(source).startswith(HUB_PREFIX):
        yield from _hub(str(source))
        return
    path = Path(source)
    if path.is_dir():
        files = [
            file for file in sorted(path.iterdir()) if _format(file) and not file.name.startswith((".", "_"))
        ]
        if not files:
            raise TrainingDataError(f"{path}: the folder holds no .jsonl, .csv or .parquet file")
        for file in files:
            yield from rows(file, encoding)
        return
    match _format(path):
        case "jsonl":
            yield from _json_lines(path, encoding)
        case "csv":
            yield from _table(path, encoding)
        case "parquet":
            yield from _parquet(path)
        case _:
            raise TrainingDataError(
                f"{path}: the name does not tell the format; known are .jsonl, .csv, .tsv (each also with .gz), "
                f".parquet, and {HUB_PREFIX}NAME for a data set of the Hugging Face hub"
            )


def _format(path: Path) -> str | None:
    name = path.name.lower()
    if name.endswith(".parquet"):
        return "parquet"
    return _SUFFIXES.get(Path(name.removesuffix(".gz")).suffix)


def _json_lines(path: Path, encoding: str | None) -> Iterator[Row | BadRow]:
    for number, line in numbered_lines(path, encoding):
        if line.isspace():
            continue
        place = f"{path}:{number}"
        if number == 1 and line.lstrip().startswith("["):
            raise TrainingDataError(
                f"{path}: one JSON array; JSON Lines holds one object a line, as jq -c '.[]' writes them"
            )
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield BadRow(place, "not JSON", str(error))
            continue
        yield Row(place, fields) if isinstance(fields, dict) else BadRow(place, "not a JSON object")


def _table(path: Path, encoding: str | None) -> Iterator[Row | BadRow]:
    lines = (line for _, line in numbered_lines(path, encoding))
    first = next(lines, "")
    delimiter = max(DELIMITERS, key=first.count)
    header = next(csv.reader([first], delimiter=delimiter), [])
    if len(set(header)) < len(header):
        raise TrainingDataError(f"{path}: two columns have the same name: {', '.join(header)}")
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        place = f"{path}:{reader.line_num + 2}"  # the row's first line, after the header's
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield BadRow(place, "not CSV", str(error))
            continue
        if not cells:
            continue
        if len(cells) != len(header):
            yield BadRow(place, "another number of cells than columns", f"{len(cells)} under {len(header)}")
            continue
        # An empty cell is an absent value, as in `reviewstream publish`.
        yield Row(place, {column: cell or None for column, cell in zip(header, cells, strict=True)})


def _parquet(path: Path) -> Iterator[Row]:
    try:
        import pyarrow as pa  # noqa: PLC0415 -- of the train extra, and needed for this format alone
        from pyarrow.parquet import ParquetFile  # noqa: PLC0415
    except ImportError as error:
        raise ConfigurationError(
            "reading Parquet needs pyarrow: pip install '.[train]' in a checkout"
        ) from error
    try:
        number = 0
        for batch in ParquetFile(path).iter_batches(PARQUET_BATCH_ROWS):
            for fields in batch.to_pylist():
                number += 1
                yield Row(f"{path}:row {number}", fields)
    except (OSError, pa.ArrowException) as error:
        raise TrainingDataError(f"{path}: cannot be read: {error}") from error


def _hub(source: str) -> Iterator[Row]:
    name, split, configuration = _hub_parts(source)
    try:
        import datasets  # noqa: PLC0415 -- of the train extra, and needed for the hub alone
    except ImportError as error:
        raise ConfigurationError(
            "a data set of the hub needs the datasets package: pip install '.[train]' in a checkout"
        ) from error
    try:
        table = datasets.load_dataset(name, configuration, split=split)
    except Exception as error:  # the library raises its own, OSError, ValueError and those of its HTTP client
        raise TrainingDataError(f"{source}: cannot be loaded: {type(error).__name__}: {error}") from error
    names = {
        column: feature.names
        for column, feature in table.features.items()
        if isinstance(feature, datasets.ClassLabel)
    }
    for number, fields in enumerate(table, start=1):
        yield Row(f"{source}:row {number}", _with_class_names(fields, names))


def _hub_parts(source: str) -> tuple[str, str, str | None]:
    parts = source.removeprefix(HUB_PREFIX).split(":")
    if not parts[0] or len(parts) > 3:
        raise TrainingDataError(f"{source}: write {HUB_PREFIX}NAME, or {HUB_PREFIX}NAME:SPLIT:CONFIGURATION")
    name, split, configuration = [*parts, "", ""][:3]
    return name, split or "train", configuration or None


def _with_class_names(fields: dict[str, Any], names: dict[str, Sequence[str]]) -> dict[str, Any]:
    """A class's number as its name (0 -> neg): numbers are each data set's own, names speak."""
    return {
        column: names[column][value] if column in names and isinstance(value, int) and value >= 0 else value
        for column, value in fields.items()
    }
