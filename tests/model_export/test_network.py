"""What the loss listens to, and that padding is never read."""

import math

import pytest
import tiny_bert
import torch
from torch import Tensor

from model_export.networks.classifier import ReviewClassifier, masked_loss
from model_export.training.batches import pad
from model_export.training.parameters import parameter_groups
from model_export.training.plan import TrainingPlan

UNKNOWN = math.nan


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> ReviewClassifier:
    return ReviewClassifier.from_pretrained(tiny_bert.write_base(tmp_path_factory.mktemp("base"))).eval()


def loss(
    logits: list[list[float]],
    labels: list[list[float]],
    weights: list[float],
    *,
    smoothing: float = 0.0,
    intensity_weight: float = 1.0,
) -> float:
    value = masked_loss(
        torch.tensor(logits),
        torch.tensor(labels),
        torch.tensor(weights),
        smoothing=smoothing,
        intensity_weight=intensity_weight,
    )
    return float(value)


def test_an_undecided_logit_costs_the_logarithm_of_two_in_each_head() -> None:
    assert loss([[0, 0]], [[1, 0]], [1], intensity_weight=0.5) == pytest.approx(1.5 * math.log(2))


def test_an_unknown_label_costs_nothing_whatever_the_logit() -> None:
    labels = [[1.0, UNKNOWN], [1.0, 1.0]]

    assert loss([[0.0, 50.0], [0.0, 0.0]], labels, [1, 1]) == pytest.approx(2 * math.log(2))
    assert loss([[9.0, 9.0]], [[UNKNOWN, UNKNOWN]], [1]) == 0.0


def test_an_unknown_label_sends_no_gradient() -> None:
    logits = torch.zeros((2, 2), requires_grad=True)
    labels = torch.tensor([[1.0, UNKNOWN], [UNKNOWN, 0.0]])

    masked_loss(logits, labels, torch.ones(2), smoothing=0.1, intensity_weight=1.0).backward()

    gradient: Tensor | None = logits.grad
    assert gradient is not None
    assert (gradient != 0).tolist() == [[True, False], [False, True]]


def test_a_weight_counts_for_polarity_only() -> None:
    assert loss([[0.0, 0.0]], [[1, 1]], [3]) == pytest.approx(4 * math.log(2))


def test_smoothing_makes_certainty_cost_something() -> None:
    assert loss([[20.0, 0.0]], [[1, UNKNOWN]], [1]) == pytest.approx(0, abs=1e-6)
    assert loss([[20.0, 0.0]], [[1, UNKNOWN]], [1], smoothing=0.1) == pytest.approx(0.05 * 20, rel=1e-3)


def test_padding_does_not_change_a_logit(network: ReviewClassifier) -> None:
    short, long = [2, 5, 3], [2, *range(4, 24), 3]
    with torch.inference_mode():
        alone = network(torch.tensor([short]), torch.ones((1, 3), dtype=torch.int64))[0]
        beside = network(*pad([short, long], pad_id=7))[0]

    torch.testing.assert_close(beside, alone, rtol=0, atol=1e-5)


def test_lower_layers_learn_more_slowly_and_every_weight_once(network: ReviewClassifier) -> None:
    plan = TrainingPlan(learning_rate=1.0, layer_decay=0.5, weight_decay=0.01)
    name_of = {id(parameter): name for name, parameter in network.named_parameters()}

    groups = parameter_groups(network, plan)

    rates = {name_of[id(parameter)]: group["lr"] for group in groups for parameter in group["params"]}
    assert len(rates) == sum(len(group["params"]) for group in groups) == len(name_of)
    assert rates["heads.weight"] == 1.0
    assert rates["encoder.encoder.layer.1.output.dense.weight"] == 1.0
    assert rates["encoder.encoder.layer.0.output.dense.weight"] == 0.5
    assert rates["encoder.embeddings.word_embeddings.weight"] == 0.25


def test_only_matrices_decay(network: ReviewClassifier) -> None:
    for group in parameter_groups(network, TrainingPlan(weight_decay=0.01)):
        matrices = {parameter.ndim > 1 for parameter in group["params"]}
        assert matrices == {group["weight_decay"] == 0.01}
