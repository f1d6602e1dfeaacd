"""Logs of a run for those who watch it elsewhere."""

from pathlib import Path

import tiny_bert
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from model_export.training.plan import TrainingPlan
from model_export.training.tracking import tracking
from model_export.training.train import train

REVIEWS = tiny_bert.reviews(32, seed=1)
PLAN = TrainingPlan(
    architecture="textcnn",
    epochs=1,
    max_length=tiny_bert.MAX_LENGTH,
    tokens_per_batch=256,
    word_size=8,
    word_passes=0,
    units=4,
    bf16=False,
)


def test_tensorboard_shows_the_losses_of_training_and_development(tmp_path: Path) -> None:
    with tracking(tmp_path, PLAN, tensorboard=True, wandb_project=None, offline=False) as callbacks:
        train(REVIEWS, tmp_path, PLAN, dev=REVIEWS, callbacks=callbacks)

    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert {"train/loss", "eval/loss", "eval/accuracy", "train/learning_rate"} <= set(
        events.Tags()["scalars"]
    )


def test_weights_and_biases_writes_a_run_to_disk_when_it_is_offline(tmp_path: Path) -> None:
    with tracking(tmp_path, PLAN, tensorboard=False, wandb_project="reviews", offline=True) as callbacks:
        train(REVIEWS, tmp_path, PLAN, dev=REVIEWS, callbacks=callbacks)

    (run,) = (tmp_path / "wandb").glob("offline-run-*/run-*.wandb")
    assert b"eval/accuracy" in run.read_bytes()
