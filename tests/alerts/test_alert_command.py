"""``alerts`` as its users start it: killed at the worst moment, ended in order, and only trying."""

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from day_counts import put_days
from receiver import Receiver
from redis import Redis
from watching import Watches

from alerts.watch import clock_of, run
from console.main import cli
from consumers.process import Health, Shutdown
from embedded import ValkeyServer
from schemas.errors import ConfigurationError, ServerUnavailable
from schemas.redis_keys import ViewKeys

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
PATIENCE_S = 60

Invoke = Callable[..., Result]


@pytest.fixture
def environment(
    valkey: ValkeyServer, redis_prefix: str, receiver: Receiver, tmp_path: Path
) -> dict[str, str]:
    (tmp_path / "rules.toml").write_text('[[rules]]\nname = "sudden"\n')
    return {
        "REVIEWSTREAM_REDIS_URL": valkey.url,
        "REVIEWSTREAM_REDIS_PREFIX": redis_prefix,
        "REVIEWSTREAM_ALERT_RULES": str(tmp_path / "rules.toml"),
        "REVIEWSTREAM_WEBHOOK_URL": receiver.url,
        "REVIEWSTREAM_WEBHOOK_SECRET": SECRET,
        "REVIEWSTREAM_WEBHOOK_TIMEOUT": "0.5",
    }


@pytest.fixture
def invoke(environment: dict[str, str]) -> Invoke:
    """Runs the command in this process."""
    return lambda *arguments: CliRunner().invoke(cli, ["alerts", *arguments], env=environment)


@pytest.fixture
def start(environment: dict[str, str]) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "console.main", "alerts"]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | environment)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def unhappy(redis: Redis, keys: ViewKeys, product_id: str, since: date) -> None:
    """As usual for a month, and then not."""
    usual = {since - timedelta(days=ago): (20, 1) for ago in range(1, 31)}
    put_days(redis, keys, product_id, usual | {since: (30, 20)})


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        pause.wait(0.02)


def test_a_process_killed_between_sending_and_noting_has_a_successor_that_sends_it_again(
    redis: Redis, keys: ViewKeys, receiver: Receiver, start: Callable[[], subprocess.Popen[str]]
) -> None:
    unhappy(redis, keys, "kettle", clock_of(redis)().date())
    first = start()
    receiver.before_answering = first.kill
    assert first.wait(PATIENCE_S) == -signal.SIGKILL
    receiver.before_answering = lambda: None

    second = start()
    eventually(lambda: len(receiver.received) == 2)
    second.send_signal(signal.SIGTERM)
    _, said = second.communicate(timeout=PATIENCE_S)

    assert second.returncode == 0
    assert len(set(receiver.ids)) == 1
    assert f"{receiver.ids[0]} is delivered" in said
    assert SECRET not in said
    assert SECRET.removeprefix("whsec_") not in said
    assert receiver.url not in said


def test_a_dry_run_shows_what_would_have_fired_and_sends_nothing(
    redis: Redis, keys: ViewKeys, receiver: Receiver, invoke: Invoke
) -> None:
    unhappy(redis, keys, "kettle", date(2026, 3, 20))
    unhappy(redis, keys, "pan\x1b[31m", date(2026, 3, 22))

    result = invoke("--dry-run", "--from", "2026-03-10", "--to", "2026-03-31")

    assert result.exit_code == 0
    words = " ".join(result.stdout.split())
    assert "2026-03-20 2026-03-21 sudden 2e-12 kettle: 21 of 50 are strongly negative" in words
    assert "\x1b" not in result.stdout
    assert (
        "rule sudden: 2 from 2026-03-10 to 2026-03-31, 2 products watched; by chance alone at most 0.22 in this time"
        in words
    )
    assert receiver.received == []
    assert list(redis.scan_iter(f"{{{keys.prefix}alerts*")) == []


def test_a_dry_run_as_json_has_what_an_alert_has(redis: Redis, keys: ViewKeys, invoke: Invoke) -> None:
    unhappy(redis, keys, "kettle", date(2026, 3, 20))

    (rule,) = json.loads(invoke("--dry-run", "--to", "2026-03-31", "--json").stdout)["rules"]

    (incident,) = rule["incidents"]
    assert (rule["rule"], rule["products_watched"]) == ("sudden", 1)
    assert (incident["product_id"], incident["opened"], incident["last"]) == (
        "kettle",
        "2026-03-20",
        "2026-03-21",
    )
    assert (incident["reviews"], incident["strong_negative"]) == (50, 21)
    assert incident["p"] <= incident["level"]


def test_days_on_which_a_rule_holds_are_one_incident_unless_its_quiet_time_lies_between(
    redis: Redis, keys: ViewKeys, environment: dict[str, str], invoke: Invoke
) -> None:
    first = date(2026, 3, 1)
    usual = {first - timedelta(days=ago): (20, 1) for ago in range(1, 60)}
    bad = {first + timedelta(days=day): (30, 20) for day in (0, 2, 9)}
    put_days(redis, keys, "kettle", usual | bad)
    Path(environment["REVIEWSTREAM_ALERT_RULES"]).write_text(
        '[[rules]]\nname = "sudden"\nwindow_days = 1\nquiet_days = 3\n'
    )

    (rule,) = json.loads(invoke("--dry-run", "--to", "2026-03-15", "--json").stdout)["rules"]

    spans = [(one["opened"], one["last"]) for one in rule["incidents"]]
    assert spans == [("2026-03-01", "2026-03-03"), ("2026-03-10", "2026-03-10")]


def test_an_empty_redis_has_nothing_to_show(invoke: Invoke) -> None:
    result = invoke("--dry-run")

    assert result.exit_code == 0
    assert "rule sudden: 0 from" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--dry-run", "--from", "2026-03-10", "--to", "2026-03-01"], "before it begins"),
        (["--dry-run", "--to", "2999-01-01"], "lies in the future"),
        (["--dry-run", "--alert-rules", "/nowhere.toml"], "cannot be read"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_read(
    arguments: list[str], told: str, invoke: Invoke
) -> None:
    result = invoke(*arguments)

    assert isinstance(result.exception, ConfigurationError)
    assert told in str(result.exception)


def test_options_of_a_dry_run_are_refused_without_one(invoke: Invoke) -> None:
    result = invoke("--json")

    assert result.exit_code == 2
    assert "--json belong to --dry-run" in result.output


def test_a_redis_that_is_away_is_waited_for_and_then_it_goes_on(
    watch: Watches, receiver: Receiver, redis_prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    with ValkeyServer(appendonly=True) as own, Redis.from_url(own.url, decode_responses=True) as redis:
        unhappy(redis, ViewKeys(redis_prefix), "kettle", datetime.now(UTC).date())
        own.kill()
        watching, shutdown = watch(redis=redis, now=clock_of(redis)), Shutdown(5)
        thread = threading.Thread(
            target=run, args=[watching, shutdown, Health(None), PATIENCE_S], daemon=True
        )
        thread.start()
        eventually(lambda: "trying again" in caplog.text)
        own.restart()

        eventually(lambda: len(receiver.received) == 1)

        shutdown.request()
        thread.join(PATIENCE_S)
    assert not thread.is_alive()


def test_a_redis_that_stays_away_ends_the_process_with_the_reason(watch: Watches) -> None:
    with ValkeyServer() as own:
        gone = Redis.from_url(own.url, decode_responses=True, retry=None)
    times = iter([0.0, 61.0, 62.0])

    with pytest.raises(ServerUnavailable, match=r"Redis was away for 62 s"):
        run(watch(redis=gone, now=clock_of(gone)), Shutdown(5), Health(None), 60, lambda: next(times))
