"""What all settings have in common: read from the environment, secrets from files too, and no secret is ever shown."""

import os
from pathlib import Path
from typing import Any, get_args

from pydantic import SecretStr, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

ENVIRONMENT_PREFIX = "REVIEWSTREAM_"

ENVIRONMENT_ONLY = {"environment_only": True}
"""``json_schema_extra`` of a field that is no option: a secret that no command line, and so no list of processes, may show."""


class Settings(BaseSettings):
    """Read from the environment; arguments given by name win.

    A secret can also stand in a file, as Docker and Kubernetes hand them over: ``REVIEWSTREAM_SASL_PASSWORD_FILE`` names
    the file that holds what ``REVIEWSTREAM_SASL_PASSWORD`` would; line breaks at its end do not count.
    """

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX,
        frozen=True,
        extra="ignore",
        env_ignore_empty=True,
        hide_input_in_errors=True,  # a value that is refused may be a secret, or hold one
    )

    @model_validator(mode="before")
    @classmethod
    def _read_secret_files(cls, given: dict[str, Any]) -> dict[str, Any]:
        read = {}
        for name, field in cls.model_fields.items():
            file = os.environ.get(secret_file_variable(name)) if is_secret(field) else None
            if file and given.get(name) is None:
                read[name] = _secret_in(Path(file), secret_file_variable(name))
        return {**given, **read}


class Hidden(str):
    """A secret in the hands of a client library: it can be used as text, and prints as stars wherever it is logged."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'**********'"

    def __str__(self) -> str:
        return "**********"


def reveal(secret: SecretStr | None) -> Hidden | None:
    """The secret, for a client library."""
    return None if secret is None else Hidden(secret.get_secret_value())


def is_secret(field: FieldInfo) -> bool:
    """Whether a setting is never shown."""
    return SecretStr in (field.annotation, *get_args(field.annotation))


def is_option(field: FieldInfo) -> bool:
    """Whether a setting can be given on the command line too."""
    return field.json_schema_extra != ENVIRONMENT_ONLY


def option_name(field: str) -> str:
    """The option of a field: ``redis_url`` is ``--redis-url``."""
    return f"--{field.replace('_', '-')}"


def variable_name(field: str) -> str:
    """The environment variable of a field: ``redis_url`` is ``REVIEWSTREAM_REDIS_URL``."""
    return ENVIRONMENT_PREFIX + field.upper()


def own_first(settings: type[Settings]) -> list[tuple[str, FieldInfo]]:
    """Fields with the class's own before the inherited ones: help should begin with what is particular."""
    own = settings.__annotations__
    return sorted(settings.model_fields.items(), key=lambda item: item[0] not in own)


def secret_file_variable(field: str) -> str:
    """The environment variable that names the file of a secret."""
    return f"{variable_name(field)}_FILE"


def _secret_in(file: Path, variable: str) -> str:
    try:
        return file.read_text().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ValueError(f"{variable}: {file} cannot be read: {reason}") from error
