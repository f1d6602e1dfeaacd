"""Scorers whose wall clocks are wrong: order and counts do not depend on them."""

import time
from collections.abc import Callable

import pytest
from harness import Rig
from ledger import Ledger

from schemas.errors import ServerUnavailable

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

HALF_AN_HOUR = 1800
TWO_HOURS = 7200
"""Kafka refuses records that are more than an hour ahead of its own clock."""

OUTAGE_S = 8
ROUNDS = 4


def test_a_clock_that_jumps_back_and_forth_between_lives(
    make_rig: Callable[..., Rig], ledger: Ledger
) -> None:
    rig = make_rig()
    rig.start("aggregate")
    scorer = rig.member("score")
    recoveries = []

    with rig.feeding():
        for number in range(ROUNDS):
            shift = HALF_AN_HOUR if number % 2 else -HALF_AN_HOUR
            scorer.start(FAULTS_CLOCK_SHIFT=str(shift))
            started = time.monotonic()
            recoveries.append(scorer.wait_until("working") - started)
            rig.flow(200)
            scorer.job.kill()
    scorer.start()

    ledger.add("Clock of a scorer moved back or on by half an hour, between lives", recoveries, rig.prove())


def test_a_clock_that_is_so_wrong_that_kafka_refuses_it_stops_the_scorer_and_loses_nothing(
    make_rig: Callable[..., Rig], ledger: Ledger
) -> None:
    rig = make_rig()
    rig.start("aggregate")
    scorer = rig.member("score", outage_deadline=str(OUTAGE_S))

    with rig.feeding():
        scorer.start(FAULTS_CLOCK_SHIFT=str(TWO_HOURS))
        code = scorer.job.wait(120)
        mended = time.monotonic()
        recovery = scorer.start().wait_until("working") - mended

    findings = rig.prove()
    assert code == ServerUnavailable.exit_code, scorer.job.log
    assert "InvalidTimestamp" in scorer.job.log
    ledger.add("Clock of a scorer two hours ahead, refused by Kafka, then mended", [recovery], findings)
