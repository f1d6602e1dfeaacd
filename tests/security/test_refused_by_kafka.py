"""Every command that Kafka does not let in says at once what to change, and leaves with the code of a configuration error."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from certificates import Authority
from commands import PASSWORD, AsUser, Run
from secured_kafka import ELSEWHERE, EXPIRED, MUTUAL, PLAIN_USER, SASL, SecuredKafka

from schemas.errors import ConfigurationError, ServerUnavailable

COMMANDS = ("init", "score", "aggregate", "publish", "tail", "verify", "doctor")

REFUSALS = {
    "another authority": "of an authority that we do not trust",
    "another host": "for another host",
    "expired": "out of date",
    "wrong password": "does not take this user and password",
    "unknown user": "does not take this user and password",
}


@pytest.fixture
def refused(
    as_user: AsUser, secured: SecuredKafka, stranger: Authority
) -> Callable[[str, str], dict[str, Any]]:
    """Settings of a command's user that one kind of refusal meets."""

    def settings(command: str, kind: str) -> dict[str, Any]:
        changes: dict[str, dict[str, Any]] = {
            "another authority": {"ssl_cafile": stranger.certificate},
            "another host": {"bootstrap_servers": secured.addresses[ELSEWHERE]},
            "expired": {"bootstrap_servers": secured.addresses[EXPIRED]},
            "wrong password": {"sasl_password": "guessed"},
            "unknown user": {"sasl_username": "nobody"},
        }
        return as_user(f"reviewstream-{command}", **changes[kind])

    return settings


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        *((command, "wrong password") for command in COMMANDS),
        *((command, kind) for command in ("score", "tail") for kind in REFUSALS if kind != "wrong password"),
    ],
)
def test_a_refused_command_says_what_to_change(
    run: Run,
    refused: Callable[[str, str], dict[str, Any]],
    command: str,
    kind: str,
    reviews: Path,
    tmp_path: Path,
    redis_url: str,
) -> None:
    arguments = {"publish": [str(reviews)], "doctor": ["--provider", "cpu"]}.get(command, [])
    settings = {**refused(command, kind), "health_file": tmp_path / "healthy", "redis_url": redis_url}

    outcome = run(settings, command, *arguments)

    assert REFUSALS[kind] in outcome.said
    assert outcome.exit_code == (1 if command == "doctor" else ConfigurationError.exit_code)
    assert not (tmp_path / "healthy").exists()
    assert PASSWORD not in outcome.said
    assert "guessed" not in outcome.said


@pytest.fixture(scope="session")
def redis_url(valkey: Any) -> str:
    return str(valkey.url)


def test_a_certificate_is_asked_for_where_brokers_want_one(
    run: Run, secured: SecuredKafka, authority: Authority, stranger: Authority
) -> None:
    address = {
        "bootstrap_servers": secured.addresses[MUTUAL],
        "security_protocol": "SSL",
        "ssl_cafile": authority.certificate,
    }
    theirs = stranger.issue("reviewstream-init")

    for certificate in ({}, {"ssl_certfile": theirs.both}):
        outcome = run(address | certificate, "init")
        assert "check the port, and our certificate and key" in outcome.said
        assert outcome.exit_code == ConfigurationError.exit_code


def test_a_certificate_with_a_sealed_key_lets_us_in(
    run: Run, secured: SecuredKafka, authority: Authority, tmp_path: Path
) -> None:
    ours = authority.issue("reviewstream-init", password=PASSWORD)
    (tmp_path / "password").write_text(f"{PASSWORD}\n")

    outcome = run(
        {
            "bootstrap_servers": secured.addresses[MUTUAL],
            "security_protocol": "SSL",
            "ssl_cafile": authority.certificate,
            "ssl_certfile": ours.certificate,
            "ssl_keyfile": ours.key,
            "ssl_key_password_file": tmp_path / "password",
        },
        "init",
    )

    assert (outcome.exit_code, outcome.said.count("reviews.")) == (0, 4)


def test_a_listener_that_wants_tls_is_named_at_once(run: Run, secured: SecuredKafka) -> None:
    outcome = run({"bootstrap_servers": secured.addresses[SASL], "outage_deadline": 60}, "init")

    assert outcome.exit_code == ConfigurationError.exit_code
    assert "Kafka wants TLS there; check security_protocol" in outcome.said


@pytest.mark.parametrize("protocol", ["TLS where none is spoken", "no password where one is asked for"])
def test_a_listener_that_hangs_up_on_another_protocol_is_waited_for_and_the_protocol_named(
    run: Run, secured: SecuredKafka, authority: Authority, protocol: str
) -> None:
    address = secured.plain if protocol.startswith("TLS") else secured.addresses[SASL]
    settings = {
        "bootstrap_servers": address,
        "security_protocol": "SSL",
        "ssl_cafile": authority.certificate,
        "outage_deadline": 1,
    }

    outcome = run(settings, "init")

    assert outcome.exit_code == ServerUnavailable.exit_code
    assert "its port is not for security_protocol SSL" in outcome.said
    assert "--security-protocol" in outcome.said


def test_a_password_is_not_logged_in_any_detail(
    run: Run, as_user: AsUser, caplog: pytest.LogCaptureFixture
) -> None:
    settings = as_user(PLAIN_USER, sasl_mechanism="PLAIN")

    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, "kafka"):
        outcome = run(settings, "--log-level", "debug", "init")

    assert outcome.exit_code == 0
    logged = [record.getMessage() for record in caplog.records if record.name.startswith("kafka.net")]
    assert any("MetadataRequest" in message for message in logged)
    assert not any(PASSWORD in message for message in logged)
    assert PASSWORD not in outcome.said


def test_one_refusing_broker_of_several_does_not_keep_us_out(
    run: Run, as_user: AsUser, secured: SecuredKafka
) -> None:
    both = f"{secured.addresses[EXPIRED]},{secured.addresses[SASL]}"

    assert run(as_user("reviewstream-init", bootstrap_servers=both), "init").exit_code == 0
