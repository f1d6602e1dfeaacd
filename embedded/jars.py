"""The class path of Kafka: jars from Maven Central, fetched once, checked against the digests in ``jars.lock``."""

import hashlib
import logging
import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

from embedded.versions import KAFKA
from schemas.errors import StackError

LOCK = Path(__file__).with_name("jars.lock")
INSTEAD = "Or use any Kafka that you can reach, by --bootstrap-servers host:port."
INSTALL_EXTRA = f"The embedded servers are an extra: pip install '.[demo]' in a checkout. {INSTEAD}"

Fetch = Callable[[str, Path], Path]
Progress = Callable[[int, int], None]

log = logging.getLogger(__name__)


class Jar(NamedTuple):
    """One line of the lock file."""

    sha256: str
    coordinate: str

    @property
    def filename(self) -> str:
        """Its name in the cache folder."""
        _, artifact, version = self.coordinate.split(":")
        return f"{artifact}-{version}.jar"


def cache_folder() -> Path:
    """Where the jars stay between runs: below ``XDG_CACHE_HOME`` or ``~/.cache``."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "reviewstream" / f"kafka-{KAFKA}"


def locked_jars() -> list[Jar]:
    """All jars that Kafka needs, itself first."""
    return [Jar(*line.split()) for line in LOCK.read_text(encoding="ascii").splitlines()]


def fetch_from_maven(coordinate: str, scratch: Path) -> Path:
    """Download one jar into ``scratch``.

    Args:
        coordinate: ``group:artifact:version``.
        scratch: a folder of the caller.

    Returns:
        The jar's path below ``scratch``.

    Raises:
        StackError: the extra that brings the Maven client is not installed.
        OSError: Maven Central cannot be reached.
        RuntimeError: Maven Central does not have it.
    """
    try:
        from jgo.maven import MavenContext  # noqa: PLC0415 -- an extra, needed on the first run only
    except ModuleNotFoundError as error:
        raise StackError(INSTALL_EXTRA) from error
    path: Path = MavenContext(repo_cache=scratch).create_dependency(coordinate).artifact.resolve()
    return path


def class_path(
    folder: Path | None = None,
    fetch: Fetch = fetch_from_maven,
    progress: Progress | None = None,
    *,
    jars: Sequence[Jar] | None = None,
) -> list[Path]:
    """The jars of Kafka, downloaded if they are not there yet (46 files, 45 MB).

    Args:
        folder: where they are kept; the user's cache by default.
        fetch: brings one jar, see ``fetch_from_maven``.
        progress: called with (jars that are here, jars in all) after each download.
        jars: what is wanted; the lock file by default.

    Raises:
        StackError: a jar cannot be fetched, or is not the one that was locked.
    """
    folder = folder or cache_folder()
    jars = jars or locked_jars()
    missing = [jar for jar in jars if not (folder / jar.filename).exists()]
    if missing:
        log.info("fetching Kafka %s from Maven Central, once: %d jars into %s", KAFKA, len(missing), folder)
        folder.mkdir(parents=True, exist_ok=True)
        # Four at a time: the large ones fill the line, the small ones wait for the server.
        with tempfile.TemporaryDirectory(dir=folder) as scratch, ThreadPoolExecutor(4) as pool:
            downloads = [pool.submit(_add, jar, folder, Path(scratch), fetch) for jar in missing]
            try:
                for done, download in enumerate(as_completed(downloads), len(jars) - len(missing) + 1):
                    download.result()
                    if progress:
                        progress(done, len(jars))
            finally:
                pool.shutdown(cancel_futures=True)  # after an error the rest is not worth waiting for
    return [folder / jar.filename for jar in jars]


def _add(jar: Jar, folder: Path, scratch: Path, fetch: Fetch) -> None:
    """Fetch one jar, check it, and only then give it its name: what has a name is whole."""
    try:
        fetched = fetch(jar.coordinate, scratch)
    except (OSError, RuntimeError) as error:
        raise StackError(
            f"Kafka's {jar.coordinate} could not be fetched from Maven Central ({error}). "
            f"The first start needs the network, later ones do not. {INSTEAD}"
        ) from error
    digest = hashlib.sha256(fetched.read_bytes()).hexdigest()
    if digest != jar.sha256:
        raise StackError(
            f"{jar.coordinate} from Maven Central has the SHA-256 {digest}, not {jar.sha256} as locked: "
            f"it was refused. Something between here and Maven Central changes files. {INSTEAD}"
        )
    fetched.replace(folder / jar.filename)
