"""Going on with a run that was killed: from its last whole step, and only if it is the same run."""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from model_export.data.reviews import LabelledReview
from model_export.training.plan import TrainingPlan
from schemas.errors import ConfigurationError

STEPS_FOLDER = "steps"
RUN_FILE = "run.json"
STATE_FILE = "trainer_state.json"
"""transformers' Trainer writes it last into the folder of a step."""


def has_begun(output: Path) -> bool:
    """Whether a run has left anything to go on from, if only what its teacher says."""
    return (output / STEPS_FOLDER / RUN_FILE).exists()


def step_to_go_on_from(output: Path, plan: TrainingPlan, reviews: Sequence[LabelledReview]) -> Path | None:
    """The last step that was saved whole; None where none was.

    A step in whose midst the run was killed is removed.

    Raises:
        ConfigurationError: what is to go on began with another plan or with other reviews.
    """
    folder = output / STEPS_FOLDER
    if has_begun(output):
        _compare(json.loads((folder / RUN_FILE).read_text()), _run(plan, reviews), output)
    saved = _whole_steps(folder)
    return saved[-1] if saved else None


def begin_steps(output: Path, plan: TrainingPlan, reviews: Sequence[LabelledReview]) -> None:
    """An empty folder for the steps of a new run: no later resume shall find those of an older one."""
    folder = output / STEPS_FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / RUN_FILE).write_text(json.dumps(_run(plan, reviews), indent=2) + "\n")


def _whole_steps(folder: Path) -> list[Path]:
    steps = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))
    for step in steps:
        if not _is_whole(step):
            shutil.rmtree(step)
    return [step for step in steps if step.exists()]


def _is_whole(step: Path) -> bool:
    try:
        json.loads((step / STATE_FILE).read_text())
    except (OSError, ValueError):
        return False
    return True


def _compare(began: dict[str, Any], run: dict[str, Any], output: Path) -> None:
    was, now = asdict(TrainingPlan()) | began["plan"], run["plan"]  # an older release knew fewer fields
    changed = [
        f"{name} was {was[name]!r} and is {now[name]!r}" for name in sorted(now) if was[name] != now[name]
    ]
    if began["reviews"] != run["reviews"]:
        changed.append("the reviews are others")
    if changed:
        raise ConfigurationError(
            f"the run in {output} cannot go on, because it began otherwise: {'; '.join(changed)}"
        )


def _run(plan: TrainingPlan, reviews: Sequence[LabelledReview]) -> dict[str, Any]:
    return {"plan": asdict(plan), "reviews": _digest(reviews)}


def _digest(reviews: Sequence[LabelledReview]) -> str:
    digest = hashlib.sha256()
    for review in reviews:
        digest.update(
            repr((review.text, review.polarity, review.intensity, review.domain)).encode(errors="replace")
        )
    return digest.hexdigest()
