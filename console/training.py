"""``train``: a network from labelled reviews."""

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from console.extras import need
from console.option_groups import GroupedCommand, option_of
from console.options import WRITABLE
from console.plan_options import with_plan
from console.progress import progress
from console.training_data import TrainingData, with_data
from model_export.training.plan import TrainingPlan

if TYPE_CHECKING:
    from model_export.training.train import Step

RUN = "Run"


@click.command(cls=GroupedCommand)
@with_data
@option_of(RUN, "--output", type=WRITABLE, required=True, help="Checkpoint folder to write.")
@option_of(RUN, "--resume", is_flag=True, help="Go on from the last saved step of a run that was killed.")
@option_of(RUN, "--tensorboard", is_flag=True, help="Write the course of the run to OUTPUT/tensorboard.")
@option_of(
    RUN,
    "--wandb",
    "wandb_project",
    metavar="PROJECT",
    help="Log the run to this project of Weights & Biases.",
)
@option_of(
    RUN,
    "--wandb-offline",
    is_flag=True,
    help="Write it to OUTPUT/wandb instead of sending it; `wandb sync` sends it later.",
)
@with_plan
def train(
    data: TrainingData,
    output: Path,
    plan: TrainingPlan,
    resume: bool,
    tensorboard: bool,
    wandb_project: str | None,
    wandb_offline: bool,
) -> None:
    """Train a network on labelled reviews: fine-tune a pretrained transformer, or begin from scratch.

    A row holds "text" and a "label" (positive, negative) or a "rating" of 1 to 5 stars; stars also teach the
    intensity. Without --dev and --held-out a tenth each is taken from the data, by product. docs/training-data.md shows how
    to bring your own data, docs/training.md the ways to train.
    """
    need("train")
    if tensorboard:
        need("tracking", "tensorboard")
    if wandb_project is not None:
        need("tracking", "wandb")
    prepared = data.prepare(cleaning=plan.cleaning, seed=plan.seed, taught=plan.teacher is not None)
    from model_export.data.record import write_record  # noqa: PLC0415 -- scipy takes seconds to import
    from model_export.data.report import Fate  # noqa: PLC0415
    from model_export.training.tracking import tracking  # noqa: PLC0415 -- torch takes seconds to import
    from model_export.training.train import train as fit  # noqa: PLC0415

    quiet_libraries()
    write_record(prepared, output)
    with (
        tracking(
            output, plan, tensorboard=tensorboard, wandb_project=wandb_project, offline=wandb_offline
        ) as callbacks,
        shown_progress() as watch,
    ):
        result = fit(
            prepared.part(Fate.TRAINING),
            output,
            plan,
            dev=prepared.part(Fate.DEV),
            resume=resume,
            watch=watch,
            callbacks=callbacks,
        )
    click.echo(
        f"{result.steps:,} steps in {result.seconds:,.0f} s, {result.trained_parameters:,} weights trained of {result.parameters:,}"
    )
    if result.best_step is not None:
        click.echo(
            f"kept: step {result.best_step:,}, loss {result.dev_loss:.4f} and accuracy {result.dev_accuracy:.4f} "
            "on the development reviews"
        )
    click.echo(f"checkpoint: {output}")


def quiet_libraries() -> None:
    """Leave the terminal to our own progress: these tell of every step, and draw bars of their own."""
    from transformers.utils import logging as transformers_logging  # noqa: PLC0415 -- torch takes seconds to import

    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.getLogger("gensim").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")


@contextmanager
def shown_progress() -> "Iterator[Callable[[Step], None]]":
    """A bar of steps with the latest losses and the time left."""
    with progress("training", console=Console(stderr=True)) as meter:

        def watch(step: "Step") -> None:
            losses = [("loss", step.loss), ("dev loss", step.dev_loss)]
            known = [f"{name} {value:.3f}" for name, value in losses if value is not None]
            meter.says(", ".join([step.what, *known]))
            meter.at(step.done, step.total)

        yield watch
