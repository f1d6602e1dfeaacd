"""Keep the cores of a virtual machine from being taken away whenever they are idle."""

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def awake() -> Iterator[None]:
    """Busy every core at the lowest priority of all (Linux's ``SCHED_IDLE``) while the body runs.

    Whatever else wants a core has it at once. But a core that is never idle needs no hypervisor to wake it.
    """
    spinners = [
        multiprocessing.Process(target=_spin, args=(core,), daemon=True) for core in os.sched_getaffinity(0)
    ]
    for spinner in spinners:
        spinner.start()
    try:
        yield
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.join()


def _spin(core: int) -> None:
    os.sched_setaffinity(0, {core})
    os.nice(19)  # so that /proc/stat counts it apart from work
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    while True:
        pass
