"""A trained network on disk: design, weights, tokenizer and the plan that it was trained by."""

import json
from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import load_file, save_file
from transformers import AutoConfig

from model_export.export.grid import GRID_FILE, Grid
from model_export.networks.architectures import build
from model_export.networks.classifier import ReviewClassifier
from model_export.networks.design import NetworkDesign
from model_export.training.begin import Beginning
from model_export.training.plan import TrainingPlan, write_plan

WEIGHTS_FILE = "weights.safetensors"
NETWORK_FILE = "network.json"
ENCODER_FOLDER = "encoder"
TOKENIZER_FILE = "tokenizer.json"
TRAINING_FILE = "training.json"
RESULT_FILE = "result.json"


@dataclass(frozen=True)
class TrainingResult:
    """``result.json``: what a run came to."""

    steps: int
    seconds: float
    """Of this run; one that went on counts from there."""
    parameters: int
    trained_parameters: int
    best_step: int | None = None
    """The step whose network was kept; of these and the next, None where no development reviews were given."""
    dev_loss: float | None = None
    dev_accuracy: float | None = None


def save_checkpoint(
    beginning: Beginning, output: Path, plan: TrainingPlan, result: TrainingResult, grid: Grid | None = None
) -> None:
    """Write the folder that ``load_checkpoint`` and the export read; the weights last.

    Args:
        beginning: the network, trained by now, its tokenizer and its design.
        output: the folder.
        plan: of the run.
        result: of the run.
        grid: on which the weights stand, if they do.
    """
    output.mkdir(parents=True, exist_ok=True)
    (output / GRID_FILE).unlink(missing_ok=True)  # of an earlier run
    if grid is not None:
        grid.save(output)
    if beginning.config is not None:
        beginning.config.save_pretrained(output / ENCODER_FOLDER)
    (output / NETWORK_FILE).write_text(beginning.design.model_dump_json(indent=2) + "\n")
    beginning.tokenizer.save(str(output / TOKENIZER_FILE))
    write_plan(plan, output / TRAINING_FILE)
    (output / RESULT_FILE).write_text(json.dumps(result.__dict__, indent=2) + "\n")
    save_file(beginning.network.state_dict(), output / WEIGHTS_FILE)


def load_checkpoint(folder: Path) -> ReviewClassifier:
    """The trained network of a checkpoint folder, in evaluation mode, float32, on the CPU."""
    design = NetworkDesign()  # what it was before designs were written down
    if (folder / NETWORK_FILE).exists():
        design = NetworkDesign.model_validate_json((folder / NETWORK_FILE).read_bytes())
    config = AutoConfig.from_pretrained(folder / ENCODER_FOLDER) if design.body == "transformer" else None
    network = build(design, config)
    network.load_state_dict(load_file(folder / WEIGHTS_FILE))
    return network.eval()
