"""A broker whose disk is full, freed, and the broker started again: nothing is lost or doubled."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

import pytest
from harness import Rig
from impatience import IMPATIENT
from ledger import Ledger
from member import say
from waiting import eventually

from embedded import KafkaCluster

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]

FLOW = 200
DISK_MB = 48
DISK_FILLS = 3
SETTLE_S = 300.0


def test_the_disk_of_the_broker_is_full(make_rig: Callable[..., Rig], ledger: Ledger, tmp_path: Path) -> None:
    recoveries = []
    with (
        small_disk(tmp_path / "disk") as disk,
        KafkaCluster(
            data_dir=tmp_path / "kafka", settings={**IMPATIENT, "log.dirs": f"{disk}/data"}
        ) as cluster,
    ):
        rig = make_rig(servers=cluster.bootstrap_servers)
        rig.start("score")
        rig.start("aggregate")
        for _ in range(DISK_FILLS):
            with rig.feeding():
                rig.flow(FLOW, SETTLE_S)
                filler = fill(disk)
                eventually(lambda: not cluster.alive(0), SETTLE_S)
                say("the broker has ended by itself")
                cluster.stop_broker(0)
                filler.unlink()
                freed = time.monotonic()
                cluster.start_broker(0)
                say("started again")
                recoveries.append(rig.catch_up_since(freed, SETTLE_S))
            findings = rig.prove(SETTLE_S)
            say(f"disk full: exact, after {recoveries[-1]:.1f} s")
        for member in rig.members:
            assert member.job.stop() == 0, member.job.log
    ledger.add("disk of the only broker full; freed, and the broker started again", recoveries, findings)


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of ``DISK_MB``; only root may make one."""
    if os.geteuid() != 0:
        pytest.skip("making a small disk needs root")
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(disk: Path) -> Path:
    """A file that leaves no room on the disk."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left on device"):
        write_for_ever(file)
    return filler


def write_for_ever(file: FileIO) -> None:
    while True:
        file.write(bytes(4096))
