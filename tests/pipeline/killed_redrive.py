"""A process that redrives every letter and is killed at a named step of its first transaction."""

import os
import signal
import sys
from typing import Any

from kafka import KafkaProducer

from consumers.read.letters import LetterFilter
from consumers.redrive.plan import make_plan
from consumers.redrive.put_back import Redrive
from schemas.settings import KafkaSettings

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
    settings = KafkaSettings()
    Redrive(settings, make_producer=MortalProducer).run(make_plan(settings, LetterFilter()).going)
