"""A tiny bundle for each test that asks for one."""

from pathlib import Path

import pytest
from tiny_bundles import write_bundle


@pytest.fixture
def tiny_bundle(tmp_path: Path) -> Path:
    """The folder of a valid bundle."""
    return write_bundle(tmp_path / "bundle")
