"""Days pass between kills, and labels are forgotten: the counts follow the rule over each product's events alone."""

import time
from collections.abc import Callable

import pytest
from harness import Rig
from ledger import Ledger
from steps import FORGETTING_STEPS, STEPS, Strike

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

RETENTION_DAYS = 4
DAYS_A_LIFE = 3
"""By which the clock of the scorer moves on between its lives: some corrections come in time, and some too late."""

SECONDS_A_DAY = 86_400


def test_days_pass_and_an_aggregator_that_forgets_is_killed_at_each_of_its_steps(
    make_rig: Callable[..., Rig], ledger: Ledger
) -> None:
    steps = (*STEPS["aggregate"], *FORGETTING_STEPS)
    rig = make_rig(label_retention=str(RETENTION_DAYS))
    scorer, aggregator = rig.member("score"), rig.member("aggregate")
    recoveries = []

    with rig.feeding():
        for number, step in enumerate(steps):
            behind = (len(steps) - number) * DAYS_A_LIFE * SECONDS_A_DAY
            scorer.start(FAULTS_CLOCK_SHIFT=str(-behind))
            aggregator.start(Strike(step, passage=3))
            rig.flow(200)
            aggregator.expect_killed()
            struck = time.monotonic()
            recoveries.append(aggregator.start().wait_until("working") - struck)
            rig.flow(100)
            for member in (scorer, aggregator):
                member.job.kill()
    scorer.start()
    aggregator.start()

    ledger.add("SIGKILL of aggregators while days pass and labels are forgotten", recoveries, rig.prove())
