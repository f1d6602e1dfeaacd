"""The mean of several networks as one, often as good as an ensemble of them, at the price of one.

Wortsman et al. 2022, "Model soups: averaging weights of multiple fine-tuned models improves accuracy without increasing
inference time". They have to begin alike (the same pretrained weights) and may differ in seed, data and rates.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from model_export.training.checkpoint import (
    ENCODER_FOLDER,
    NETWORK_FILE,
    TOKENIZER_FILE,
    TRAINING_FILE,
    WEIGHTS_FILE,
)
from schemas.errors import ConfigurationError


def write_mean(checkpoints: Sequence[Path], output: Path) -> None:
    """Write a checkpoint with the mean of the weights of several; all else is that of the first.

    Raises:
        ConfigurationError: fewer than two, a folder that is no checkpoint, networks or vocabularies that are not alike, or
            an output that is there already.
    """
    if output.exists():
        raise ConfigurationError(f"{output} is there already")
    states = _read_alike(checkpoints)
    output.mkdir(parents=True)
    if (checkpoints[0] / ENCODER_FOLDER).exists():
        shutil.copytree(checkpoints[0] / ENCODER_FOLDER, output / ENCODER_FOLDER)
    for name in (NETWORK_FILE, TOKENIZER_FILE, TRAINING_FILE):
        if (checkpoints[0] / name).exists():  # older checkpoints lack some
            shutil.copy(checkpoints[0] / name, output / name)
    save_file({name: _mean([state[name] for state in states]) for name in states[0]}, output / WEIGHTS_FILE)


def _read_alike(checkpoints: Sequence[Path]) -> list[dict[str, Tensor]]:
    """The weights of each, with the same names and shapes."""
    if len(checkpoints) < 2:
        raise ConfigurationError("a mean is of two checkpoints or more")
    for folder in checkpoints:
        if not (folder / WEIGHTS_FILE).exists():
            raise ConfigurationError(f"{folder}: no checkpoint, it has no {WEIGHTS_FILE}")
    states = [load_file(folder / WEIGHTS_FILE) for folder in checkpoints]
    tokenizer = (checkpoints[0] / TOKENIZER_FILE).read_bytes()
    for folder, state in zip(checkpoints, states, strict=True):
        if _shapes(state) != _shapes(states[0]):
            raise ConfigurationError(f"{folder} and {checkpoints[0]} are networks of another build")
        if (folder / TOKENIZER_FILE).read_bytes() != tokenizer:
            raise ConfigurationError(f"{folder} and {checkpoints[0]} have other tokenizers")
    return states


def _shapes(state: dict[str, Tensor]) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in state.items()}


def _mean(tensors: Sequence[Tensor]) -> Tensor:
    # In double: a count of batches is a whole number, and becomes one again.
    return torch.stack([tensor.double() for tensor in tensors]).mean(dim=0).to(tensors[0].dtype)
