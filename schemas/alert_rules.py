"""The file of alert rules (TOML): what is watched, and how many false alarms may come of it."""

import tomllib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from schemas.errors import ConfigurationError
from schemas.events import Channel

MINUTES_A_DAY = 24 * 60

MOST_DAYS = 400
"""Days that a rule may look back: as long as the counts of a day are kept by default."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class AlertRule(_Table):
    """One thing to watch: the share of strong negatives of each product against the same product's days before."""

    name: Annotated[
        str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$", description="Stands in every alert; unique.")
    ]
    channels: Annotated[
        tuple[Annotated[Channel, Field(strict=False)], ...],
        Field(min_length=1, strict=False, description="Whose reviews are counted, together."),
    ] = (Channel.REVIEW,)
    products: Annotated[
        tuple[str, ...],
        Field(min_length=1, strict=False, description="Ids, or patterns of them as kettle-*."),
    ] = ("*",)
    window_days: Annotated[
        int, Field(ge=1, le=60, description="Days that are watched, today among them.")
    ] = 2
    baseline_days: Annotated[
        int, Field(ge=1, description="Days just before them, which say what is usual.")
    ] = 28
    minimum_reviews: Annotated[int, Field(ge=1, description="Reviews in the window, or no alarm.")] = 10
    minimum_strong_negatives: Annotated[int, Field(ge=1, description="The same of strong negatives.")] = 3
    minimum_baseline_reviews: Annotated[
        int, Field(ge=1, description="Reviews in the baseline, or the product is not watched.")
    ] = 50
    at_least_times: Annotated[
        float, Field(ge=1, description="The share has to be this many times the usual one, or no alarm.")
    ] = 1.5
    days_per_false_alarm: Annotated[
        float, Field(ge=1, description="On average a false alarm comes at most this seldom, of all products.")
    ] = 100.0
    quiet_days: Annotated[
        int,
        Field(
            ge=1, le=365, description="Days for which the rule must not hold before the product alarms anew."
        ),
    ] = 3
    texts: Annotated[
        int, Field(ge=0, le=20, description="Latest strong negatives whose masked texts are sent along.")
    ] = 0

    @property
    def days(self) -> int:
        """Days that it looks at, the baseline's and the window's."""
        return self.baseline_days + self.window_days

    def chooses(self, product_id: str) -> bool:
        """Whether it is about this product."""
        return any(fnmatchcase(product_id, pattern) for pattern in self.products)

    @field_validator("channels", "products")
    @classmethod
    def _names_each_once(cls, value: Sequence[str]) -> Sequence[str]:
        if "" in value or len(set(value)) < len(value):
            raise ValueError("names something twice, or nothing")
        return value

    @model_validator(mode="after")
    def _can_fire(self) -> Self:
        if self.days > MOST_DAYS:
            raise ValueError(
                f"window_days and baseline_days are {self.days} together; days are kept for {MOST_DAYS}"
            )
        return self


class AlertRules(_Table):
    """The whole file."""

    look_every_minutes: Annotated[
        int,
        Field(
            ge=1,
            le=MINUTES_A_DAY,
            description="A part of a day; each look is one more chance of a false alarm.",
        ),
    ] = 15
    rules: Annotated[tuple[AlertRule, ...], Field(min_length=1, strict=False)]

    @property
    def looks_per_day(self) -> int:
        return MINUTES_A_DAY // self.look_every_minutes

    @property
    def days(self) -> int:
        """Days that any of the rules looks at."""
        return max(rule.days for rule in self.rules)

    @field_validator("look_every_minutes")
    @classmethod
    def _divides_the_day(cls, value: int) -> int:
        if MINUTES_A_DAY % value:
            raise ValueError(f"a day is no multiple of {value} minutes; 5, 10, 15, 30 and 60 are usual")
        return value

    @model_validator(mode="after")
    def _are_told_apart(self) -> Self:
        names = [rule.name for rule in self.rules]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"several rules are called {', '.join(twice)}")
        return self


def load_rules(path: Path) -> AlertRules:
    """Read a file of rules.

    Raises:
        ConfigurationError: it cannot be read, or a rule cannot work; the message names file, rule and setting.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"the alert rules {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"the alert rules {path} are no text in UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"the alert rules {path} are no TOML: {error}") from error
    try:
        return AlertRules.model_validate(given)
    except ValidationError as error:
        problems = "\n".join(f"  {_problem(problem, given)}" for problem in error.errors())
        raise ConfigurationError(f"the alert rules {path} cannot work:\n{problems}") from error


def _problem(problem: ErrorDetails, given: object) -> str:
    """One line that names the rule by its number and name, and the setting."""
    where = list(map(str, problem["loc"]))
    if where[:1] == ["rules"] and len(where) > 1:
        number = int(where[1])
        where[:2] = [f"rule {number + 1}{_name(given, number)}"]
    message = problem["msg"].removeprefix("Value error, ")
    return f"{', '.join(where)}: {message}" if where else message


def _name(given: object, number: int) -> str:
    rules = given.get("rules") if isinstance(given, dict) else None
    rule = rules[number] if isinstance(rules, list) else None
    name = rule.get("name") if isinstance(rule, dict) else None
    return f" ({name})" if isinstance(name, str) else ""
