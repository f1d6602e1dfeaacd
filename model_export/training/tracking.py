"""The course of a run for those who watch it elsewhere: TensorBoard, Weights & Biases."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path

from transformers import TrainerCallback

from model_export.training.plan import TrainingPlan


@contextmanager
def tracking(
    output: Path, plan: TrainingPlan, *, tensorboard: bool, wandb_project: str | None, offline: bool
) -> Iterator[list[TrainerCallback]]:
    """Callbacks for the training loop; what they wrote is whole when the context ends.

    Args:
        output: TensorBoard's events go to its folder ``tensorboard``, runs of W&B to ``wandb``.
        plan: shown beside the curves.
        tensorboard: write events.
        wandb_project: log to this project; None for not at all.
        offline: keep the run of W&B on disk, to be sent with ``wandb sync``.
    """
    with ExitStack() as open_logs:
        callbacks: list[TrainerCallback] = []
        if tensorboard:
            from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 -- an extra
            from transformers.integrations.integration_utils import TensorBoardCallback  # noqa: PLC0415

            writer = open_logs.enter_context(SummaryWriter(str(output / "tensorboard")))
            callbacks.append(TensorBoardCallback(writer))  # type: ignore[no-untyped-call]
        if wandb_project is not None:
            import wandb  # noqa: PLC0415 -- an extra
            from transformers.integrations.integration_utils import WandbCallback  # noqa: PLC0415

            output.mkdir(parents=True, exist_ok=True)
            # Its service may write the last records of a run after the run has ended.
            open_logs.callback(wandb.teardown)
            open_logs.enter_context(
                wandb.init(
                    project=wandb_project,
                    dir=str(output),
                    config=asdict(plan),
                    mode="offline" if offline else "online",
                )
            )
            callbacks.append(WandbCallback())  # type: ignore[no-untyped-call]
        yield callbacks
