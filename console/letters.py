"""How ``dlq`` and ``redrive`` let their users choose dead letters."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import click

from consumers.read.letters import LetterFilter, Place
from schemas.dead_letters import DeadLetterReason

Command = Callable[..., Any]


def place_argument(text: str) -> Place:
    """The type of an argument ``PARTITION:OFFSET``.

    Raises:
        click.BadParameter: it is none.
    """
    try:
        return Place.parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def with_filters(command: Command) -> Command:
    """The options by which both commands choose letters."""
    moment = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])
    for decorate in (
        click.option("--until", type=moment, help="Only what was refused before this (local time)."),
        click.option("--since", type=moment, help="Only what was refused from this time on (local time)."),
        click.option(
            "--reason",
            "reasons",
            multiple=True,
            type=click.Choice([reason.value for reason in DeadLetterReason]),
            help="Only this reason. Repeat for each.",
        ),
    ):
        command = decorate(command)
    return command


def chosen_by(
    places: Iterable[Place], reasons: Iterable[str], since: datetime | None, until: datetime | None
) -> LetterFilter:
    """The filter that the arguments and options spell."""
    return LetterFilter(
        frozenset(places),
        frozenset(map(DeadLetterReason, reasons)),
        since and since.astimezone(),
        until and until.astimezone(),
    )
