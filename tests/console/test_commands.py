import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from redis import Redis

from console.main import SUBCOMMANDS, cli
from embedded import KafkaCluster, ValkeyServer
from schemas.errors import MissingTopic
from schemas.redis_keys import Ranking, ViewKeys

Run = Callable[..., Result]


@pytest.fixture
def environment(
    kafka: KafkaCluster, valkey: ValkeyServer, topic_prefix: str, redis_prefix: str
) -> dict[str, str]:
    """The test servers, with topics and keys of the test's own."""
    return {
        "REVIEWSTREAM_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "REVIEWSTREAM_REDIS_URL": valkey.url,
        "REVIEWSTREAM_REDIS_PREFIX": redis_prefix,
        "REVIEWSTREAM_RAW_TOPIC": f"{topic_prefix}raw",
        "REVIEWSTREAM_SCORED_TOPIC": f"{topic_prefix}scored",
        "REVIEWSTREAM_DEAD_LETTER_TOPIC": f"{topic_prefix}dlq",
        "REVIEWSTREAM_LABELS_TOPIC": f"{topic_prefix}labels",
    }


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    """Runs a subcommand in this process."""
    return lambda *arguments, **options: CliRunner().invoke(cli, arguments, env=environment, **options)


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_every_subcommand_has_help(name: str) -> None:
    result = CliRunner().invoke(cli, [name, "--help"])
    assert result.exit_code == 0
    assert "Usage:" in result.output


def test_a_setting_is_named_alike_as_option_and_variable() -> None:
    output = CliRunner().invoke(cli, ["aggregate", "--help"]).output
    assert "--redis-url" in output
    assert "REVIEWSTREAM_REDIS_URL" in output


def test_a_value_that_is_not_allowed_names_option_and_variable(run: Run) -> None:
    result = run("init", "--partitions", "0")
    assert result.exit_code == click.UsageError.exit_code
    assert "--partitions (REVIEWSTREAM_PARTITIONS)" in result.output


def test_init_creates_the_topics_and_leaves_existing_ones_alone(run: Run) -> None:
    assert run("init").output.count("created") == 4
    assert run("init").output.count("exists already") == 4


def test_publish_reports_a_bad_line_by_its_number_and_delivers_the_rest(run: Run, tmp_path: Path) -> None:
    run("init")
    good = json.dumps({"review_id": "r1", "product_id": "p1", "text": "Fine."})
    file = tmp_path / "reviews.jsonl"
    file.write_text(f"{good}\nnonsense\n{good}\n")
    result = run("publish", str(file))
    assert f"{file}:2: invalid_json" in result.stderr
    assert "3 read, 2 delivered, 1 bad" in result.stdout
    assert result.exit_code == 1


def test_publish_reads_standard_input(run: Run, environment: dict[str, str]) -> None:
    run("init")
    line = json.dumps({"review_id": "r1", "product_id": "p1", "text": "Fine."})
    command = [sys.executable, "-m", "console.main", "publish", "-"]
    done = subprocess.run(
        command, input=line, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "1 read, 1 delivered\n")


def test_the_process_leaves_with_the_exit_code_of_its_command(environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "console.main", "counts", "nobody-knows-it"]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "nothing counted for nobody-knows-it\n")


def test_an_error_of_ours_is_one_line_with_its_exit_code(environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "console.main", "verify"]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    assert done.returncode == MissingTopic.exit_code
    assert done.stderr.startswith("reviewstream: missing: ")
    assert done.stderr.count("\n") == 1


def test_counts_of_an_unknown_product_say_so(run: Run) -> None:
    result = run("counts", "nobody-knows-it")
    assert result.exit_code == 1
    assert "nothing counted for nobody-knows-it" in result.stderr


def test_counts_show_the_top_of_a_ranking(run: Run, valkey: ValkeyServer, redis_prefix: str) -> None:
    keys = ViewKeys(redis_prefix)
    with Redis.from_url(valkey.url, decode_responses=True) as redis:
        redis.zadd(keys.ranking(Ranking.NEGATIVE), {"worst": 7, "better": 2})
        for product, negative in (("worst", 7), ("better", 2)):
            mapping = {"reviews": 9, "negative": negative, "score_sum": "1.500000"}
            redis.hset(keys.product(product), mapping=mapping)
    output = run("counts", "--top", "negative").output
    assert output.index("worst") < output.index("better")


def test_counts_need_products_or_a_ranking(run: Run) -> None:
    assert run("counts").exit_code == click.UsageError.exit_code


def test_verify_of_an_empty_view_of_an_empty_topic_is_equal(run: Run, tmp_path: Path) -> None:
    run("init")
    receipt = tmp_path / "receipt.json"
    result = run("verify", "--json", str(receipt))
    assert result.exit_code == 0
    assert json.loads(receipt.read_text())["verdict"] == "equal"


def test_a_rebuilt_view_is_verified(run: Run) -> None:
    run("init")
    rebuilt = run("rebuild")
    assert rebuilt.stdout.startswith("rebuilt from 0 records of test-")
    assert run("verify").stdout.startswith("equal: 0 records")


def test_an_aborted_rebuild_says_that_nothing_changed(run: Run, redis_prefix: str) -> None:
    assert run("rebuild", "--abort").stdout == f"{redis_prefix}* is as it was before the rebuild\n"


def test_doctor_names_what_is_missing_and_what_to_do(run: Run) -> None:
    before = run("doctor", "--provider", "cpu")
    assert before.exit_code == 1
    assert "reviewstream init" in before.output
    run("init")
    after = run("doctor", "--provider", "cpu")
    assert after.exit_code == 0, after.output
