"""The class path of Kafka, without the network."""

import hashlib
import sys
from pathlib import Path

import pytest

from embedded.jars import Jar, class_path, fetch_from_maven, locked_jars
from embedded.versions import ROOTS
from schemas.errors import StackError

CONTENT = {"shop:reviews:1.0": b"first", "shop:labels:2.0": b"second"}
JARS = [Jar(hashlib.sha256(content).hexdigest(), coordinate) for coordinate, content in CONTENT.items()]


def fetch(coordinate: str, scratch: Path) -> Path:
    path = scratch / coordinate
    path.write_bytes(CONTENT[coordinate])
    return path


def fetch_proxy_page(coordinate: str, scratch: Path) -> Path:
    path = scratch / coordinate
    path.write_bytes(b"please log in")
    return path


def fetch_offline(coordinate: str, scratch: Path) -> Path:
    raise ConnectionError(f"no route for {coordinate} to {scratch}")


def test_the_lock_names_the_pinned_kafka() -> None:
    assert tuple(jar.coordinate for jar in locked_jars()[: len(ROOTS)]) == ROOTS


def test_jars_are_fetched_into_the_cache_in_the_order_of_the_lock(tmp_path: Path) -> None:
    paths = class_path(tmp_path / "cache", fetch, jars=JARS)

    assert [path.name for path in paths] == ["reviews-1.0.jar", "labels-2.0.jar"]
    assert [path.read_bytes() for path in paths] == [b"first", b"second"]


def test_a_complete_cache_needs_no_network(tmp_path: Path) -> None:
    first = class_path(tmp_path, fetch, jars=JARS)

    assert class_path(tmp_path, fetch_offline, jars=JARS) == first


def test_progress_counts_the_jars_that_are_here(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []

    class_path(tmp_path, fetch, lambda done, total: seen.append((done, total)), jars=JARS)

    assert seen == [(1, 2), (2, 2)]


def test_without_the_network_the_error_says_what_to_do_instead(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"needs the network.*--bootstrap-servers"):
        class_path(tmp_path, fetch_offline, jars=JARS)


def test_without_the_extra_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jgo.maven", None)  # as if it were not installed

    with pytest.raises(StackError, match=r"pip install '\.\[demo\]' in a checkout.*--bootstrap-servers"):
        fetch_from_maven("shop:reviews:1.0", tmp_path)


def test_a_file_that_is_not_the_locked_jar_is_refused_and_not_kept(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"not .* as locked"):
        class_path(tmp_path, fetch_proxy_page, jars=JARS)

    assert list(tmp_path.iterdir()) == []
