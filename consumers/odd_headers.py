"""Names of headers that are no UTF-8: kafka-python 3.0.12 takes the whole record for corrupt and never gets past it.

The broker accepts them, and clients that send names as bytes can write them. One such record would stop its partition.
"""

from typing import Any

from kafka.record.default_records import DefaultRecordBatch

_strictly = DefaultRecordBatch._read_msg  # noqa: SLF001 -- the client has no setting for it


class _Lenient(bytes):
    """Bytes whose slices decode whatever they hold."""

    def __getitem__(self, index: Any) -> Any:
        part = super().__getitem__(index)
        return _Lenient(part) if isinstance(part, bytes) else part

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        del errors
        return super().decode(encoding, "replace")


def _read_record(batch: Any) -> Any:
    try:
        return _strictly(batch)
    except UnicodeDecodeError:
        batch._buffer = _Lenient(batch._buffer)  # noqa: SLF001 -- slower, but for this batch only
        return _strictly(batch)


def tolerate_odd_headers() -> None:
    """Let the client read them with � for what is no UTF-8. To call it again changes nothing."""
    DefaultRecordBatch._read_msg = _read_record  # noqa: SLF001 -- as above
