"""Search for a better plan: optuna tries plans from a stated space and keeps what each came to in a file."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import TrialState
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from model_export.data.reviews import LabelledReview
from model_export.training.plan import FROM_SCRATCH, TrainingPlan, write_plan
from model_export.training.train import Step, train

STORAGE_FILE = "search.db"
BEST_PLAN_FILE = "plan.json"

ONCE_AN_EPOCH = 10**9
"""Steps between measurements, of which no epoch has so many: plans with batches of other sizes can then be compared."""

RATE_SPREAD = 5.0
"""Learning rates are tried from the plan's own divided by this to the plan's own times this, on a logarithmic scale."""

SPACE: dict[str, Sequence[float]] = {
    "tokens_per_batch": (2048, 4096, 8192),
    "weight_decay": (0.0, 0.01, 0.1),
    "warmup_share": (0.0, 0.06, 0.15),
    "label_smoothing": (0.0, 0.05, 0.1),
    "dropout": (0.0, 0.1, 0.3, 0.5),
}
"""What is tried beside the learning rate."""

TRANSFORMER_SPACE: dict[str, Sequence[float]] = {
    "layer_decay": (1.0, 0.9, 0.8),
    "encoder_dropout": (0.0, 0.1),
}
"""And of transformers."""


@dataclass(frozen=True)
class SearchResult:
    """The best plan so far, and how it was found."""

    plan: TrainingPlan
    dev_loss: float
    finished: int
    """Trials that were trained to their end."""
    pruned: int
    """Trials that were given up early."""


def search(
    reviews: Sequence[LabelledReview],
    dev: Sequence[LabelledReview],
    output: Path,
    plan: TrainingPlan,
    *,
    trials: int,
    watch: Callable[[int, Step], None] = lambda trial, step: None,  # noqa: ARG005 -- nobody watches
) -> SearchResult:
    """Try ``trials`` plans around ``plan``, the given one first, and write the best to ``plan.json`` in ``output``.

    What was tried is in ``search.db``: a search that was killed, or that is called again with more trials, goes on.
    Trials that do worse than the median of the others after as many epochs are given up.

    Args:
        reviews: to learn from.
        dev: to measure on; the plan with the least loss on them is the best.
        output: folder of the search.
        plan: what all trials share, and the middle of the learning rates.
        trials: how many in all, those of earlier calls included.
        watch: told of every step of every trial.
    """
    output.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=f"sqlite:///{output / STORAGE_FILE}",
        study_name="reviewstream",
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4),
    )
    for trial in study.get_trials(states=[TrialState.RUNNING]):
        study.tell(trial.number, state=TrialState.FAIL)  # it was killed
    # A search that goes on must not draw the same plans again.
    study.sampler = optuna.samplers.TPESampler(seed=plan.seed + len(study.trials))
    if not study.trials:
        study.enqueue_trial(_as_parameters(plan))

    def objective(trial: optuna.Trial) -> float:
        with tempfile.TemporaryDirectory(dir=output) as folder:  # only the plan is kept
            result = train(
                reviews,
                Path(folder),
                replace(plan_of(trial, plan), save_steps=ONCE_AN_EPOCH),
                dev=dev,
                watch=lambda step: watch(trial.number, step),
                callbacks=[_Pruning(trial)],
            )
        assert result.dev_loss is not None
        return result.dev_loss

    while (missing := trials - len(_ended(study))) > 0:
        study.optimize(objective, n_trials=missing)
    best = plan_of(study.best_trial, plan)
    write_plan(best, output / BEST_PLAN_FILE)
    pruned = study.get_trials(states=[TrialState.PRUNED])
    return SearchResult(best, study.best_value, len(_ended(study)) - len(pruned), len(pruned))


def plan_of(trial: optuna.Trial | optuna.trial.FrozenTrial, plan: TrainingPlan) -> TrainingPlan:
    """``plan`` with what the trial chose from the space."""
    rate = trial.suggest_float(
        "learning_rate", plan.learning_rate / RATE_SPREAD, plan.learning_rate * RATE_SPREAD, log=True
    )
    chosen: dict[str, Any] = {
        name: trial.suggest_categorical(name, values) for name, values in _space(plan).items()
    }
    return replace(plan, learning_rate=rate, **chosen)


def _space(plan: TrainingPlan) -> dict[str, Sequence[float]]:
    """The space, and in it what the plan itself has."""
    space = SPACE if plan.architecture in FROM_SCRATCH else SPACE | TRANSFORMER_SPACE
    return {name: sorted({*values, getattr(plan, name)}) for name, values in space.items()}


def _as_parameters(plan: TrainingPlan) -> dict[str, Any]:
    return {name: getattr(plan, name) for name in ("learning_rate", *_space(plan))}


def _ended(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    return study.get_trials(states=[TrialState.COMPLETE, TrialState.PRUNED])


class _Pruning(TrainerCallback):
    """Gives a trial up where optuna says that it leads nowhere."""

    def __init__(self, trial: optuna.Trial) -> None:
        self._trial = trial

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **measured: Any,
    ) -> None:
        del args, control
        self._trial.report(measured["metrics"]["eval_loss"], round(state.epoch or 0))
        if self._trial.should_prune():
            raise optuna.TrialPruned
