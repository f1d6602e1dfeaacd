"""The client as it is without the crc32c package: checksums of each batch computed in Python."""

from collections.abc import Iterator
from contextlib import contextmanager

from kafka.record import default_records
from kafka.record.util import crc32c_py


@contextmanager
def python_checksums() -> Iterator[None]:
    """Within the body, in this process."""
    in_c = default_records.calc_crc32c
    default_records.calc_crc32c = crc32c_py
    try:
        yield
    finally:
        default_records.calc_crc32c = in_c
