"""``reviewstream`` in this process, with its exit code and what it says."""

import contextlib
import io
import logging
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from console.main import main
from schemas.settings_base import ENVIRONMENT_PREFIX

PASSWORD = "correct horse battery staple"

AsUser = Callable[..., dict[str, Any]]
"""The settings by which a user gets in, with changes."""


@dataclass(frozen=True)
class Outcome:
    """How a command ended; ``said`` is all that it wrote or logged."""

    exit_code: int
    said: str


Run = Callable[..., Outcome]
"""Takes settings and the arguments of a command."""


def reviewstream(*arguments: str, settings: Mapping[str, object], monkeypatch: pytest.MonkeyPatch) -> Outcome:
    """Run a command with these settings in the environment."""
    said = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    logs = logging.StreamHandler(said)
    with monkeypatch.context() as patches, _signals_kept():
        for name, value in settings.items():
            patches.setenv(f"{ENVIRONMENT_PREFIX}{name.upper()}", str(value))
        patches.setattr(sys, "argv", ["reviewstream", *arguments])
        logging.getLogger().addHandler(logs)
        try:
            with (
                contextlib.redirect_stdout(said),
                contextlib.redirect_stderr(said),
                pytest.raises(SystemExit) as end,
            ):
                main()
        finally:
            logging.getLogger().removeHandler(logs)
    said.seek(0)
    return Outcome(int(end.value.code or 0), said.read())


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """A command that stops in order installs handlers, which belong to the process."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)
