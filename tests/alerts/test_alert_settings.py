"""Where alerts may go, and how the secret comes in."""

import base64
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from console.main import cli
from console.options import load_settings
from schemas.alert_settings import AlertSettings
from schemas.errors import ConfigurationError

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


@pytest.mark.parametrize(
    "url",
    ["https://example.com/hook", "http://localhost:8000/hook", "http://127.0.0.1/hook", "http://[::1]:8000/"],
)
def test_an_alert_goes_over_tls_or_stays_on_this_machine(url: str) -> None:
    assert load_settings(AlertSettings, webhook_url=url).required_url == url


def test_plain_http_to_another_machine_has_to_be_allowed() -> None:
    with pytest.raises(click.UsageError, match="anybody between could read alerts"):
        load_settings(AlertSettings, webhook_url="http://example.com/hook")

    allowed = load_settings(AlertSettings, webhook_url="http://example.com/hook", webhook_plain_http="true")
    assert allowed.required_url == "http://example.com/hook"


@pytest.mark.parametrize(
    "url",
    [
        "example.com",
        "ftp://example.com",
        "https://",
        "https://u:secret@example.com",
        "https://a b",
        "https://a:x",
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(click.UsageError) as refused:
        load_settings(AlertSettings, webhook_url=url)

    assert "webhook_url" in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("secret", ["short", "whsec_", "whsec_c2hvcnQ=", "whsec_!!!", f"{SECRET} whsec_x"])
def test_a_secret_that_is_none_is_refused_without_repeating_it(secret: str) -> None:
    with pytest.raises(click.UsageError) as refused:
        load_settings(AlertSettings, webhook_secret=secret)

    assert str(refused.value).startswith("REVIEWSTREAM_WEBHOOK_SECRET: has to be whsec_ and base64")
    assert "c2hvcnQ" not in str(refused.value)


def test_the_secret_comes_from_the_environment_or_a_file_of_it_and_is_no_option(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    monkeypatch.setenv("REVIEWSTREAM_WEBHOOK_SECRET_FILE", str(tmp_path / "secret"))

    assert load_settings(AlertSettings).required_keys == [b"0123456789abcdef0123456789abcdef"]
    assert "--webhook-secret" not in CliRunner().invoke(cli, ["alerts", "--help"]).output


def test_a_new_secret_and_the_old_one_may_be_given_together() -> None:
    assert len(load_settings(AlertSettings, webhook_secret=f"{SECRET} {SECRET}").required_keys) == 2


def test_nothing_of_it_is_shown() -> None:
    settings = load_settings(
        AlertSettings, webhook_url="https://example.com/a-secret-path", webhook_secret=SECRET
    )

    assert SECRET not in repr(settings)
    assert "a-secret-path" not in repr(settings)


def test_what_is_missing_is_asked_for() -> None:
    settings = load_settings(AlertSettings)

    for missing in ("required_rules", "required_url", "required_keys"):
        with pytest.raises(
            ConfigurationError, match=r"REVIEWSTREAM_(ALERT_RULES|WEBHOOK_URL|WEBHOOK_SECRET)"
        ):
            getattr(settings, missing)
