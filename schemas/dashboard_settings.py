"""Settings of ``reviewstream serve``: where it listens, who may read, and who works through the queue."""

import ipaddress
import re
from typing import Annotated, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from schemas.redis_keys import RISK_FROM
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
    agent_tokens: Annotated[
        SecretStr | None,
        Field(
            description="Tokens of single agents, anna=TOKEN,ben=TOKEN, so that each claims and labels under a name."
        ),
    ] = None
    claim_minutes: Annotated[
        float, Field(gt=0, le=1440, description="Minutes after which the claim of an agent who left ends.")
    ] = 15.0
    risk_reviews: Annotated[
        int, Field(ge=RISK_FROM, le=50, description="Strong negatives of a customer that put them at risk,")
    ] = 3
    risk_days: Annotated[
        int,
        Field(
            ge=1,
            description="within so many days, today among them; the aggregator's customer_retention limits it.",
        ),
    ] = 30
    admin_token: Annotated[
        SecretStr | None,
        Field(min_length=MIN_TOKEN_CHARACTERS, description="Token of those who may do everything."),
    ] = None

    @property
    def tokens(self) -> list[SecretStr]:
        """Those that are set."""
        shared = [
            token for token in (self.read_token, self.agent_token, self.admin_token) if token is not None
        ]
        return [*shared, *map(SecretStr, self.tokens_by_agent.values())]

    @property
    def tokens_by_agent(self) -> dict[str, str]:
        """The token of each agent who has one."""
        return parse_agents(self.agent_tokens.get_secret_value()) if self.agent_tokens else {}

    @property
    def may_label(self) -> bool:
        """Whether anybody here may work on the queue: an agent, an admin, or this machine's own user."""
        return len(self.tokens) > (self.read_token is not None) or not self.tokens

    @field_validator("agent_tokens")
    @classmethod
    def _is_a_list_of_agents(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parse_agents(value.get_secret_value())
        return value

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
                "agent_token, agent_tokens or admin_token (better in a file, REVIEWSTREAM_READ_TOKEN_FILE)"
            )
        revealed = [token.get_secret_value() for token in self.tokens]
        if len(set(revealed)) < len(revealed):
            raise ValueError("read_token, agent_token, agent_tokens and admin_token have to differ")
        return self


def parse_agents(value: str) -> dict[str, str]:
    """From ``anna=TOKEN,ben=TOKEN``: tokens by name.

    Raises:
        ValueError: it is no such list, or a token is short; the message holds no token.
    """
    agents: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in value.split(","))):
        name, equals, token = (piece.strip() for piece in part.partition("="))
        fits = equals and re.fullmatch("[A-Za-z0-9_-]{1,40}", name)
        if not fits or name in (*_SHARED_NAMES, *agents):
            raise ValueError(
                "must be like anna=TOKEN,ben=TOKEN: names of letters, digits, _ and -, each once, and none of "
                + ", ".join(_SHARED_NAMES)
            )
        if len(token) < MIN_TOKEN_CHARACTERS:
            raise ValueError(f"the token of {name} needs at least {MIN_TOKEN_CHARACTERS} characters")
        agents[name] = token
    return agents


_SHARED_NAMES = ("read", "agent", "admin")
"""Those who come with a token that several may have."""
