import crc32c
from kafka.record import util


def test_the_clients_checksums_are_computed_in_c() -> None:
    assert util._crc32c is crc32c.crc32c  # in Python they take most of the client's time


def test_both_ways_give_the_same_checksum() -> None:
    assert util.crc32c_py(memoryview(b"Boils fast, leaks faster.")) == crc32c.crc32c(
        b"Boils fast, leaks faster."
    )
