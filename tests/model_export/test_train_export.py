"""The whole way of a model, on a tiny one: train, be killed, resume, export, prove, serve."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_bert
import torch
from safetensors.torch import load_file, save_file
from scipy.special import expit
from torch import Tensor

from consumers.infer.bundle import open_bundle
from consumers.infer.engine import Engine
from model_export.data.reviews import LabelledReview
from model_export.data.tokens import TextEncoder
from model_export.export.bundle import BundleDescription, export, write_bundle
from model_export.export.variants import torch_logits
from model_export.networks.classifier import ReviewClassifier
from model_export.training.train import TRAINING_FILE, WEIGHTS_FILE, TrainingPlan, load_checkpoint, train
from schemas.errors import BundleError
from schemas.events import Intensity, Label, Sentiment
from schemas.manifest import Manifest
from schemas.settings import Provider

REVIEWS = tiny_bert.reviews(80, seed=1)
HELD_OUT = tiny_bert.reviews(80, seed=2)
PLAN = TrainingPlan(
    epochs=10,
    tokens_per_batch=256,
    max_length=tiny_bert.MAX_LENGTH,
    learning_rate=5e-3,
    encoder_dropout=0.0,
    bf16=False,
)
SHORT_PLAN = replace(PLAN, epochs=2, save_steps=4)
KILLED_AT = 12
"""Of 16 steps: in the middle of the second epoch, whose batches are others than the first's."""
WORDS = BundleDescription("tiny", "A test.", "random", "Apache-2.0", "made up")


def trained(base: Path, output: Path, plan: TrainingPlan, *, resume: bool = False) -> Path:
    train(REVIEWS, output, replace(plan, architecture=str(base)), resume=resume)
    return output


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert.write_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def checkpoint(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(base, tmp_path_factory.mktemp("checkpoint"), PLAN)


@pytest.fixture(scope="module")
def bundle(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of every precision."""
    return exported(checkpoint, tmp_path_factory.mktemp("bundles") / "all", "int8", "fp32", "fp16")


def exported(checkpoint: Path, output: Path, *precisions: str) -> Path:
    export(checkpoint, HELD_OUT, output, WORDS, max_length=tiny_bert.MAX_LENGTH, precisions=precisions)
    return output


def sentiments(bundle: Path, reviews: list[LabelledReview]) -> list[Sentiment]:
    outcomes = Engine.start(bundle, Provider.CPU, threads=2).score([review.text for review in reviews])
    scored = [outcome for outcome in outcomes if isinstance(outcome, Sentiment)]
    assert len(scored) == len(reviews)
    return scored


def weights(checkpoint: Path) -> dict[str, Tensor]:
    return dict(load_file(checkpoint / WEIGHTS_FILE))


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def saved_steps(output: Path) -> list[int]:
    return sorted(int(path.name.rpartition("-")[2]) for path in (output / "steps").glob("checkpoint-*"))


def as_if_killed(finished: Path, output: Path) -> int:
    """Copy what a run of ``SHORT_PLAN`` leaves behind that was killed after saving; the step that it saved."""
    shutil.copytree(finished / "steps", output / "steps")
    saved, *later = saved_steps(output)
    assert later
    for step in later:
        shutil.rmtree(output / "steps" / f"checkpoint-{step}")
    return saved


@pytest.fixture(scope="module")
def uninterrupted(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(base, tmp_path_factory.mktemp("uninterrupted"), SHORT_PLAN)


def test_a_killed_run_ends_as_if_it_had_not_been(base: Path, uninterrupted: Path, tmp_path: Path) -> None:
    assert as_if_killed(uninterrupted, tmp_path) == KILLED_AT

    trained(base, tmp_path, SHORT_PLAN, resume=True)

    assert saved_steps(tmp_path) == saved_steps(uninterrupted)
    assert same(weights(tmp_path), weights(uninterrupted))


def mark(output: Path, step: int) -> None:
    """Give the saved network a bias that training would never reach."""
    saved = output / "steps" / f"checkpoint-{step}" / "model.safetensors"
    network = load_file(saved)
    network["heads.bias"] = torch.tensor([1000.0, 1000.0])
    save_file(network, saved, metadata={"format": "pt"})


def test_a_resumed_run_goes_on_from_the_saved_network(
    base: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    mark(tmp_path, as_if_killed(uninterrupted, tmp_path))

    trained(base, tmp_path, SHORT_PLAN, resume=True)

    assert weights(tmp_path)["heads.bias"].min() > 990


def test_a_run_that_is_not_resumed_begins_anew_and_forgets_older_steps(
    base: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    mark(tmp_path, as_if_killed(uninterrupted, tmp_path))

    trained(base, tmp_path, replace(SHORT_PLAN, epochs=1, save_steps=1000))

    assert weights(tmp_path)["heads.bias"].max() < 10
    assert KILLED_AT not in saved_steps(tmp_path)


def test_resuming_where_nothing_was_saved_begins_anew(
    base: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    trained(base, tmp_path, SHORT_PLAN, resume=True)

    assert same(weights(tmp_path), weights(uninterrupted))


def test_another_seed_trains_another_network(base: Path, uninterrupted: Path, tmp_path: Path) -> None:
    trained(base, tmp_path, replace(SHORT_PLAN, seed=8))

    assert not same(weights(tmp_path), weights(uninterrupted))


def test_a_checkpoint_says_how_it_was_trained(base: Path, checkpoint: Path) -> None:
    written = json.loads((checkpoint / TRAINING_FILE).read_text())

    assert TrainingPlan(**written) == replace(PLAN, architecture=str(base))


def test_a_trained_network_is_right_on_reviews_that_it_has_not_seen(bundle: Path) -> None:
    for review, sentiment in zip(HELD_OUT, sentiments(bundle, HELD_OUT), strict=True):
        assert (sentiment.label is Label.POSITIVE) == (review.polarity == 1)
        assert (sentiment.intensity is Intensity.STRONG) == (review.intensity == 1)


def test_a_bundle_holds_what_was_asked_for_and_says_so(bundle: Path) -> None:
    manifest = open_bundle(bundle).manifest

    assert {path.name for path in bundle.iterdir()} == {
        "manifest.json",
        "model.fp16.onnx",
        "model.fp32.onnx",
        "model.int8.onnx",
        "tokenizer.json",
    }
    assert [variant.precision for variant in manifest.variants] == ["int8", "fp32", "fp16"]
    assert manifest.metrics == {
        "held_out_reviews": len(HELD_OUT),
        "held_out_accuracy_torch": 1.0,
        "held_out_accuracy_fp16": 1.0,
        "held_out_accuracy_fp32": 1.0,
        "held_out_accuracy_int8": 1.0,
        "accuracy_drop_fp16": 0.0,
        "accuracy_drop_fp32": 0.0,
        "accuracy_drop_int8": 0.0,
    }
    assert (manifest.name, manifest.licence, manifest.base_model) == ("tiny", "Apache-2.0", "random")


def test_the_served_tokenizer_cuts_as_training_did(bundle: Path, checkpoint: Path) -> None:
    engine = Engine.start(bundle, Provider.CPU, threads=1)
    texts = [review.text for review in HELD_OUT]

    assert engine._tokenise(texts) == TextEncoder.from_folder(checkpoint, tiny_bert.MAX_LENGTH).encode(texts)
    assert max(map(len, engine._tokenise(texts))) == tiny_bert.MAX_LENGTH


def test_the_fp32_bundle_scores_as_torch_does(checkpoint: Path, tmp_path: Path) -> None:
    served = sentiments(exported(checkpoint, tmp_path / "fp32", "fp32"), HELD_OUT)
    temperature = open_bundle(tmp_path / "fp32").manifest.heads[1].temperature
    encoder = TextEncoder.from_folder(checkpoint, tiny_bert.MAX_LENGTH)
    token_ids = encoder.encode([review.text for review in HELD_OUT])

    logits = torch_logits(load_checkpoint(checkpoint), token_ids, encoder.pad_id)

    # Intensity, because polarity also got a bias when it was calibrated.
    np.testing.assert_allclose(
        [sentiment.intensity_score for sentiment in served], expit(logits[:, 1] / temperature), atol=1e-4
    )


def test_an_older_bundle_is_replaced_whole(checkpoint: Path, tmp_path: Path) -> None:
    output = tmp_path / "bundle"
    output.mkdir()
    (output / "left-over.onnx").write_bytes(b"old")

    exported(checkpoint, output, "int8")

    assert {path.name for path in output.iterdir()} == {"manifest.json", "model.int8.onnx", "tokenizer.json"}
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_a_network_that_diverged_is_refused_and_the_older_bundle_stays(
    checkpoint: Path, tmp_path: Path
) -> None:
    diverged, output = tmp_path / "diverged", tmp_path / "bundle"
    shutil.copytree(checkpoint, diverged)
    save_file(
        {name: torch.full_like(tensor, torch.nan) for name, tensor in weights(diverged).items()},
        diverged / WEIGHTS_FILE,
    )
    older = exported(checkpoint, output, "int8") / "manifest.json"
    written = older.read_bytes()

    with pytest.raises(BundleError, match="the trained network gives logits that are no finite numbers"):
        exported(diverged, output, "int8")

    assert older.read_bytes() == written
    assert open_bundle(output).manifest == Manifest.model_validate_json(written)


class Untraceable(ReviewClassifier):
    """Its ONNX form computes something else, as an exporter's bug would make it."""

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        logits = super().forward(input_ids, attention_mask)
        return logits + 0.01 if torch.jit.is_tracing() else logits


def test_a_network_whose_onnx_form_differs_is_refused(base: Path, tmp_path: Path) -> None:
    encoder = TextEncoder.from_folder(base, tiny_bert.MAX_LENGTH)
    network = Untraceable.from_pretrained(base).eval()

    with pytest.raises(
        BundleError, match=r"ONNX fp32 differs from torch by 0\.01 in a logit; allowed: 0\.001"
    ):
        write_bundle(network, encoder, HELD_OUT, tmp_path / "bundle", WORDS)

    assert not (tmp_path / "bundle").exists()


def test_more_tokens_than_the_network_has_positions_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=rf"cannot read {tiny_bert.MAX_LENGTH + 1} tokens, give a smaller"):
        export(checkpoint, HELD_OUT, tmp_path / "bundle", WORDS, max_length=tiny_bert.MAX_LENGTH + 1)
