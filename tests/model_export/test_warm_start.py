"""Weights to begin with: of a bundle, of a checkpoint."""

from pathlib import Path

import pytest
import tiny_bert
import torch
from safetensors.torch import save_file
from torch import Tensor

from model_export.export.int8 import quantise_int8
from model_export.export.onnx_graph import export_fp32
from model_export.export.variants import Shifted
from model_export.networks.classifier import ReviewClassifier
from model_export.training.begin import begin
from model_export.training.plan import TrainingPlan
from model_export.training.warm_start import BUNDLE_FILE, WEIGHTS_FILE, begin_with
from schemas.errors import ConfigurationError

BIAS = 0.4


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert.write_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def trained(base: Path) -> ReviewClassifier:
    """No two of its weights are alike, as training leaves them; the exporter writes equal ones only once."""
    torch.manual_seed(1)
    network = ReviewClassifier.from_pretrained(base).eval()
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(torch.randn_like(weight) * 0.05)
    return network


def fresh(base: Path) -> ReviewClassifier:
    torch.manual_seed(2)
    return ReviewClassifier.from_pretrained(base).eval()


def logits(network: ReviewClassifier) -> Tensor:
    ids = torch.arange(1, 13).reshape(2, 6)
    with torch.no_grad():
        scored: Tensor = network(ids, torch.ones_like(ids))
    return scored


def test_a_bundle_gives_its_weights_back_as_its_int8_holds_them(
    base: Path, trained: ReviewClassifier, tmp_path: Path
) -> None:
    export_fp32(Shifted(trained, BIAS).eval(), tmp_path / "fp32.onnx")
    quantise_int8(tmp_path / "fp32.onnx", tmp_path / BUNDLE_FILE, [list(range(1, 13))])
    network = fresh(base)
    assert not torch.allclose(logits(network), logits(trained), atol=0.1)

    begin_with(network, tmp_path)

    moved = torch.tensor([BIAS, 0.0])
    torch.testing.assert_close(logits(network), logits(trained) + moved, atol=0.02, rtol=0)


def test_a_checkpoint_gives_its_weights(base: Path, trained: ReviewClassifier, tmp_path: Path) -> None:
    save_file(trained.state_dict(), tmp_path / WEIGHTS_FILE)
    network = fresh(base)

    begin_with(network, tmp_path)

    torch.testing.assert_close(logits(network), logits(trained), atol=0, rtol=0)


def test_a_student_begins_with_the_lowest_layers_of_its_teacher(
    base: Path, trained: ReviewClassifier, tmp_path: Path
) -> None:
    save_file(trained.state_dict(), tmp_path / WEIGHTS_FILE)
    student = ReviewClassifier.from_pretrained(base, layers=1)

    begin_with(student, tmp_path)

    teacher = trained.state_dict()
    assert all(torch.equal(weight, teacher[name]) for name, weight in student.state_dict().items())


def test_a_teacher_of_fewer_layers_is_refused(base: Path, tmp_path: Path) -> None:
    save_file(ReviewClassifier.from_pretrained(base, layers=1).state_dict(), tmp_path / WEIGHTS_FILE)

    with pytest.raises(ConfigurationError, match="another architecture"):
        begin_with(fresh(base), tmp_path)


def test_a_folder_without_weights_is_refused(base: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="neither a checkpoint"):
        begin_with(fresh(base), tmp_path)


def test_weights_of_another_architecture_are_refused(base: Path, tmp_path: Path) -> None:
    save_file({"other.weight": torch.zeros(2)}, tmp_path / WEIGHTS_FILE)

    with pytest.raises(ConfigurationError, match="another architecture"):
        begin_with(fresh(base), tmp_path)


def test_a_run_begins_with_the_weights_that_the_plan_names(
    base: Path, trained: ReviewClassifier, tmp_path: Path
) -> None:
    save_file(trained.state_dict(), tmp_path / WEIGHTS_FILE)
    plan = TrainingPlan(architecture=str(base), begin_with=str(tmp_path), max_length=tiny_bert.MAX_LENGTH)

    network = begin(plan, [], word_vectors_too=False).network.eval()

    torch.testing.assert_close(logits(network), logits(trained), atol=0, rtol=0)


def test_a_network_from_scratch_begins_with_nothing() -> None:
    plan = TrainingPlan(architecture="textcnn", begin_with="anywhere")

    with pytest.raises(ConfigurationError, match="vocabulary of its own"):
        begin(plan, ["a text"], word_vectors_too=False)
