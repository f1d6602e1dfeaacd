"""What is written beside a checkpoint about its data: the report, every row with what became of it, the parts."""

import csv
import gzip
import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from model_export.data.prepare import Prepared
from model_export.data.report import Fate
from model_export.data.reviews import LabelledReview

REPORT_FILE = "data.json"
ROWS_FILE = "rows.csv.gz"
PART_FILES = {Fate.DEV: "dev.jsonl.gz", Fate.HELD_OUT: "held_out.jsonl.gz"}

DIGEST_DIGITS = 16
"""Of a text's SHA-256: enough to find it again among billions."""


def write_record(prepared: Prepared, folder: Path) -> list[Path]:
    """Write the report, and of each review its place, the digest of its text and what became of it.

    Where the parts were taken from the training data they are written too, to calibrate and to measure on.

    Returns:
        the files written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / REPORT_FILE).write_text(prepared.report.to_json(), encoding="utf-8")
    with gzip.open(folder / ROWS_FILE, "wt", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("row", "sha256", "fate"))
        for review, fate in zip(prepared.reviews, prepared.fates, strict=True):
            table.writerow((review.place, text_digest(review.text), fate.value))
    written = [folder / REPORT_FILE, folder / ROWS_FILE]
    for part, name in PART_FILES.items():
        (folder / name).unlink(missing_ok=True)  # of an earlier run
        if prepared.parted and (reviews := prepared.part(part)):
            _write_reviews(reviews, folder / name)
            written.append(folder / name)
    return written


def text_digest(text: str) -> str:
    """The first hexadecimal digits of the text's SHA-256."""
    return sha256(text.encode("utf-8")).hexdigest()[:DIGEST_DIGITS]


def _write_reviews(reviews: Sequence[LabelledReview], path: Path) -> None:
    """JSON Lines that read back as the same reviews, whatever columns they came from."""
    with gzip.open(path, "wt", encoding="utf-8") as file:
        for review in reviews:
            fields = {
                "text": review.text,
                "label": review.polarity,
                "intensity": review.intensity,
                "product_id": review.product_id,
                "domain": review.domain,
                "language": review.language,
                "source": review.source,
            }
            file.write(json.dumps(fields, ensure_ascii=False) + "\n")
