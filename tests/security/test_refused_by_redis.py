"""Every command that Redis does not let in, or denies something, says what to change; no count is lost by it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from certificates import Authority
from commands import PASSWORD, Run
from jobs import run_aggregator
from labelled import ScoredTopic, labelled, stream
from permissions import PAGE, redis_permissions
from raw_topics import Topics
from recounted import assert_equal
from secured_kafka import SecuredKafka
from secured_redis import SecuredRedis

from consumers.aggregate.view import COMMANDS, COMMANDS_TO_FORGET
from schemas.errors import ConfigurationError

EVENTS = 60
AGGREGATOR = "reviewstream-aggregate"

REFUSALS = {
    "another authority": "certificate of Redis is of an authority that we do not trust",
    "another host": "certificate of Redis is for another host",
    "expired": "certificate of Redis is out of date",
    "wrong password": "Redis does not take this user and password",
    "unknown user": "Redis does not take this user and password",
    "no certificate of ours": "Redis refuses TLS with us",
}


@pytest.fixture
def settings(topics: Topics, guarded: SecuredRedis, authority: Authority) -> Callable[..., dict[str, Any]]:
    """By which a user gets in; given ones differ."""

    def settings(user: str, **changes: Any) -> dict[str, Any]:
        return {
            "bootstrap_servers": topics.servers,
            "redis_url": guarded.url(user),
            "redis_password": PASSWORD,
            "redis_ssl_cafile": authority.certificate,
            **changes,
        }

    return settings


@pytest.mark.parametrize(
    ("command", "kind"),
    [("counts", kind) for kind in REFUSALS] + [("aggregate", "wrong password"), ("verify", "wrong password")],
)
def test_a_refused_command_says_what_to_change(
    run: Run,
    settings: Callable[..., dict[str, Any]],
    guarded: SecuredRedis,
    stranger: Authority,
    tmp_path: Path,
    command: str,
    kind: str,
) -> None:
    user = f"reviewstream-{command}"
    changes: dict[str, dict[str, Any]] = {
        "another authority": {"redis_ssl_cafile": stranger.certificate},
        "another host": {"redis_url": guarded.url(user, guarded.elsewhere)},
        "expired": {"redis_url": guarded.url(user, guarded.expired)},
        "wrong password": {"redis_url": guarded.url(f"{user}:guessed"), "redis_password": ""},
        "unknown user": {"redis_url": guarded.url("nobody")},
        "no certificate of ours": {"redis_url": guarded.url(user, guarded.mutual)},
    }
    arguments = ["kettle"] if command == "counts" else []

    outcome = run(settings(user, health_file=tmp_path / "healthy", **changes[kind]), command, *arguments)

    assert REFUSALS[kind] in outcome.said
    assert outcome.exit_code == ConfigurationError.exit_code
    assert not (tmp_path / "healthy").exists()
    assert PASSWORD not in outcome.said
    assert "guessed" not in outcome.said


def test_settings_may_come_by_options_and_by_the_environment(
    run: Run, settings: Callable[..., dict[str, Any]]
) -> None:
    given = settings("reviewstream-verify")
    url = given.pop("redis_url")

    assert run(given, "verify", "--redis-url", url).said.startswith("equal: ")


def test_a_certificate_of_ours_lets_us_in(
    run: Run, settings: Callable[..., dict[str, Any]], guarded: SecuredRedis, authority: Authority
) -> None:
    ours = authority.issue("redis-client", password=PASSWORD)
    address = {
        "redis_url": guarded.url("reviewstream-counts", guarded.mutual),
        "redis_ssl_certfile": ours.certificate,
        "redis_ssl_keyfile": ours.key,
        "redis_ssl_key_password": PASSWORD,
    }

    outcome = run(settings("reviewstream-counts", **address), "counts", "nobody-knows-it")

    assert outcome.said == "nothing counted for nobody-knows-it\n"


@pytest.mark.parametrize(
    ("rule", "named"),
    [
        ("-lpush", "LPUSH"),
        ("-expireat", "EXPIREAT"),
        ("-hgetall", "hgetall"),
        ("-evalsha", "evalsha"),
        ("-script|load", "script"),
        ("resetkeys", "reviewstream:product:"),
    ],
)
def test_a_missing_permission_of_the_aggregator_is_named_before_it_writes(
    run: Run,
    settings: Callable[..., dict[str, Any]],
    guarded: SecuredRedis,
    tmp_path: Path,
    rule: str,
    named: str,
) -> None:
    guarded.set_user(AGGREGATOR, rule)
    try:
        outcome = run(settings(AGGREGATOR, health_file=tmp_path / "healthy"), "aggregate")
    finally:
        guarded.allow(AGGREGATOR)

    assert "Redis denies this user" in outcome.said
    assert named in outcome.said
    assert outcome.exit_code == ConfigurationError.exit_code
    assert not (tmp_path / "healthy").exists()


@pytest.mark.parametrize(("job", "command"), [("counts", "hgetall"), ("verify", "scan")])
def test_a_missing_permission_of_a_reader_is_named(
    run: Run, settings: Callable[..., dict[str, Any]], guarded: SecuredRedis, job: str, command: str
) -> None:
    user = f"reviewstream-{job}"
    guarded.set_user(user, f"-{command}")
    try:
        outcome = run(settings(user), job, *(["kettle"] if job == "counts" else []))
    finally:
        guarded.allow(user)

    assert "Redis denies this user" in outcome.said
    assert command in outcome.said
    assert outcome.exit_code == ConfigurationError.exit_code


def test_the_page_allows_the_scripts_all_that_they_do_and_nothing_more() -> None:
    called_directly = {"+script|load", "+evalsha", "+hgetall"}
    allowed = {rule for rule in redis_permissions()[AGGREGATOR] if rule.startswith("+")}

    assert allowed - called_directly == {f"+{command.lower()}" for command in COMMANDS}


def test_the_page_names_what_forgetting_labels_needs_beside_that() -> None:
    (more,) = set(COMMANDS_TO_FORGET) - set(COMMANDS)

    assert (
        f"With `label_retention`, `{AGGREGATOR}` and `reviewstream-rebuild` need `+{more.lower()}` too"
        in PAGE
    )


def test_a_running_aggregator_that_loses_its_keys_stops_and_its_successor_counts_all(
    secured: SecuredKafka,
    settings: Callable[..., dict[str, Any]],
    guarded: SecuredRedis,
    topic_prefix: str,
) -> None:
    with ScoredTopic(secured.plain, topic_prefix, 2, guarded.plain) as scored, guarded.admin() as redis:
        scored.prefix = f"reviewstream:{scored.prefix}"  # the keys that the page allows
        access = {name: value for name, value in settings(AGGREGATOR).items() if name.startswith("redis_")}
        as_aggregator = scored.settings(**access)
        scored.publish(*stream(EVENTS))

        running = run_aggregator(as_aggregator)
        assert_equal(scored, redis)
        guarded.set_user(AGGREGATOR, "resetkeys")
        try:
            scored.publish(labelled("late"))
            with pytest.raises(ConfigurationError, match="Redis denies"):
                running.join()
        finally:
            guarded.allow(AGGREGATOR)
        with run_aggregator(as_aggregator):
            assert_equal(scored, redis)
