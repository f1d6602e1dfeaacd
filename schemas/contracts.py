"""Write or check the documents that are generated from the models: ``python -m schemas.contracts [--check]``."""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from schemas.asyncapi import asyncapi_document
from schemas.json_schemas import (
    alert_schema,
    manifest_schema,
    review_event_schema,
    review_label_schema,
    scored_review_schema,
)
from schemas.settings_reference import settings_reference

GENERATED = Path(__file__).parent / "generated"


def contracts() -> dict[str, str]:
    """File name -> text of every generated document; the same models give the same bytes."""
    return {
        "review-event.schema.json": _json(review_event_schema()),
        "scored-review.schema.json": _json(scored_review_schema()),
        "review-label.schema.json": _json(review_label_schema()),
        "alert.schema.json": _json(alert_schema()),
        "manifest.schema.json": _json(manifest_schema()),
        "asyncapi.json": _json(asyncapi_document()),
        "settings.md": settings_reference(),
    }


def write(folder: Path = GENERATED) -> None:
    """Write every document into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in contracts().items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def drifted(folder: Path = GENERATED) -> list[str]:
    """Names of the files in ``folder`` that are missing or no longer say what the models say."""
    return [name for name, text in contracts().items() if _read(folder / name) != text.encode()]


def main(arguments: list[str] | None = None) -> int:
    """Write the documents; with ``--check`` only compare, and return 1 if any drifted."""
    parser = argparse.ArgumentParser(prog="python -m schemas.contracts", description=main.__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 naming what drifted")
    parser.add_argument("--folder", type=Path, default=GENERATED, help="where the documents are")
    options = parser.parse_args(arguments)
    if not options.check:
        write(options.folder)
        return 0
    for name in (names := drifted(options.folder)):
        sys.stderr.write(
            f"{options.folder / name} drifted from the models: run python -m schemas.contracts\n"
        )
    return 1 if names else 0


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _json(document: Mapping[str, Any]) -> str:
    # Docstrings mark code with two backticks, Markdown with one.
    return json.dumps(document, indent=2, ensure_ascii=False).replace("``", "`") + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
