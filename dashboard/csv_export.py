"""Tables as CSV that a spreadsheet opens as what they say."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence

from starlette.responses import StreamingResponse

_BYTE_ORDER_MARK = "\ufeff"
"""Without it spreadsheets take UTF-8 for something else."""

_STARTS_A_FORMULA = tuple("=+-@\t\r\n|%\uff1d\uff0b\uff0d\uff20")
"""Also in their full-width forms, which spreadsheets read alike."""

Cell = str | int | float | None


def harmless_cell(cell: Cell) -> Cell:
    """Text that a spreadsheet would take for a formula gets an apostrophe before it; numbers are ours.

    OWASP, "CSV Injection": such a formula can send away what stands in the neighbouring cells.
    """
    if isinstance(cell, str) and cell.lstrip(" \u00a0").startswith(_STARTS_A_FORMULA):
        return f"'{cell}"
    return cell


def csv_response(name: str, head: Sequence[str], rows: AsyncIterator[Iterable[Cell]]) -> StreamingResponse:
    """A file to save, written row by row as the rows come.

    Args:
        name: of the file, of our own making.
        head: names of the columns.
        rows: cells; None is left empty.
    """

    async def lines() -> AsyncIterator[str]:
        yield _BYTE_ORDER_MARK + _line(head)
        async for row in rows:
            yield _line(row)

    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(lines(), media_type="text/csv", headers=disposition)


def _line(cells: Iterable[Cell]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow(["" if cell is None else harmless_cell(cell) for cell in cells])
    return written.getvalue()
