"""The fields of a training plan as options of a command, or from a file."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from pydantic.fields import FieldInfo

from console.option_groups import option_of
from console.options import bare_type, choices
from model_export.training.plan import PRESETS, TrainingPlan, make_plan, read_plan
from schemas.settings_base import option_name

GROUP = "Plan"
FIELDS: dict[str, FieldInfo] = TrainingPlan.__pydantic_fields__  # type: ignore[attr-defined]  # of pydantic's dataclasses


def with_plan(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command an option for each field of a plan and pass it the result as ``plan``."""

    @functools.wraps(command)
    def run(*, plan_file: Path | None, preset: str | None, **arguments: Any) -> Any:
        given = {name: arguments.pop(name) for name in FIELDS}
        chosen = {name: value for name, value in given.items() if value is not None}
        written = read_plan(plan_file) if plan_file is not None else {}
        return command(plan=make_plan(written | chosen, preset), **arguments)

    decorated: Callable[..., Any] = run
    for name, field in reversed(FIELDS.items()):
        decorated = _option(name, field)(decorated)
    decorated = option_of(
        GROUP,
        "--preset",
        type=click.Choice(list(PRESETS)),
        help="A plan to begin with; without it, the one that suits architecture and mode. default-model makes a network of the kind that ships.",
    )(decorated)
    return option_of(
        GROUP,
        "--plan",
        "plan_file",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Fields of a plan in TOML, or the training.json of an earlier run. Options given beside it count more.",
    )(decorated)


def _option(name: str, field: FieldInfo) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    group = field.json_schema_extra["group"] if isinstance(field.json_schema_extra, dict) else GROUP
    kind = bare_type(field.annotation)
    listed = choices(field.annotation)
    default = "" if field.default is None else f"  [default: {_shown(field.default)}]"
    option = option_name(name)
    return option_of(
        str(group),
        f"{option}/--no-{option.removeprefix('--')}" if kind is bool else option,
        name,
        type=click.Choice(listed) if listed else kind,
        default=None,
        help=f"{field.description}{default}",
    )


def _shown(default: object) -> str:
    return {True: "on", False: "off"}[default] if isinstance(default, bool) else str(default)
