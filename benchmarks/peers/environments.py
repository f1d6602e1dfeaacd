"""A virtual environment for each peer, so that none has to live with the releases that another one wants."""

import hashlib
import subprocess
import sys
from pathlib import Path

from benchmarks.peers.torch_link import link_torch

REQUIREMENTS = Path(__file__).parent / "requirements"


class PeerFailed(Exception):  # noqa: N818 -- what happened, told in the row of the peer
    """It cannot be installed, or it ended or hung before it was done."""


def environment(name: str, cache: Path, torch_from: Path | None = None) -> Path:
    """The Python of the peer's environment, which is made if its requirements are new.

    Args:
        name: of the file in ``requirements/``.
        cache: where environments are kept.
        torch_from: a Python whose torch is used where the peer needs one, in place of a download of gigabytes.

    Raises:
        PeerFailed: with the end of what pip said.
    """
    requirements = REQUIREMENTS / f"{name}.txt"
    wanted = requirements.read_text()
    digest = hashlib.sha256(f"{sys.version_info[:2]} {torch_from} {wanted}".encode()).hexdigest()[:12]
    folder = cache / f"{name}-{digest}"
    python, done = folder / "bin" / "python", folder / "complete"
    if done.exists():
        return python
    print(f"installing {name} into {folder}", flush=True)
    _run(sys.executable, "-m", "venv", "--clear", str(folder))
    if torch_from is not None and "torch" in wanted:
        link_torch(torch_from, python)
    _run(str(python), "-m", "pip", "install", "--quiet", "--requirement", str(requirements))
    done.touch()
    return python


def _run(*command: str) -> None:
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise PeerFailed("not installed: " + (ended.stderr or ended.stdout).strip()[-500:])
