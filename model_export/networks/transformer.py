"""A pretrained transformer as encoder: loaded, masked and pooled as its kind needs it."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import MODEL_MAPPING, AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel

from model_export.networks.design import Pooling
from schemas.errors import ConfigurationError

CAUSAL = frozenset({"gpt2"})
"""Kinds whose tokens see only what stands before them: the last token alone has read the whole review."""

ENDS_WITH_SUMMARY = frozenset({"xlnet"})
"""Kinds whose classification token stands at the end (Yang et al. 2019, section 2.5)."""

POSITIONS_BEHIND_PADDING = frozenset({"camembert", "mpnet", "roberta", "xlm-roberta", "xlm-roberta-xl"})
"""Kinds that count positions from behind the padding id, so that they have fewer than their configuration says."""

ADDITIVE_MASK = frozenset(
    {"bert", "camembert", "distilbert", "electra", "mpnet", "roberta", "xlm-roberta", *CAUSAL}
)
"""Kinds that take a ready additive mask. It keeps a score of mask operators out of the exported graph."""

DROPOUTS = (
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "dropout",
    "attention_dropout",
    "embd_pdrop",
    "resid_pdrop",
    "attn_pdrop",
)
"""What the kinds of transformers call the dropout inside."""


def read_config(name: str, layers: int | None = None) -> PretrainedConfig:
    """The configuration of a transformer in a local folder or of the hub.

    Args:
        name: of it.
        layers: so many lowest ones are kept; None keeps all.

    Raises:
        ConfigurationError: there is none, it is of a kind that cannot be used here, or it has fewer layers.
    """
    try:
        config: PretrainedConfig = AutoConfig.from_pretrained(name)
    except (OSError, ValueError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ConfigurationError(
            f"{name!r} is no architecture known here, no folder of a transformer, and no model that the hub gives: {reason}"
        ) from error
    if config.is_encoder_decoder:
        raise ConfigurationError(
            f"{name!r} is a {config.model_type}, an encoder with a decoder; use one of either"
        )
    if layers is not None:
        if layers > config.num_hidden_layers:
            raise ConfigurationError(f"layers {layers}: {name!r} has {config.num_hidden_layers}")
        config.num_hidden_layers = layers
    return config


def load_transformer(name: str, dropout: float, layers: int | None = None) -> PreTrainedModel:
    """The pretrained transformer, float32, with ``dropout`` inside.

    Args:
        name: of it, a folder or of the hub.
        dropout: while training.
        layers: so many lowest ones are kept; None keeps all. To drop the top ones is as good a way to a smaller network
            as any that needs no new pretraining (Sajjad et al. 2020, "Poor Man's BERT: Smaller and Faster Transformer Models").

    Raises:
        ConfigurationError: it cannot be loaded, or has fewer layers.
    """
    config, kept = read_config(name), read_config(name, layers)
    for attribute in DROPOUTS:
        if hasattr(config, attribute):
            setattr(config, attribute, dropout)
    try:
        model: PreTrainedModel = AutoModel.from_pretrained(
            name, config=_without_cache(config), **_options(config)
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise ConfigurationError(f"the weights of {name!r} cannot be loaded: {error}") from error
    _cut(model, kept.num_hidden_layers)
    return model


def _cut(model: PreTrainedModel, layers: int) -> None:
    """Take the layers above the lowest ``layers`` away."""
    for module in model.modules():
        if isinstance(module, nn.ModuleList) and len(module) == model.config.num_hidden_layers:
            del module[layers:]
    model.config.num_hidden_layers = layers


def empty_transformer(config: PretrainedConfig) -> PreTrainedModel:
    """The same with random weights, for those of a checkpoint."""
    model: PreTrainedModel = AutoModel.from_config(_without_cache(config), **_options(config))  # type: ignore[no-untyped-call]
    return model


def positions(config: PretrainedConfig) -> int | None:
    """Tokens that a transformer can read at once; None where its positions are relative."""
    limit = getattr(config, "max_position_embeddings", None)
    if not isinstance(limit, int) or limit < 1 or config.model_type in ENDS_WITH_SUMMARY:
        return None
    return limit - (config.pad_token_id + 1 if config.model_type in POSITIONS_BEHIND_PADDING else 0)


def reader_of(config: PretrainedConfig, pooling: Pooling | None) -> functools.partial[Tensor]:
    """How a transformer of this kind reads a batch into one vector a review."""
    kind = config.model_type
    if pooling is None:
        pooling = "last" if kind in CAUSAL | ENDS_WITH_SUMMARY else "mean"
    return functools.partial(_read, kind=kind, pooling=pooling)


def _read(
    encoder: nn.Module, input_ids: Tensor, attention_mask: Tensor, *, kind: str, pooling: Pooling
) -> Tensor:
    """``input_ids`` and ``attention_mask``, int64 (batch, tokens) -> float (batch, hidden)."""
    mask = attention_mask
    if kind in ADDITIVE_MASK:
        mask = _additive_mask(attention_mask, causal=kind in CAUSAL)
    hidden = encoder(input_ids=input_ids, attention_mask=mask)[0]  # (batch, tokens, hidden)
    return _pooled(hidden, attention_mask, pooling)


def _additive_mask(attention_mask: Tensor, *, causal: bool) -> Tensor:
    """0 where a token may be read, the lowest float where not: float (batch, 1, tokens, tokens).

    In this form onnxruntime's optimizer knows it for a mask, and fuses the attention around it.
    """
    rows, tokens = attention_mask.shape
    mask = attention_mask.unsqueeze(1).unsqueeze(1).expand(rows, 1, tokens, tokens).to(torch.float32)
    if causal:
        place = torch.cumsum(torch.ones_like(attention_mask[0]), dim=0)  # 1 ... tokens
        mask = mask * (place.unsqueeze(0) <= place.unsqueeze(1)).to(torch.float32)
    blocked = 1 - mask
    return blocked.masked_fill(blocked.bool(), torch.finfo(torch.float32).min)


def _pooled(hidden: Tensor, attention_mask: Tensor, pooling: Pooling) -> Tensor:
    if pooling == "first":
        return hidden[:, 0]
    if pooling == "last":
        last = (attention_mask.sum(dim=1) - 1).reshape(-1, 1, 1).expand(-1, 1, hidden.shape[-1])
        return hidden.gather(1, last).squeeze(1)
    mask = attention_mask.unsqueeze(-1).to(hidden.dtype)  # (batch, tokens, 1)
    return (hidden * mask).sum(dim=1) / mask.sum(dim=1)


def _without_cache(config: PretrainedConfig) -> PretrainedConfig:
    """Nothing is generated here, so nothing is kept from one token to the next."""
    for attribute in ("use_cache", "use_mems_eval", "use_mems_train"):
        if hasattr(config, attribute):
            setattr(config, attribute, False)
    return config


def _options(config: PretrainedConfig) -> dict[str, Any]:
    # Eager attention is the form that the exporter traces; halves are for running, not for training.
    options: dict[str, Any] = {"attn_implementation": "eager", "dtype": torch.float32}
    network = cast("Callable[..., PreTrainedModel]", MODEL_MAPPING[type(config)])
    if "add_pooling_layer" in inspect.signature(network).parameters:
        options["add_pooling_layer"] = False
    return options
