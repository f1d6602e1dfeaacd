"""``cross-validate``: how good networks of a plan are, and how much that varies."""

from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from console.extras import need
from console.option_groups import GroupedCommand, option_of
from console.options import WRITABLE
from console.plan_options import with_plan
from console.progress import progress
from console.training_data import TrainingData, with_data
from model_export.training.plan import TrainingPlan

RUN = "Run"


@click.command("cross-validate", cls=GroupedCommand)
@with_data
@option_of(
    RUN,
    "--folds",
    type=click.IntRange(min=2),
    default=5,
    show_default=True,
    help="Networks to train, each without one of so many parts.",
)
@option_of(RUN, "--output", type=WRITABLE, required=True, help="Folder for the figures to write.")
@with_plan
def cross_validate(data: TrainingData, folds: int, output: Path, plan: TrainingPlan) -> None:
    """Train as many networks as there are folds, and measure each on the fold that it has not seen.

    Folds are made by product. What is printed is the mean of each figure and how far the folds spread: a difference
    between two plans that is smaller than that says nothing. No network is kept; train makes one of all the data.
    """
    need("train")
    prepared = data.prepare(
        cleaning=plan.cleaning,
        seed=plan.seed,
        taught=plan.teacher is not None,
        dev_share=0.0,
        held_out_share=0.0,
    )
    from model_export.data.record import write_record  # noqa: PLC0415 -- scipy takes seconds to import
    from model_export.data.report import Fate  # noqa: PLC0415
    from model_export.training.cross_validation import RESULT_FILE  # noqa: PLC0415 -- torch takes seconds to import
    from model_export.training.cross_validation import cross_validate as run  # noqa: PLC0415
    from model_export.training.train import Step  # noqa: PLC0415

    write_record(prepared, output)
    with progress("training", console=Console(stderr=True)) as meter:

        def watch(fold: int, step: Step) -> None:
            meter.says(f"fold {fold + 1} of {folds}, step {step.done:,} of {step.total:,}")
            meter.at(fold * step.total + step.done, folds * step.total)

        result = run(
            prepared.part(Fate.TRAINING),
            prepared.groups[prepared.fates == Fate.TRAINING],
            output,
            replace(plan, patience=None),
            count=folds,
            watch=watch,
        )
    table = Table("figure", "mean", "deviation", "least", "most", show_edge=False, pad_edge=False)
    for name, spread in result.spreads().items():
        values = (spread.mean, spread.deviation, spread.least, spread.most)
        table.add_row(name.replace("_", " "), *(f"{value:.4f}" for value in values))
    Console().print(table)
    click.echo(f"figures: {output / RESULT_FILE}")
