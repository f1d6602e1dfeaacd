"""``reviewstream redrive --all --yes``, killed at a named step of its first transaction."""

import os
import signal
import sys
from functools import partial
from typing import Any

from kafka import KafkaProducer

import console.redrive
from console.main import cli
from consumers.redrive.put_back import Redrive

STEPS = ("copies stored", "markers stored", "committed")


class MortalProducer(KafkaProducer):  # type: ignore[misc]
    """Does its work, and dies after one step of it."""

    def flush(self, timeout: Any = None) -> None:
        super().flush(timeout)
        die_at("copies stored")

    def commit_transaction(self) -> None:
        super().flush()
        die_at("markers stored")
        super().commit_transaction()
        die_at("committed")


def die_at(step: str) -> None:
    if step == sys.argv[1]:
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    console.redrive.Redrive = partial(Redrive, make_producer=MortalProducer)  # type: ignore[misc]
    cli(["redrive", "--all", "--yes"])
