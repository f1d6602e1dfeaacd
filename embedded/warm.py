"""Let Java remember what a start of Kafka loads, so that later ones take half the time: ``python -m embedded.warm``.

It takes fifteen seconds and 65 MB below the user's cache, once; worth it before tests that start many brokers.
"""

import sys
from pathlib import Path

from embedded.java import start_cache
from embedded.kafka import KafkaCluster

_GRACE = 300.0  # seconds; Java compiles and writes the file while it ends, in ten seconds on two cores


def warm() -> Path:
    """Write the file that ``java_command`` looks for, unless it is there; returns its path.

    Raises:
        StackError: Kafka cannot be fetched or does not start.
        PackageNotFoundError: the extra is not installed.
    """
    target = start_cache()
    if not target.exists():
        made = target.with_suffix(".new")
        with KafkaCluster(java_options=[f"-XX:AOTCacheOutput={made}"]) as cluster:
            cluster.stop_broker(0, _GRACE)
        made.replace(target)
    return target


if __name__ == "__main__":
    sys.stdout.write(f"{warm()}\n")
