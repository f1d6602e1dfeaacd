"""The table of every option, generated from the settings classes."""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from schemas.alert_settings import AlertSettings
from schemas.dashboard_settings import DashboardSettings
from schemas.settings import (
    AggregatorSettings,
    BundleSettings,
    KafkaSettings,
    ModelSettings,
    ReaderSettings,
    RebuildSettings,
    RedisSettings,
    ScorerSettings,
    TopicSettings,
)
from schemas.settings_base import (
    ENVIRONMENT_PREFIX,
    Settings,
    is_option,
    is_secret,
    option_name,
    own_first,
    secret_file_variable,
    variable_name,
)

COMMANDS: Mapping[str, type[Settings]] = {
    "reviewstream init": TopicSettings,
    "reviewstream score, doctor": ScorerSettings,
    "reviewstream aggregate": AggregatorSettings,
    "reviewstream publish, tail, dlq, redrive, labels": KafkaSettings,
    "reviewstream counts": RedisSettings,
    "reviewstream serve": DashboardSettings,
    "reviewstream alerts": AlertSettings,
    "reviewstream verify": ReaderSettings,
    "reviewstream rebuild": RebuildSettings,
    "reviewstream evaluate": ModelSettings,
    "reviewstream card": BundleSettings,
}

_INTRODUCTION = """\
# Settings

Each setting has one name: as an option it is `--like-this`, in the environment `{prefix}LIKE_THIS`.
An option wins over the environment, which wins over the default. An empty variable counts as not set.
"""


def settings_reference() -> str:
    """Markdown: one table for each command."""
    sections = (_section(title, settings) for title, settings in COMMANDS.items())
    return "\n".join([_INTRODUCTION.format(prefix=ENVIRONMENT_PREFIX), *sections])


def _section(title: str, settings: type[Settings]) -> str:
    schema = settings.model_json_schema()
    rows = [
        (
            f"`{option_name(name)}`" if is_option(field) else "none",
            f"`{variable_name(name)}`",
            _default(field.default),
            " ".join(
                filter(
                    None,
                    [field.description, _accepted(schema["properties"][name], schema), _hidden(name, field)],
                )
            ),
        )
        for name, field in own_first(settings)
    ]
    return f"## {title}\n\n" + _table(("option", "variable", "default", "meaning"), rows)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def _default(value: Any) -> str:
    if value is None:
        return "none"
    if value is PydanticUndefined:
        return "required"
    return f"`{value.value if isinstance(value, Enum) else value}`"


def _accepted(schema: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    """What a value has to be beyond its type, as a sentence; empty where there is nothing to say."""
    for option in schema.get("anyOf", ()):
        if option.get("type") != "null":
            return _accepted(option, root)
    if reference := schema.get("$ref"):
        return _accepted(root["$defs"][reference.rpartition("/")[2]], root)
    if choices := schema.get("enum"):
        return f"One of {', '.join(f'`{choice}`' for choice in choices)}."
    if pattern := schema.get("pattern"):
        return f"Matches `{pattern}`."
    return _range(schema)


def _hidden(name: str, field: FieldInfo) -> str:
    return (
        f"Never shown; `{secret_file_variable(name)}` names a file that holds it." if is_secret(field) else ""
    )


def _range(schema: Mapping[str, Any]) -> str:
    least, above, most = (schema.get(key) for key in ("minimum", "exclusiveMinimum", "maximum"))
    limits = [
        "" if least is None else f"at least {least}",
        "" if above is None else f"more than {above}",
        "" if most is None else f"at most {most}",
    ]
    sentence = ", ".join(filter(None, limits))
    return f"{sentence.capitalize()}." if sentence else ""
