"""What is read from files of every format and encoding, and how a file that cannot be read is refused."""

import gzip
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pytest
from pyarrow import parquet

from model_export.data.reviews import LabelledReview, Reading, read_labelled
from model_export.data.sources import BadRow, Row, rows
from schemas.errors import TrainingDataError

GERMAN = (
    "Der Kessel läuft über, schön ist das nicht für den Preis. Größe und Gewicht überzeugen dafür völlig."
)


def fields(source: str | Path, encoding: str | None = None) -> list[dict[str, Any]]:
    read = list(rows(source, encoding))
    assert all(isinstance(row, Row) for row in read)
    return [row.fields for row in read if isinstance(row, Row)]


def csv_file(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "reviews.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_of_a_table_is_found_in_its_header(tmp_path: Path, delimiter: str) -> None:
    path = csv_file(tmp_path, f'text{delimiter}label\n"good, really"{delimiter}1\n')

    assert fields(path) == [{"text": "good, really", "label": "1"}]


def test_an_empty_cell_is_an_absent_value(tmp_path: Path) -> None:
    assert fields(csv_file(tmp_path, "text,label\ngood,\n")) == [{"text": "good", "label": None}]


def test_a_row_of_several_lines_stands_where_it_begins(tmp_path: Path) -> None:
    read = list(rows(csv_file(tmp_path, 'text,label\n"two\nlines",1\nnext,0\n')))

    assert [row.place.rpartition(":")[2] for row in read] == ["2", "4"]


def test_a_row_with_too_many_cells_is_bad_and_the_next_one_is_read(tmp_path: Path) -> None:
    bad, good = rows(csv_file(tmp_path, "text,label\na,1,2\nb,0\n"))

    assert bad == BadRow(f"{tmp_path}/reviews.csv:2", "another number of cells than columns", "3 under 2")
    assert good == Row(f"{tmp_path}/reviews.csv:3", {"text": "b", "label": "0"})


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingDataError, match="two columns have the same name: text, text"):
        list(rows(csv_file(tmp_path, "text,text\na,b\n")))


@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_is_unpacked_by_its_first_bytes_whatever_its_name(tmp_path: Path, zipped: bool) -> None:
    content = b"text,label\ngood,1\n"
    path = tmp_path / "reviews.csv.gz"
    path.write_bytes(gzip.compress(content) if zipped else content)

    assert fields(path) == [{"text": "good", "label": "1"}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_the_encoding_is_found(tmp_path: Path, encoding: str) -> None:
    path = csv_file(tmp_path, f'text,label\n"{GERMAN}",1\n', encoding)

    assert fields(path) == [{"text": GERMAN, "label": "1"}]


@pytest.mark.parametrize("encoding", ["cp1252", "gb18030", "utf-16-le", "UTF8"])
def test_a_stated_encoding_is_taken(tmp_path: Path, encoding: str) -> None:
    text = "这个水壶很好" if encoding == "gb18030" else GERMAN
    path = csv_file(tmp_path, f'text,label\n"{text}",1\n', encoding)

    assert fields(path, encoding) == [{"text": text, "label": "1"}]


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    assert fields(csv_file(tmp_path, "text,label\na,1\n", "utf-8-sig"), "utf-8") == [
        {"text": "a", "label": "1"}
    ]


def test_mixed_encodings_are_refused_with_a_line_of_each(tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    path.write_bytes(b"text,label\nplain,1\n" + "schön,1\n".encode() + "schön,1\n".encode("cp1252"))

    with pytest.raises(TrainingDataError, match="mixed encodings: line 3 is UTF-8, line 4 is not"):
        list(rows(path))


def test_a_line_that_is_not_in_the_stated_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    path.write_bytes(b"text,label\nplain,1\nsch\xf6n,1\n")

    with pytest.raises(TrainingDataError, match=r"reviews\.csv:3: not utf-8-sig; .* --encoding"):
        list(rows(path, "utf-8"))


@pytest.mark.parametrize("encoding", ["klingon", "base64"])
def test_an_unknown_encoding_is_refused(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(TrainingDataError, match=encoding):
        list(rows(csv_file(tmp_path, "text,label\na,1\n"), encoding))


def test_parquet_is_read_with_its_types(tmp_path: Path) -> None:
    path = tmp_path / "reviews.parquet"
    parquet.write_table(pa.table({"text": ["good", "bad"], "rating": [5.0, None]}), path)

    assert list(rows(path)) == [
        Row(f"{path}:row 1", {"text": "good", "rating": 5.0}),
        Row(f"{path}:row 2", {"text": "bad", "rating": None}),
    ]


def test_stars_that_are_nan_in_parquet_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "reviews.parquet"
    parquet.write_table(pa.table({"text": ["good", "bad"], "rating": [5.0, float("nan")]}), path)

    with pytest.raises(
        TrainingDataError, match=r"stars that are no number.* \(first .*:row 2: nan\).*leave the cell empty"
    ):
        read_labelled(path)


def test_what_is_no_parquet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "reviews.parquet"
    path.write_bytes(b"PAR1, not")

    with pytest.raises(TrainingDataError, match=r"reviews\.parquet: cannot be read"):
        list(rows(path))


def test_a_folder_is_read_file_by_file(tmp_path: Path) -> None:
    for name, text in (
        ("b.jsonl", "second"),
        ("a.jsonl", "first"),
        ("_SUCCESS", ""),
        (".hidden.jsonl", "none"),
    ):
        (tmp_path / name).write_text(f'{{"text": "{text}"}}\n')

    assert [row["text"] for row in fields(tmp_path)] == ["first", "second"]


@pytest.mark.parametrize("name", ["reviews.xlsx", "reviews", "reviews.gz"])
def test_an_unknown_format_is_refused_with_those_known(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("text")

    with pytest.raises(TrainingDataError, match=r"does not tell the format; known are \.jsonl, \.csv"):
        list(rows(tmp_path / name))


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingDataError, match=r"holds no \.jsonl, \.csv or \.parquet file"):
        list(rows(tmp_path))


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the datasets library may write; a folder with files of reviews is a data set to it too."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    return tmp_path


def test_a_data_set_is_loaded_with_the_names_of_its_classes(hub_cache: Path) -> None:
    folder = hub_cache / "set"
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["pos", "neg"])}
    )
    table = datasets.Dataset.from_dict({"text": ["good", "bad"], "label": [0, 1]}, features=features)
    folder.mkdir()
    table.to_parquet(folder / "train-00000-of-00001.parquet")
    table.select([1]).to_parquet(folder / "test-00000-of-00001.parquet")

    assert read_labelled(f"hub:{folder}") == [
        LabelledReview("good", 1.0, None),
        LabelledReview("bad", 0.0, None),
    ]
    assert read_labelled(f"hub:{folder}:test", Reading()) == [LabelledReview("bad", 0.0, None)]


def test_a_data_set_that_cannot_be_had_is_refused(hub_cache: Path) -> None:
    with pytest.raises(TrainingDataError, match=f"hub:{hub_cache}/nowhere: cannot be loaded"):
        list(rows(f"hub:{hub_cache}/nowhere"))


@pytest.mark.parametrize("source", ["hub:", "hub:a:b:c:d"])
def test_a_name_of_the_hub_that_says_too_little_or_too_much_is_refused(source: str) -> None:
    with pytest.raises(TrainingDataError, match="write hub:NAME"):
        list(rows(source))
