"""Processes that hang and wake up again, or whose transaction is taken from them meanwhile: the late work is refused."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from signal import SIGCONT, SIGSTOP

import pytest
from harness import Rig
from kafka import KafkaAdminClient
from ledger import Ledger
from member import Member
from raw_topics import members
from steps import STEPS, Step, Strike
from strikes import NAMES
from waiting import eventually

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]
"""In every run, tests/pipeline suspends a scorer and an aggregator once each."""

LONG_TRANSACTION_S = 2
LONG_SESSION_S = 30


def suspend_and_replace(rig: Rig, role: str, step: Step) -> float:
    """A member hangs at a step until another has all of its work, and wakes up; returns the seconds to its next work."""
    group = rig.settings[{"score": "scorer_group", "aggregate": "aggregator_group"}[role]]
    sleeper = rig.start(role, "sleeper", Strike(step, passage=3, signal=SIGSTOP))
    rig.start(role, "other")
    sleeper.wait_until("struck")
    eventually(lambda: members(rig.topics.servers, group) == 1, 120)
    rig.catch_up()
    sleeper.job.send(SIGCONT)
    resumed = time.monotonic()
    eventually(lambda: members(rig.topics.servers, group) == 2, 120)
    recovery = rig.catch_up_since(resumed)
    assert sleeper.job.stop() == 0, sleeper.job.log
    assert_refused(sleeper, step)
    return recovery


def assert_refused(sleeper: Member, step: Step) -> None:
    """What it held when it fell asleep must not have been taken from it when it woke up."""
    if step in {Step.SENT, Step.OFFSETS_SENT, Step.POLLED, Step.SCORED} and sleeper.role == "score":
        assert "batch not committed" in sleeper.job.log
    if step is Step.BEFORE_APPLY:
        assert "Redis is not as we left it" in sleeper.job.log


@pytest.mark.parametrize(
    ("scoring", "counting"), list(zip(cycle(STEPS["score"]), STEPS["aggregate"], strict=False))
)
def test_a_process_that_hangs_past_its_session_is_fenced_when_it_wakes_up(
    make_rig: Callable[..., Rig], ledger: Ledger, scoring: Step, counting: Step
) -> None:
    rig = make_rig()
    steps = {"score": scoring, "aggregate": counting}

    with rig.feeding(), ThreadPoolExecutor() as threads:
        recoveries = dict(
            zip(
                steps,
                threads.map(lambda role: suspend_and_replace(rig, role, steps[role]), steps),
                strict=True,
            )
        )

    findings = rig.prove()
    for role, recovery in recoveries.items():
        ledger.add(f"Suspended past its session, then resumed: {NAMES[role]}", [recovery], findings)


def test_a_transaction_that_times_out_is_done_again(make_rig: Callable[..., Rig], ledger: Ledger) -> None:
    patient = {"session_timeout": str(LONG_SESSION_S), "transaction_timeout": str(LONG_TRANSACTION_S)}
    rig = make_rig()
    rig.start("aggregate")
    recoveries = []

    with rig.feeding():
        for step in (Step.SENT, Step.OFFSETS_SENT):
            scorer = rig.start("score", step.name.lower(), Strike(step, passage=5, signal=SIGSTOP), **patient)
            scorer.wait_until("struck")
            transactional_id = f"{rig.topics.group}-{scorer.instance}"
            eventually(lambda name=transactional_id: was_aborted(rig, name), 120)
            scorer.job.send(SIGCONT)
            recoveries.append(rig.catch_up_since(time.monotonic()))
            assert scorer.job.stop() == 0, scorer.job.log
            assert "batch not committed" in scorer.job.log
    rig.start("score")

    ledger.add("Transaction timeout passed, its process suspended meanwhile", recoveries, rig.prove())


def was_aborted(rig: Rig, transactional_id: str) -> bool:
    """Whether the broker has ended the open transaction by itself."""
    with KafkaAdminClient(bootstrap_servers=rig.topics.servers) as admin:
        described = admin.describe_transactions([transactional_id])[transactional_id]
    return bool(described.state == "CompleteAbort")
