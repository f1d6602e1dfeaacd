"""The mean of checkpoints: of each weight, and of networks alone that are alike."""

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file, save_file
from torch import Tensor

from console.averaging import average
from model_export.training.checkpoint import TOKENIZER_FILE, TRAINING_FILE, WEIGHTS_FILE
from model_export.training.mean import write_mean
from schemas.errors import ConfigurationError


def checkpoint(folder: Path, weights: dict[str, Tensor], tokenizer: str = "words") -> Path:
    folder.mkdir()
    save_file(weights, folder / WEIGHTS_FILE)
    (folder / TOKENIZER_FILE).write_text(tokenizer)
    (folder / TRAINING_FILE).write_text("{}")
    (folder / "rows.csv.gz").write_bytes(b"of its own run")
    return folder


def heads(value: float) -> dict[str, Tensor]:
    return {"heads.bias": torch.full((2,), value), "norm.num_batches_tracked": torch.tensor(int(value))}


def test_the_mean_is_of_each_weight_and_the_rest_is_of_the_first(tmp_path: Path) -> None:
    one, two = checkpoint(tmp_path / "one", heads(1)), checkpoint(tmp_path / "two", heads(5))
    output = tmp_path / "mean"

    outcome = CliRunner().invoke(
        average, ["--checkpoint", str(one), "--checkpoint", str(two), "--output", str(output)]
    )

    assert outcome.exit_code == 0
    mean = load_file(output / WEIGHTS_FILE)
    assert mean["heads.bias"].tolist() == [3.0, 3.0]
    assert (mean["norm.num_batches_tracked"].item(), mean["norm.num_batches_tracked"].dtype) == (
        3,
        torch.int64,
    )
    assert {path.name for path in output.iterdir()} == {WEIGHTS_FILE, TOKENIZER_FILE, TRAINING_FILE}


def test_networks_that_are_not_alike_have_no_mean(tmp_path: Path) -> None:
    one = checkpoint(tmp_path / "one", heads(1))
    wider = checkpoint(tmp_path / "wider", {**heads(1), "heads.bias": torch.zeros(3)})
    reads_others = checkpoint(tmp_path / "other", heads(1), tokenizer="other words")
    output = tmp_path / "mean"

    for checkpoints, message in (
        ([one], "two checkpoints or more"),
        ([one, tmp_path], "no checkpoint"),
        ([one, wider], "another build"),
        ([one, reads_others], "other tokenizers"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            write_mean(checkpoints, output)
    assert not output.exists()


def test_what_is_there_is_not_written_over(tmp_path: Path) -> None:
    one, two = checkpoint(tmp_path / "one", heads(1)), checkpoint(tmp_path / "two", heads(5))

    with pytest.raises(ConfigurationError, match="there already"):
        write_mean([one, two], two)
