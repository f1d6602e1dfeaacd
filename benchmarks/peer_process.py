"""Engines of others as forms: a process in an environment of its own runs the same reviews when it is told to."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.engine_forms import Form, Reviews
from consumers.infer.bundle import Bundle

SCRIPT = Path(__file__).with_name("engine_peers.py")


@contextmanager
def peer_forms(
    python: Path | None, bundle: Bundle, work: Path, reviews: Reviews, calibration: Reviews
) -> Iterator[dict[str, Form]]:
    """By name, the forms of OpenVINO on the bundle's fp32; none without a Python of theirs.

    Args:
        python: of an environment with ``engine_peers.txt``.
        bundle: with fp32.
        work: folder for what the process reads and keeps.
        reviews: token ids that every call of a form runs, whatever it is given.
        calibration: token ids to fit int8 to.

    Raises:
        BundleError: the bundle has no fp32.
    """
    if python is None:
        yield {}
        return
    (work / "fp32.onnx").write_bytes(bundle.content[bundle.variant("fp32").file])
    (work / "token_ids.json").write_text(json.dumps({"reviews": reviews, "calibration": calibration}))
    process = subprocess.Popen(
        [str(python), str(SCRIPT), str(work)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield {name: _form(process, name) for name in json.loads(_answer(process, "["))}
    finally:
        process.communicate(timeout=60)  # it ends with its input


def _form(process: "subprocess.Popen[str]", name: str) -> Form:
    def run(_reviews: Reviews) -> float:
        assert process.stdin is not None
        process.stdin.write(f"{name}\n")
        process.stdin.flush()
        return float(json.loads(_answer(process, "{"))["cpu_seconds"])

    return run


def _answer(process: "subprocess.Popen[str]", begins: str) -> str:
    """The next line that begins so; libraries may print on the same stream."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(begins):
            return line
    raise RuntimeError(f"the process of the peers ended with {process.wait()}")
