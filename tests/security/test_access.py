"""Settings of access: what cannot work is refused with a reason, and no secret is ever shown."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from certificates import Authority, Identity
from click import UsageError
from click.testing import CliRunner
from commands import PASSWORD as SECRET
from pydantic import ValidationError

from console.demo import forget_access
from console.main import SUBCOMMANDS, cli
from console.options import load_settings
from schemas.settings import AggregatorSettings, KafkaSettings, ReaderSettings, RedisSettings
from schemas.settings_base import Hidden, is_secret, secret_file_variable

SASL = {
    "security_protocol": "SASL_SSL",
    "sasl_mechanism": "PLAIN",
    "sasl_username": "u",
    "sasl_password": SECRET,
}
SECRETS = [name for name, field in AggregatorSettings.model_fields.items() if is_secret(field)]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in AggregatorSettings.model_fields:
        monkeypatch.delenv(f"REVIEWSTREAM_{name.upper()}", raising=False)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"), "authority")


@pytest.fixture(scope="module")
def files(authority: Authority) -> Callable[[str], Path]:
    """Certificate files, good and bad."""
    ours, theirs = authority.issue("ours"), authority.issue("theirs")
    sealed: Identity = authority.issue("sealed", password=SECRET)
    nonsense = authority.certificate.parent / "nonsense"
    nonsense.write_text("nonsense")
    known = {
        "authority": authority.certificate,
        "certificate": ours.certificate,
        "key": ours.key,
        "other key": theirs.key,
        "sealed certificate": sealed.certificate,
        "sealed key": sealed.key,
        "nonsense": nonsense,
        "nowhere": authority.certificate.parent / "nowhere",
    }
    return known.__getitem__


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"security_protocol": "SASL_SSL"}, "SASL_SSL needs sasl_mechanism, sasl_username and sasl_password"),
        (SASL | {"sasl_username": None}, "needs sasl_mechanism, sasl_username and sasl_password"),
        (SASL | {"sasl_password": None}, "needs sasl_mechanism, sasl_username and sasl_password"),
        (SASL | {"sasl_mechanism": None}, "needs sasl_mechanism, sasl_username and sasl_password"),
        ({"sasl_mechanism": "PLAIN"}, "security_protocol PLAINTEXT would not use it"),
        ({"sasl_username": "u", "sasl_password": SECRET}, "security_protocol PLAINTEXT would not use it"),
        (SASL | {"security_protocol": "SSL"}, "security_protocol SSL would not use it"),
        ({"redis_url": "http://redis"}, r"--redis-url .*is no redis://"),
        ({"redis_url": "redis://"}, r"--redis-url .*is no redis://"),
        ({"redis_url": f"redis://u:{SECRET}@host:port/0"}, r"--redis-url .*is no redis://"),
        ({"redis_url": "rediss://host?ssl_cert_reqs=none"}, "takes no user, password or ssl_ option"),
        ({"redis_url": "rediss://host?ssl_check_hostname=false"}, "takes no user, password or ssl_ option"),
        ({"redis_url": f"unix:///run/redis?password={SECRET}"}, "takes no user, password or ssl_ option"),
    ],
)
def test_settings_that_cannot_work_together_are_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says) as refused:
        load_settings(ReaderSettings, **{name: value for name, value in given.items() if value is not None})

    assert SECRET not in refused.value.message


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"ssl_cafile": "nowhere"}, "nowhere cannot be read: No such file or directory"),
        ({"ssl_cafile": "nonsense"}, "nonsense holds no certificate in PEM form"),
        ({"ssl_cafile": "key"}, r"ours\.key holds no certificate in PEM form"),
        ({"ssl_keyfile": "key"}, "a client key needs the client certificate too"),
        ({"ssl_certfile": "certificate", "ssl_keyfile": "other key"}, r"theirs\.key is not the key"),
        ({"ssl_certfile": "certificate", "ssl_keyfile": "nonsense"}, "no certificate and key in PEM form"),
        ({"ssl_certfile": "certificate"}, "no certificate and key in PEM form"),
        ({"ssl_certfile": "sealed certificate", "ssl_keyfile": "sealed key"}, "password is missing or wrong"),
    ],
)
@pytest.mark.parametrize("prefix", ["", "redis_"])
def test_certificate_files_that_cannot_be_used_are_refused_by_name(
    files: Callable[[str], Path], prefix: str, given: dict[str, str], says: str
) -> None:
    encrypted = {"security_protocol": "SSL"} if not prefix else {"redis_url": "rediss://redis"}

    with pytest.raises(ValidationError, match=says):
        ReaderSettings(**encrypted, **{f"{prefix}{name}": files(file) for name, file in given.items()})


@pytest.mark.parametrize("prefix", ["", "redis_"])
def test_certificates_that_an_unencrypted_connection_would_not_use_are_refused(
    authority: Authority, prefix: str
) -> None:
    with pytest.raises(ValidationError, match="would not use them"):
        ReaderSettings.model_validate({f"{prefix}ssl_cafile": authority.certificate})


def test_a_sealed_key_is_opened_by_its_password(files: Callable[[str], Path]) -> None:
    settings = KafkaSettings(
        security_protocol="SSL",
        ssl_certfile=files("sealed certificate"),
        ssl_keyfile=files("sealed key"),
        ssl_key_password=SECRET,
    )

    assert settings.client_config()["ssl_password"] == SECRET


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_can_stand_in_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, files: Callable[[str], Path], name: str
) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    monkeypatch.setenv(secret_file_variable(name), str(tmp_path / "secret"))
    whole = {
        "ssl_certfile": files("sealed certificate"),
        "ssl_keyfile": files("sealed key"),
        "redis_url": "rediss://redis",
        "redis_ssl_certfile": files("sealed certificate"),
        "redis_ssl_keyfile": files("sealed key"),
        **SASL,
        "ssl_key_password": SECRET,
        "redis_ssl_key_password": SECRET,
    }
    whole.pop(name, None)

    settings = AggregatorSettings.model_validate(whole)

    assert getattr(settings, name).get_secret_value() == SECRET


def test_a_secret_file_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REVIEWSTREAM_REDIS_PASSWORD_FILE", str(tmp_path / "nowhere"))

    with pytest.raises(ValidationError, match=r"REVIEWSTREAM_REDIS_PASSWORD_FILE: .*nowhere cannot be read"):
        RedisSettings()


@pytest.mark.parametrize(
    ("url", "shown", "password"),
    [
        ("redis://user:p%40ss@host:1/2", "redis://user@host:1/2", "p@ss"),
        ("rediss://:secret@host", "rediss://host", "secret"),
        ("redis://user:a/b@host:1", "redis://user@host:1", "a/b"),
        ("redis://user@host", "redis://user@host", None),
        ("redis://host", "redis://host", None),
    ],
)
def test_a_password_is_taken_out_of_the_url(url: str, shown: str, password: str | None) -> None:
    settings = RedisSettings(redis_url=url)

    assert settings.redis_url == shown
    assert settings.redis_config()["password"] == password


def test_a_password_that_is_given_by_itself_wins_over_the_url() -> None:
    settings = RedisSettings.model_validate({"redis_url": "redis://u:old@host", "redis_password": "new"})

    assert settings.redis_config()["password"] == "new"


@pytest.fixture
def full() -> AggregatorSettings:
    """Settings with a secret wherever there can be one that needs no file."""
    return AggregatorSettings.model_validate({**SASL, "redis_url": f"redis://u:{SECRET}@host"})


def test_no_secret_is_in_what_is_printed(full: AggregatorSettings) -> None:
    assert SECRET not in f"{full!r} {full} {full.model_dump()} {full.model_dump_json()}"


def test_no_secret_is_in_what_a_client_logs_of_its_configuration(full: AggregatorSettings) -> None:
    configuration = {**full.client_config(), **full.redis_config()}

    assert (
        SECRET not in f"{configuration} {configuration['sasl_plain_password']} {configuration['password']!s}"
    )
    assert configuration["sasl_plain_password"] == configuration["password"] == SECRET


def test_a_hidden_secret_is_its_text_to_a_client() -> None:
    assert "\0".join(["u", Hidden(SECRET)]).encode() == f"u\0{SECRET}".encode()


def test_an_error_does_not_repeat_what_was_refused() -> None:
    with pytest.raises(ValidationError) as refused:
        ReaderSettings.model_validate({**SASL, "security_protocol": "TLS"})

    assert SECRET not in str(refused.value)


def test_the_demo_takes_no_access_to_other_servers_for_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("SECURITY_PROTOCOL", "SASL_MECHANISM", "SASL_USERNAME", "REDIS_SSL_CAFILE"):
        monkeypatch.setenv(f"REVIEWSTREAM_{name}", "of other servers")
    monkeypatch.setenv("REVIEWSTREAM_SASL_PASSWORD_FILE", str(tmp_path / "nowhere"))

    forget_access()

    assert ReaderSettings() == ReaderSettings.model_construct()


@pytest.mark.parametrize("command", SUBCOMMANDS)
def test_no_secret_is_in_the_help(command: str) -> None:
    environment = {f"REVIEWSTREAM_{name.upper()}": SECRET for name in SECRETS}
    environment["REVIEWSTREAM_REDIS_URL"] = f"redis://u:{SECRET}@host"

    assert SECRET not in CliRunner().invoke(cli, [command, "--help"], env=environment).output
