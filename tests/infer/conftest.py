"""A tiny bundle for each test that asks for one, and the bundle that ships, started once."""

from pathlib import Path

import pytest
from tiny_bundles import write_bundle

from consumers.infer.engine import Engine
from schemas.settings import Provider


@pytest.fixture
def tiny_bundle(tmp_path: Path) -> Path:
    """The folder of a valid bundle."""
    return write_bundle(tmp_path / "bundle")


@pytest.fixture(scope="package")
def engine() -> Engine:
    """The shipped bundle on the CPU."""
    return Engine.start(None, Provider.CPU, threads=2)
