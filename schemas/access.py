"""How to get in: encryption, certificates, users and passwords of Kafka and Redis. What cannot work is refused here."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from schemas.settings_base import Settings, reveal
from schemas.tls import check_certificate_files


class KafkaAccess(Settings):
    """Who we are for Kafka, and how we know that it is Kafka. The broker's host name is always checked."""

    security_protocol: Annotated[
        Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"], Field(description="How to talk to Kafka.")
    ] = "PLAINTEXT"
    ssl_cafile: Annotated[
        Path | None,
        Field(description="Certificate authority of the brokers (PEM); by default those of the system."),
    ] = None
    ssl_certfile: Annotated[
        Path | None, Field(description="Our certificate for Kafka (PEM), where brokers ask for one.")
    ] = None
    ssl_keyfile: Annotated[
        Path | None, Field(description="Key of our certificate (PEM), unless it is in the same file.")
    ] = None
    ssl_key_password: Annotated[
        SecretStr | None, Field(description="Password of our key; better in a file than on a command line.")
    ] = None
    sasl_mechanism: Annotated[
        Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None, Field(description="SASL mechanism.")
    ] = None
    sasl_username: Annotated[str | None, Field(description="SASL user.")] = None
    sasl_password: Annotated[
        SecretStr | None, Field(description="SASL password; better in a file than on a command line.")
    ] = None

    @model_validator(mode="after")
    def _can_work(self) -> Self:
        sasl = (self.sasl_mechanism, self.sasl_username, self.sasl_password)
        if self.security_protocol.startswith("SASL_") and None in sasl:
            raise ValueError(
                f"security_protocol {self.security_protocol} needs sasl_mechanism, sasl_username and sasl_password"
            )
        if not self.security_protocol.startswith("SASL_") and sasl != (None, None, None):
            raise ValueError(
                f"a SASL user or password is set, but security_protocol {self.security_protocol} would not use it; "
                "set it to SASL_SSL"
            )
        tls = (self.ssl_cafile, self.ssl_certfile, self.ssl_keyfile, self.ssl_key_password)
        if not self.security_protocol.endswith("SSL") and tls != (None, None, None, None):
            raise ValueError(
                f"certificates are set, but security_protocol {self.security_protocol} would not use them; "
                "set it to SSL or SASL_SSL"
            )
        check_certificate_files(*tls)
        return self

    def access_config(self) -> dict[str, Any]:
        """The part of ``client_config`` that is about access."""
        return {
            "security_protocol": self.security_protocol,
            "ssl_check_hostname": True,
            "ssl_cafile": _path(self.ssl_cafile),
            "ssl_certfile": _path(self.ssl_certfile),
            "ssl_keyfile": _path(self.ssl_keyfile),
            "ssl_password": reveal(self.ssl_key_password),
            "sasl_mechanism": self.sasl_mechanism,
            "sasl_plain_username": self.sasl_username,
            "sasl_plain_password": reveal(self.sasl_password),
        }


class RedisAccess(Settings):
    """Where Redis is, who we are for it, and how we know it. Over TLS its host name is always checked."""

    redis_url: Annotated[
        str,
        Field(
            description="Redis or Valkey, redis://user@host:port/db; rediss:// over TLS. A password in it is taken out."
        ),
    ] = "redis://localhost:6379/0"
    redis_password: Annotated[
        SecretStr | None,
        Field(description="Password of the user in the URL; better in a file than on a command line."),
    ] = None
    redis_ssl_cafile: Annotated[
        Path | None,
        Field(description="Certificate authority of Redis (PEM); by default those of the system."),
    ] = None
    redis_ssl_certfile: Annotated[
        Path | None, Field(description="Our certificate for Redis (PEM), where it asks for one.")
    ] = None
    redis_ssl_keyfile: Annotated[
        Path | None, Field(description="Key of our certificate (PEM), unless it is in the same file.")
    ] = None
    redis_ssl_key_password: Annotated[
        SecretStr | None, Field(description="Password of our key; better in a file than on a command line.")
    ] = None

    @model_validator(mode="before")
    @classmethod
    def _take_password_out(cls, given: dict[str, Any]) -> dict[str, Any]:
        """So that the URL can be logged and shown. A password that is given by itself wins."""
        url = given.get("redis_url")
        if not isinstance(url, str):
            return given
        scheme, separator, rest = url.partition("://")
        userinfo, at, host = rest.rpartition("@")
        user, colon, password = userinfo.partition(":")
        if not colon:
            return given
        shown = f"{scheme}{separator}{user}{at if user else ''}{host}"
        return {"redis_password": unquote(password), **_known(given), "redis_url": shown}

    @field_validator("redis_url")
    @classmethod
    def _is_url(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            valid = parts.scheme == "unix" or (
                parts.scheme in ("redis", "rediss") and bool(parts.hostname) and parts.port != 0
            )
        except ValueError:
            valid = False
        if not valid:
            raise ValueError(
                "is no redis://, rediss:// or unix:// URL; are characters like / or @ written as %2F and %40?"
            )
        if any(
            name in ("username", "password") or name.startswith("ssl_") for name, _ in parse_qsl(parts.query)
        ):
            raise ValueError(
                "takes no user, password or ssl_ option after the '?'; they are settings of their own"
            )
        return url

    @model_validator(mode="after")
    def _can_be_encrypted(self) -> Self:
        tls = self._tls_files()
        if not self.redis_url.startswith("rediss://") and tls != (None, None, None, None):
            raise ValueError(
                "certificates for Redis are set, but redis_url would not use them; it has to start with rediss://"
            )
        check_certificate_files(*tls)
        return self

    def redis_config(self) -> dict[str, Any]:
        """Keyword arguments of ``Redis.from_url``: a client that answers text, over TLS where the URL says so."""
        config = {"url": self.redis_url, "password": reveal(self.redis_password), "decode_responses": True}
        if not self.redis_url.startswith("rediss://"):
            return config
        return {
            **config,
            "ssl_cert_reqs": "required",
            "ssl_check_hostname": True,  # not the default of every release of the client
            "ssl_ca_certs": _path(self.redis_ssl_cafile),
            "ssl_certfile": _path(self.redis_ssl_certfile),
            "ssl_keyfile": _path(self.redis_ssl_keyfile),
            "ssl_password": reveal(self.redis_ssl_key_password),
        }

    def _tls_files(self) -> tuple[Path | None, Path | None, Path | None, SecretStr | None]:
        return (
            self.redis_ssl_cafile,
            self.redis_ssl_certfile,
            self.redis_ssl_keyfile,
            self.redis_ssl_key_password,
        )


def _path(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _known(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}
