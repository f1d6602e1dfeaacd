"""Explanations from a process of their own are those of this one, and a process that dies is started anew."""

import multiprocessing
import os
import signal
from pathlib import Path

import pytest
from waiting import eventually

from consumers.explain.apart import ExplainerApart
from consumers.explain.occlusion import Explanation
from consumers.explain.start import start_explaining
from consumers.infer.runner import RunFailure
from schemas.errors import BundleError, ProviderError

TEXT = "awful kettle, wonderful tent, wonderful lamp"


def test_it_explains_as_this_process_would_and_survives_the_death_of_its_own(tiny_bundle: Path) -> None:
    apart = ExplainerApart(tiny_bundle)
    expected = start_explaining(tiny_bundle)(TEXT)

    assert apart(TEXT) == expected
    (process,) = multiprocessing.active_children()
    process.kill()
    eventually(lambda: not multiprocessing.active_children())
    assert apart(TEXT) == expected
    for child in multiprocessing.active_children():
        child.terminate()


def end(_folder: Path | None, _text: str) -> Explanation | RunFailure:
    """Ends the process as the system does where memory is short."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def test_a_process_that_ends_again_is_no_model() -> None:
    with pytest.raises(ProviderError, match="is memory short"):
        ExplainerApart(None, end)(TEXT)


def test_a_damaged_bundle_is_told_as_it_would_be_here(tmp_path: Path) -> None:
    with pytest.raises(BundleError):
        ExplainerApart(tmp_path)(TEXT)
