"""Lend the torch of one Python to the environment of another, by links: torch and what it needs, nothing else."""

import subprocess
from pathlib import Path

_FILES = """
import importlib.metadata as metadata, re
found, waiting = {}, ["torch"]
while waiting:
    name = re.sub(r"[-_.]+", "-", re.match(r"[\\w.-]+", waiting.pop())[0]).lower()
    if name in found or name in {"numpy", "pip", "setuptools"}:
        continue
    try:
        found[name] = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        continue
    waiting += [need for need in found[name].requires or () if "extra ==" not in need]
tops = {file.parts[0] for one in found.values() for file in one.files or () if file.parts[0] not in {"..", "__pycache__"}}
print(*sorted(str(found["torch"].locate_file(top)) for top in tops), sep="\\n")
"""


def link_torch(giver: Path, taker: Path) -> None:
    """Make links in the environment of ``taker``, both given by their Python; the two must be of one release."""
    files = _output(giver, _FILES).splitlines()
    site = Path(_output(taker, "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    for file in map(Path, files):
        if not (site / file.name).exists():
            (site / file.name).symlink_to(file)


def _output(python: Path, code: str) -> str:
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout
