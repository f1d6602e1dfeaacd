"""Settings as command-line options: every field of a settings class becomes an option of the same name."""

import functools
from collections.abc import Callable
from enum import EnumType
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import click
from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from schemas.settings_base import Settings, is_option, option_name, own_first, variable_name

SettingsClass = TypeVar("SettingsClass", bound=Settings)
Command = Callable[..., Any]

READABLE = click.Path(exists=True, path_type=Path)
WRITABLE = click.Path(path_type=Path)


def with_settings(settings_class: type[SettingsClass]) -> Callable[[Command], Command]:
    """Give a command the options of ``settings_class`` and pass it the result as ``settings``."""
    options = [(name, field) for name, field in own_first(settings_class) if is_option(field)]

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def run(**arguments: Any) -> Any:
            given = {name: arguments.pop(name) for name, _ in options}
            chosen = {name: value for name, value in given.items() if value is not None}
            return command(settings=load_settings(settings_class, **chosen), **arguments)

        decorated: Command = run
        for name, field in reversed(options):
            decorated = _option(name, field)(decorated)
        return decorated

    return decorate


def load_settings(settings_class: type[SettingsClass], **chosen: Any) -> SettingsClass:
    """Settings from the environment, overridden by what was chosen.

    Raises:
        click.UsageError: a value is not allowed; the message names option and variable.
    """
    try:
        return settings_class(**chosen)
    except ValidationError as error:
        raise click.UsageError(
            "\n".join(_problem(settings_class, problem) for problem in error.errors())
        ) from error


def _problem(settings_class: type[Settings], problem: ErrorDetails) -> str:
    """One line; what concerns several settings names them itself."""
    message = problem["msg"].removeprefix("Value error, ")
    name = ".".join(map(str, problem["loc"][:1]))
    if not name:
        return message
    if is_option(settings_class.model_fields[name]):
        return f"{option_name(name)} ({variable_name(name)}): {message}"
    return f"{variable_name(name)}: {message}"


def _option(name: str, field: FieldInfo) -> Callable[[Command], Command]:
    default = "" if field.default in (None, "") else f"; default: {field.default}"
    return click.option(
        option_name(name),
        name,
        type=_click_type(field.annotation),
        metavar=None if choices(field.annotation) else _metavar(field.annotation),
        help=f"{field.description}  [{variable_name(name)}{default}]",
    )


def _click_type(annotation: Any) -> click.Choice[str] | None:
    listed = choices(annotation)
    return click.Choice(listed) if listed else None


def choices(annotation: Any) -> list[str]:
    """What an option of this type can be, where that is a list."""
    kind = bare_type(annotation)
    if isinstance(kind, EnumType):
        return [str(member.value) for member in kind]  # type: ignore[var-annotated]
    if get_origin(kind) is Literal:
        return [str(value) for value in get_args(kind)]
    return []


def _metavar(annotation: Any) -> str:
    kind = bare_type(annotation)
    return "TEXT" if kind in (str, SecretStr) else getattr(kind, "__name__", "TEXT").upper()


def bare_type(annotation: Any) -> Any:
    """The type without ``None`` or annotations."""
    if get_origin(annotation) in (Union, UnionType):
        return next(bare_type(part) for part in get_args(annotation) if part is not type(None))
    return get_args(annotation)[0] if hasattr(annotation, "__metadata__") else annotation
