"""Every architecture goes the whole way: trained, written, exported, served; and none reads padding."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import tiny_bert
import tiny_networks
import torch
from torch import Tensor

from consumers.infer.engine import Engine
from model_export.data.tokens import TextEncoder
from model_export.export.bundle import BundleDescription, export
from model_export.training.plan import FROM_SCRATCH, TrainingPlan
from model_export.training.train import load_checkpoint, train
from schemas.events import Label, Sentiment
from schemas.settings import Provider

REVIEWS = tiny_bert.reviews(64, seed=1)
HELD_OUT = tiny_bert.reviews(24, seed=2)
TEXTS = [review.text for review in HELD_OUT]
WORDS = BundleDescription("tiny", "A test.", "random", "Apache-2.0", "made up")

Checkpoint = Callable[[str], Path]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """The trained network of an architecture, made once."""
    made: dict[str, Path] = {}

    def make(kind: str) -> Path:
        if kind not in made:
            folder = tmp_path_factory.mktemp(kind)
            made[kind] = folder / "checkpoint"
            architecture = (
                kind if kind in FROM_SCRATCH else str(tiny_networks.write_base(kind, folder / "base"))
            )
            train(REVIEWS, made[kind], plan_for(architecture))
        return made[kind]

    return make


def plan_for(architecture: str) -> TrainingPlan:
    return TrainingPlan(
        architecture=architecture,
        epochs=8,
        tokens_per_batch=256,
        max_length=tiny_bert.MAX_LENGTH,
        learning_rate=1e-2,
        encoder_dropout=0.0,
        hidden_units=16,
        batch_norm=True,
        word_size=16,
        word_passes=1,
        units=24,
        bf16=False,
    )


@pytest.fixture(params=[*tiny_networks.KINDS, *FROM_SCRATCH])
def kind(request: pytest.FixtureRequest) -> str:
    """Each architecture."""
    return str(request.param)


def padded(token_ids: list[list[int]], pad_id: int) -> tuple[Tensor, Tensor]:
    """All of them in one batch, as wide as can be."""
    width = tiny_bert.MAX_LENGTH
    input_ids = torch.tensor([ids + [pad_id] * (width - len(ids)) for ids in token_ids])
    mask = torch.tensor([[1] * len(ids) + [0] * (width - len(ids)) for ids in token_ids])
    return input_ids, mask


def test_it_is_trained_exported_and_served(kind: str, checkpoint: Checkpoint, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    export(
        checkpoint(kind),
        HELD_OUT,
        folder,
        WORDS,
        max_length=tiny_bert.MAX_LENGTH,
        precisions=("int8", "fp32"),
    )
    encoder = TextEncoder.from_folder(checkpoint(kind), tiny_bert.MAX_LENGTH)
    input_ids, mask = padded(encoder.encode(TEXTS), encoder.pad_id)

    sentiments = Engine.start(folder, Provider.CPU, threads=1).score(TEXTS)
    session = onnxruntime.InferenceSession(folder / "model.fp32.onnx", providers=["CPUExecutionProvider"])
    (logits,) = session.run(None, {"input_ids": input_ids.numpy(), "attention_mask": mask.numpy()})

    labels = [sentiment.label for sentiment in sentiments if isinstance(sentiment, Sentiment)]
    assert labels == [Label.POSITIVE if review.polarity else Label.NEGATIVE for review in HELD_OUT]
    with torch.inference_mode():
        of_torch = load_checkpoint(checkpoint(kind))(input_ids, mask).numpy()
    # Intensity, because polarity also got a bias when it was calibrated.
    np.testing.assert_allclose(logits[:, 1], of_torch[:, 1], atol=1e-3)


def test_neither_padding_nor_a_neighbour_reaches_a_logit(kind: str, checkpoint: Checkpoint) -> None:
    network = load_checkpoint(checkpoint(kind))
    encoder = TextEncoder.from_folder(checkpoint(kind), tiny_bert.MAX_LENGTH)
    token_ids = encoder.encode(TEXTS)
    input_ids, mask = padded(token_ids, encoder.pad_id)
    assert len(set(map(len, token_ids))) > 5

    with torch.inference_mode():
        alone = torch.cat(
            [network(torch.tensor([ids]), torch.ones((1, len(ids)), dtype=torch.int64)) for ids in token_ids]
        )
        together = network(input_ids, mask)
        otherwise_padded = network(torch.where(mask == 1, input_ids, 3), mask)

    assert alone[:, 0].std() > 0.5  # logits that differ, so that a mixture would show
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-4)
    torch.testing.assert_close(otherwise_padded, alone, rtol=0, atol=1e-4)
