"""Settings of ``reviewstream serve``: where it listens, and who may read."""

import ipaddress
from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator

from schemas.settings import BundleSettings, KafkaSettings, RedisSettings

MIN_TOKEN_CHARACTERS = 16
"""Of a random token: 16 hex digits are 64 bits, which nobody guesses over a network."""


class DashboardSettings(KafkaSettings, RedisSettings, BundleSettings):
    """Kafka is asked for the lag of the groups only if ``bootstrap_servers`` is given; the bundle explains labels."""

    listen_host: Annotated[
        str, Field(description="Address to listen at; any but this machine's own needs a token.")
    ] = "127.0.0.1"
    listen_port: Annotated[int, Field(ge=0, le=65535, description="Port; 0 takes a free one.")] = 8010
    read_token: Annotated[
        SecretStr | None,
        Field(min_length=MIN_TOKEN_CHARACTERS, description="Token of those who may read."),
    ] = None
    agent_token: Annotated[
        SecretStr | None,
        Field(min_length=MIN_TOKEN_CHARACTERS, description="Token of customer-service agents."),
    ] = None
    admin_token: Annotated[
        SecretStr | None,
        Field(min_length=MIN_TOKEN_CHARACTERS, description="Token of those who may do everything."),
    ] = None

    @property
    def tokens(self) -> list[SecretStr]:
        """Those that are set."""
        return [token for token in (self.read_token, self.agent_token, self.admin_token) if token is not None]

    @property
    def listens_to_this_machine_only(self) -> bool:
        if self.listen_host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.listen_host).is_loopback
        except ValueError:
            return False

    @property
    def knows_kafka(self) -> bool:
        """Whether anybody said where Kafka is."""
        return "bootstrap_servers" in self.model_fields_set

    @model_validator(mode="after")
    def _is_guarded(self) -> Self:
        if not self.tokens and not self.listens_to_this_machine_only:
            raise ValueError(
                f"listen_host {self.listen_host} can be reached by others, so a token is needed: set read_token, "
                "agent_token or admin_token (better in a file, REVIEWSTREAM_READ_TOKEN_FILE)"
            )
        revealed = [token.get_secret_value() for token in self.tokens]
        if len(set(revealed)) < len(revealed):
            raise ValueError("read_token, agent_token and admin_token have to differ")
        return self
