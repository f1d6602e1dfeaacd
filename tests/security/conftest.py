"""What the tests of the edges share: certificates, a Kafka and a Redis that ask for them, and users with passwords."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from certificates import Authority
from commands import PASSWORD, AsUser, Outcome, Run, reviewstream
from permissions import kafka_permissions
from raw_topics import Topics
from secured_kafka import MECHANISM, SASL, SecuredKafka, secured_kafka
from secured_redis import SecuredRedis, secured_redis


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"), "authority")


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that nobody else trusts."""
    return Authority(tmp_path_factory.mktemp("strange-certificates"), "stranger")


@pytest.fixture(scope="session")
def secured(authority: Authority) -> Iterator[SecuredKafka]:
    """A Kafka with the users and permissions of docs/security.md, and the topics."""
    permissions = kafka_permissions()
    with secured_kafka(authority) as kafka:
        kafka.add_users(dict.fromkeys({permission.user for permission in permissions}, PASSWORD))
        kafka.allow(permissions)
        yield kafka


@pytest.fixture(scope="session")
def guarded(authority: Authority) -> Iterator[SecuredRedis]:
    """A Valkey behind TLS, with the users of docs/security.md."""
    with secured_redis(authority, PASSWORD) as redis:
        yield redis


@pytest.fixture(scope="module")
def topics(secured: SecuredKafka, guarded: SecuredRedis) -> Iterator[Topics]:
    """The topics by the names that stand on the page, made anew and watched by the super user; no view knows older ones."""
    secured.remove_topics()
    guarded.empty()
    with Topics(secured.plain, "reviews.", 2) as topics:
        yield topics


@pytest.fixture
def as_user(secured: SecuredKafka, authority: Authority) -> AsUser:
    """The settings by which a user gets in; given ones differ."""

    def settings(user: str, **changes: Any) -> dict[str, Any]:
        return {
            "bootstrap_servers": secured.addresses[SASL],
            "security_protocol": "SASL_SSL",
            "ssl_cafile": authority.certificate,
            "sasl_mechanism": MECHANISM,
            "sasl_username": user,
            "sasl_password": PASSWORD,
            "outage_deadline": 60,
            **changes,
        }

    return settings


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command of ``reviewstream`` with these settings."""

    def run(settings: Mapping[str, object], *arguments: str) -> Outcome:
        return reviewstream(*arguments, settings=settings, monkeypatch=monkeypatch)

    return run


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    """A file with one review."""
    file = tmp_path / "reviews.jsonl"
    file.write_text('{"review_id": "r1", "product_id": "kettle", "text": "Boils fast, leaks faster."}\n')
    return file
