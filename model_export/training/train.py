"""Train a network on labelled reviews: one function, one checkpoint folder."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import (
    EarlyStoppingCallback,
    PrinterCallback,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
    set_seed,
)

from model_export.data.reviews import LabelledReview
from model_export.training.batches import TokenisedReviews
from model_export.training.begin import begin
from model_export.training.checkpoint import (
    TRAINING_FILE,
    WEIGHTS_FILE,
    TrainingResult,
    load_checkpoint,
    save_checkpoint,
)
from model_export.training.crops import crops
from model_export.training.machine import calculates_in_bf16
from model_export.training.parameters import choose_trained, join_updates
from model_export.training.plan import TrainingPlan
from model_export.training.quantise import put_on_grid, settle_on_grid
from model_export.training.resume import STEPS_FOLDER, begin_steps, has_begun, step_to_go_on_from
from model_export.training.teacher import TEACHER_FILE, open_teacher, taught, vector_teacher
from model_export.training.trainer import ReviewTrainer, token_batches
from schemas.errors import ConfigurationError

__all__ = ["TRAINING_FILE", "WEIGHTS_FILE", "Step", "TrainingPlan", "load_checkpoint", "train"]

LOGGED_STEPS = 50
"""The training loss is the mean of so many steps; fewer would show noise."""


@dataclass(frozen=True)
class Step:
    """How far a run is, for people who wait."""

    done: int
    total: int
    loss: float | None
    """Of the latest steps."""
    dev_loss: float | None
    what: str = "training"


def train(
    reviews: Sequence[LabelledReview],
    output: Path,
    plan: TrainingPlan,
    *,
    dev: Sequence[LabelledReview] = (),
    resume: bool = False,
    watch: Callable[[Step], None] = lambda step: None,  # noqa: ARG005 -- nobody watches
    callbacks: Sequence[TrainerCallback] = (),
) -> TrainingResult:
    """Train as ``plan`` says and write the checkpoint folder ``output``.

    Args:
        reviews: to learn from.
        output: folder of the checkpoint, and of the steps that a killed run goes on from.
        plan: everything else about the run.
        dev: reviews to measure on now and then. The network with the least loss on them is the one that is kept.
        resume: go on from the last saved step of a run that was killed, if there is one.
        watch: told of every step, and before them of texts that the teacher has read.
        callbacks: of transformers, for logs.

    Raises:
        ConfigurationError: the plan cannot work; nothing was written.
    """
    if plan.patience is not None and not dev:
        raise ConfigurationError("patience: stopping early needs development reviews to measure on")
    if plan.quantise_aware and (plan.begin_with is None or plan.mode != "full"):
        raise ConfigurationError(
            "quantise_aware is the end of a training: it goes on with all weights (mode full) of the checkpoint in begin_with"
        )
    set_seed(plan.seed)
    teacher = open_teacher(Path(plan.teacher), plan) if plan.teacher is not None else None
    saved = step_to_go_on_from(output, plan, reviews) if resume else None
    beginning = begin(plan, [review.text for review in reviews], word_vectors_too=saved is None)
    network = beginning.network
    teacher_of_vectors = vector_teacher(plan, teacher, beginning)
    choose_trained(network, plan)
    if saved is None and not (resume and has_begun(output)):
        begin_steps(output, plan, reviews)
    encoder = beginning.encoder(plan.max_length)
    learned = [*reviews, *crops(reviews, plan.crops, plan.seed, unlabelled=teacher is not None)]
    if teacher is not None:
        asked = partial(_asking, watch)
        learned = taught(learned, teacher, plan.teacher_share, output / STEPS_FOLDER / TEACHER_FILE, asked)
    data, measured = (
        TokenisedReviews(rows, encoder, plan.heaviest_weight, plan.balance) for rows in (learned, dev)
    )
    if plan.quantise_aware:
        put_on_grid(network, data.token_ids)
    trainer = ReviewTrainer(
        plan,
        encoder.pad_id,
        teacher_of_vectors,
        model=network,
        args=_arguments(plan, output / STEPS_FOLDER, len(token_batches(data, plan)), measures=bool(dev)),
        train_dataset=data,
        eval_dataset=measured,
        callbacks=[_Watch(watch), *_stopping(plan), *callbacks],
    )
    trainer.remove_callback(PrinterCallback)
    trained = sum(weight.numel() for weight in network.parameters() if weight.requires_grad)
    started = time.monotonic()
    trainer.train(resume_from_checkpoint=str(saved) if saved else None)
    seconds = time.monotonic() - started
    join_updates(network)
    grid = settle_on_grid(network)
    best = _best(trainer.state)
    result = TrainingResult(
        steps=trainer.state.global_step,
        seconds=round(seconds, 1),
        parameters=sum(weight.numel() for weight in network.parameters()),
        trained_parameters=trained,
        best_step=best.get("step"),
        dev_loss=best.get("eval_loss"),
        dev_accuracy=best.get("eval_accuracy"),
    )
    save_checkpoint(beginning, output, plan, result, grid)
    return result


def _asking(watch: Callable[[Step], None], done: int, total: int) -> None:
    watch(Step(done, total, None, None, "asking the teacher"))


def _arguments(plan: TrainingPlan, folder: Path, steps_an_epoch: int, *, measures: bool) -> TrainingArguments:
    # At least once an epoch, and not at all beyond the end.
    interval = max(1, min(plan.save_steps, steps_an_epoch))
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=plan.epochs,
        per_device_train_batch_size=1,  # unused: TokenBatches decides
        lr_scheduler_type="constant_with_warmup" if plan.schedule == "constant" else plan.schedule,
        warmup_steps=plan.warmup_share,
        max_grad_norm=plan.gradient_norm,
        bf16=calculates_in_bf16() if plan.bf16 is None else plan.bf16,
        use_cpu=not torch.cuda.is_available(),
        logging_steps=min(LOGGED_STEPS, interval),
        save_steps=interval,
        save_total_limit=2,
        eval_strategy="steps" if measures else "no",
        eval_steps=interval if measures else None,
        load_best_model_at_end=measures,
        metric_for_best_model="eval_loss" if measures else None,
        greater_is_better=False if measures else None,
        restore_callback_states_from_checkpoint=True,  # a resumed run is as patient as it was
        report_to="none",
        disable_tqdm=True,
        seed=plan.seed,
        remove_unused_columns=False,
        accelerator_config={"dispatch_batches": False, "even_batches": False},
    )


def _stopping(plan: TrainingPlan) -> list[TrainerCallback]:
    return [] if plan.patience is None else [EarlyStoppingCallback(early_stopping_patience=plan.patience)]


def _best(state: TrainerState) -> dict[str, Any]:
    """The measurement of the network that was kept."""
    measured = [log for log in state.log_history if "eval_loss" in log]
    return min(measured, key=lambda log: float(log["eval_loss"]), default={})


class _Watch(TrainerCallback):
    """Tells of every step, with the latest losses."""

    def __init__(self, watch: Callable[[Step], None]) -> None:
        self._watch = watch

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        del args, control
        self._watch(
            Step(
                state.global_step,
                state.max_steps,
                _latest(state.log_history, "loss"),
                _latest(state.log_history, "eval_loss"),
            )
        )


def _latest(logs: Sequence[dict[str, float]], name: str) -> float | None:
    return next((log[name] for log in reversed(logs) if name in log), None)
