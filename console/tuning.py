"""``tune``: the search for a better plan."""

from pathlib import Path

import click
from rich.console import Console

from console.extras import need
from console.option_groups import GroupedCommand, option_of
from console.options import WRITABLE
from console.plan_options import with_plan
from console.progress import progress
from console.training import quiet_libraries
from console.training_data import TrainingData, with_data
from model_export.training.plan import TrainingPlan
from schemas.errors import ConfigurationError

RUN = "Run"


@click.command(cls=GroupedCommand)
@with_data
@option_of(
    RUN,
    "--output",
    type=WRITABLE,
    required=True,
    help="Folder of the search. One that is there goes on: after a kill, or with more trials.",
)
@option_of(
    RUN, "--trials", type=click.IntRange(min=1), default=20, show_default=True, help="Plans to try, in all."
)
@with_plan
def tune(data: TrainingData, output: Path, plan: TrainingPlan, trials: int) -> None:
    """Try plans around the given one, and write the best to plan.json in OUTPUT, for train --plan.

    Tried are learning rates from a fifth to five times the plan's, and some values each of tokens-per-batch, weight-decay,
    warmup-share, label-smoothing, dropout, and of transformers layer-decay and encoder-dropout. The plan with the least
    loss on the development reviews is the best; plans worse than the median of the others are given up early.
    """
    need("train")
    prepared = data.prepare(cleaning=plan.cleaning, seed=plan.seed, taught=plan.teacher is not None)
    from model_export.data.report import Fate  # noqa: PLC0415 -- scipy takes seconds to import
    from model_export.training.search import BEST_PLAN_FILE, search  # noqa: PLC0415 -- torch takes seconds to import
    from model_export.training.train import Step  # noqa: PLC0415

    quiet_libraries()
    if not prepared.part(Fate.DEV):
        raise ConfigurationError("a search needs development reviews to measure on")
    with progress("searching", console=Console(stderr=True)) as meter:

        def watch(trial: int, step: Step) -> None:
            loss = "" if step.dev_loss is None else f", dev loss {step.dev_loss:.3f}"
            meter.says(f"trial {trial} of {trials}, step {step.done:,} of {step.total:,}{loss}")
            meter.at(trial * step.total + step.done, trials * step.total)

        result = search(
            prepared.part(Fate.TRAINING), prepared.part(Fate.DEV), output, plan, trials=trials, watch=watch
        )
    click.echo(f"{result.finished} plans tried to the end, {result.pruned} given up early")
    click.echo(f"least loss on the development reviews: {result.dev_loss:.4f}")
    click.echo(f"best plan: {output / BEST_PLAN_FILE}")
