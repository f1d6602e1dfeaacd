"""Settings of ``reviewstream alerts``: which rules, and who is told."""

import base64
import binascii
import ipaddress
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from schemas.errors import ConfigurationError
from schemas.settings import LongRunningSettings, RedisSettings, Seconds
from schemas.settings_base import ENVIRONMENT_ONLY

SECRET_START = "whsec_"  # noqa: S105 -- how a secret begins
KEY_BYTES = range(24, 65)
"""Standard Webhooks 1.0 asks for 24 to 64 bytes."""

_SECRET_HELP = "make one by: echo whsec_$(openssl rand -base64 32)"  # noqa: S105 -- advice


class AlertSettings(RedisSettings, LongRunningSettings):
    """Only Redis is read; a dry run needs the rules alone."""

    alert_rules: Annotated[Path | None, Field(description="File of the rules (TOML).")] = None
    webhook_url: Annotated[
        SecretStr | None,
        Field(description="Address that alerts are posted to, https:// or http:// on this machine."),
    ] = None
    webhook_plain_http: Annotated[
        bool, Field(description="Whether http:// may lead to another machine, in the clear.")
    ] = False
    webhook_timeout: Annotated[
        float, Field(gt=0, le=60, description="Seconds to wait for the webhook's answer.")
    ] = 10.0
    webhook_secret: Annotated[
        SecretStr | None,
        Field(
            description="Key that alerts are signed with, whsec_ and base64 of 24 to 64 bytes; several, with a space between, "
            "sign each alert each.",
            json_schema_extra=ENVIRONMENT_ONLY,
        ),
    ] = None
    outage_deadline: Annotated[
        Seconds, Field(description="Seconds to wait for a Redis that is away before giving up.")
    ] = 120.0

    @field_validator("webhook_secret")
    @classmethod
    def _is_a_secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            _keys(value)
        return value

    @model_validator(mode="after")
    def _leads_where_it_may(self) -> Self:
        if self.webhook_url is not None:
            _check_address(self.webhook_url.get_secret_value(), plain_http=self.webhook_plain_http)
        return self

    @property
    def required_rules(self) -> Path:
        """The file of the rules.

        Raises:
            ConfigurationError: it is not said which.
        """
        if self.alert_rules is None:
            raise ConfigurationError(
                "which rules? Set --alert-rules or REVIEWSTREAM_ALERT_RULES; docs/alerts.md has an example"
            )
        return self.alert_rules

    @property
    def required_url(self) -> str:
        """The address to post to.

        Raises:
            ConfigurationError: there is none.
        """
        if self.webhook_url is None:
            raise ConfigurationError(
                "nobody would be told: set REVIEWSTREAM_WEBHOOK_URL, or --dry-run to only see what would be sent"
            )
        return self.webhook_url.get_secret_value()

    @property
    def required_keys(self) -> list[bytes]:
        """The keys to sign with.

        Raises:
            ConfigurationError: there are none.
        """
        if self.webhook_secret is None:
            raise ConfigurationError(f"alerts are signed: set REVIEWSTREAM_WEBHOOK_SECRET; {_SECRET_HELP}")
        return _keys(self.webhook_secret)


def _keys(secret: SecretStr) -> list[bytes]:
    keys = [_key(part) for part in secret.get_secret_value().split()]
    if not keys:
        raise ValueError(f"is empty; {_SECRET_HELP}")
    return keys


def _key(text: str) -> bytes:
    try:
        key = base64.b64decode(text.removeprefix(SECRET_START), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not text.startswith(SECRET_START) or len(key) not in KEY_BYTES:
        raise ValueError(
            f"has to be {SECRET_START} and base64 of {KEY_BYTES.start} to {KEY_BYTES.stop - 1} bytes; {_SECRET_HELP}"
        )
    return key


def _check_address(url: str, *, plain_http: bool) -> None:
    """Raise a ``ValueError`` that does not repeat the address: its path is often a secret."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not url.isprintable() or " " in url:
        raise ValueError("webhook_url is no https:// address")
    if "@" in parts.netloc:
        raise ValueError(
            "webhook_url holds a user or password, which is not sent; the signature says who we are"
        )
    if parts.scheme == "http" and not plain_http and not _is_this_machine(parts):
        raise ValueError(
            "webhook_url is http:// to another machine, so anybody between could read alerts; use https://, "
            "or allow it by webhook_plain_http"
        )


def _is_this_machine(parts: SplitResult) -> bool:
    if parts.hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False
