"""The provider that was asked for runs, or the start fails; the choice of ``auto`` is said aloud."""

import os
import re
import subprocess
import sys
from pathlib import Path

START = """
import logging, sys
from pathlib import Path
from consumers.infer.engine import Engine
from schemas.errors import ProviderError
from schemas.settings import Provider

logging.basicConfig(level=logging.INFO, stream=sys.stdout)
try:
    Engine.start(Path(sys.argv[1]), Provider(sys.argv[2]), threads=1)
except ProviderError as error:
    print("refused:", error)
"""


def start_without_gpu(tiny_bundle: Path, provider: str) -> str:
    """What a fresh process, which sees no GPU on any machine, says when it starts."""
    return subprocess.run(
        [sys.executable, "-c", START, tiny_bundle, provider],
        env=os.environ | {"CUDA_VISIBLE_DEVICES": "-1"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_cuda_without_a_gpu_is_refused_with_what_to_do(tiny_bundle: Path) -> None:
    said = start_without_gpu(tiny_bundle, "cuda")

    assert re.search("refused: .*(use provider cpu|install onnxruntime-gpu|CUDA and cuDNN installed)", said)
    assert "runs on" not in said


def test_auto_without_a_gpu_takes_the_cpu_and_says_why(tiny_bundle: Path) -> None:
    said = start_without_gpu(tiny_bundle, "auto")

    assert re.search("provider auto: cpu, because (no NVIDIA|this build of|onnxruntime fell back)", said)
    assert re.search(r"model \w{12} runs on cpu in fp32", said)
    assert "refused" not in said
