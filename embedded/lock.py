"""Write ``jars.lock``: all that the roots in ``versions`` need, with digests. Run as ``python -m embedded.lock``."""

import hashlib
import tempfile
from pathlib import Path

from embedded.jars import LOCK, Jar
from embedded.versions import ROOTS


def resolve(roots: tuple[str, ...], scratch: Path) -> list[Jar]:
    """Walk the dependency graph on Maven Central and digest every jar, the roots first."""
    from jgo.maven import MavenContext  # noqa: PLC0415 -- an extra

    maven = MavenContext(repo_cache=scratch)
    inputs, needed = maven.resolver.resolve([maven.create_dependency(root) for root in roots])
    artifacts = [dependency.artifact for dependency in (*inputs, *sorted(needed, key=str))]
    return [
        Jar(
            hashlib.sha256(artifact.resolve().read_bytes()).hexdigest(),
            f"{artifact.groupId}:{artifact.artifactId}:{artifact.version}",
        )
        for artifact in artifacts
    ]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        LOCK.write_text("".join(f"{jar.sha256} {jar.coordinate}\n" for jar in resolve(ROOTS, Path(folder))))
