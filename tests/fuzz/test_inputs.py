"""The inputs that the fuzzer starts from and those that once broke something: none breaks anything now."""

from pathlib import Path

import pytest
from targets import INPUTS, TARGETS

KEPT = sorted(path for path in INPUTS.glob("*/*") if path.is_file())


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_kept_input_breaks_no_promise(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes())


def test_every_target_has_inputs() -> None:
    assert {path.parent.name for path in KEPT} == TARGETS.keys()
