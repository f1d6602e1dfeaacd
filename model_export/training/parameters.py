"""Which weights of a network are trained, and how fast: full, LoRA, frozen; layer by layer."""

import re
from typing import Any

from peft import LoraConfig, get_peft_model
from torch import nn

from model_export.networks.classifier import ReviewClassifier
from model_export.training.plan import TrainingPlan
from schemas.errors import ConfigurationError

_LAYER = re.compile(r"\.(?:layer|layers|h)\.(\d+)\.")
"""What the kinds of transformers call the list of their layers."""

_BODY = "encoder."
"""What the names of all weights begin with that are not of the head."""


def choose_trained(network: ReviewClassifier, plan: TrainingPlan) -> None:
    """Freeze what the plan leaves as it is, and add LoRA's updates where it asks for them.

    Raises:
        ConfigurationError: there are fewer layers than shall stay frozen.
    """
    layers = number_of_layers(network)
    if plan.frozen_layers > layers:
        raise ConfigurationError(
            f"frozen_layers {plan.frozen_layers}: {plan.architecture!r} has {layers} layers"
        )
    if plan.mode == "lora":
        # Every linear layer, which matters more than the rank (Dettmers et al. 2023, section 4).
        updates = LoraConfig(r=plan.lora_rank, lora_alpha=plan.lora_alpha, target_modules="all-linear")
        network.encoder = get_peft_model(network.encoder, updates)
    for name, parameter in network.named_parameters():
        if name.startswith(_BODY) and (
            plan.mode == "frozen" or (plan.frozen_layers and layer_of(name) < plan.frozen_layers)
        ):
            parameter.requires_grad_(False)


def join_updates(network: ReviewClassifier) -> None:
    """Add LoRA's updates to the weights that they update: the network is then like any other."""
    merge = getattr(network.encoder, "merge_and_unload", None)
    if merge is not None:
        network.encoder = merge()


def parameter_groups(network: nn.Module, plan: TrainingPlan) -> list[dict[str, Any]]:
    """One group a layer, its rate decayed from the top; biases and norms get no weight decay."""
    layers = number_of_layers(network)
    groups: dict[tuple[int, bool], dict[str, Any]] = {}
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        depth = layers - 1 - layer_of(name) if layers and name.startswith(_BODY) else 0
        decays = parameter.ndim > 1
        group = groups.setdefault(
            (depth, decays),
            {
                "params": [],
                "lr": plan.learning_rate * plan.layer_decay**depth,
                "weight_decay": plan.weight_decay if decays else 0.0,
            },
        )
        group["params"].append(parameter)
    return list(groups.values())


def number_of_layers(network: nn.Module) -> int:
    """Of a transformer; 0 where there are none that can be told apart."""
    return 1 + max((layer_of(name) for name, _ in network.named_parameters()), default=-1)


def layer_of(name: str) -> int:
    """Which layer a weight belongs to, from 0 at the bottom; -1 of embeddings and all else outside of layers."""
    found = _LAYER.search(name)
    return int(found.group(1)) if found else -1
