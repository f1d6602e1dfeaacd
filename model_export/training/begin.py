"""What a run begins with: a network, its tokenizer and its design, as the plan asks for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import PretrainedConfig

from model_export.data.cleaning import clean, rewrite
from model_export.data.tokens import TextEncoder
from model_export.networks.architectures import build
from model_export.networks.classifier import ReviewClassifier
from model_export.networks.design import HeadDesign, NetworkDesign, WordDesign
from model_export.networks.pretrained_tokenizer import load_tokenizer
from model_export.networks.transformer import positions, read_config
from model_export.networks.vocabulary import PAD, train_tokenizer
from model_export.networks.word_vectors import word_vectors
from model_export.training.batches import round_up
from model_export.training.plan import FROM_SCRATCH, TrainingPlan
from model_export.training.warm_start import begin_with
from schemas.errors import ConfigurationError


@dataclass(frozen=True)
class Beginning:
    """A network that has not seen a label yet, and all that a checkpoint says of it."""

    network: ReviewClassifier
    design: NetworkDesign
    tokenizer: Tokenizer
    config: PretrainedConfig | None
    """Of a transformer."""

    def encoder(self, max_length: int) -> TextEncoder:
        """Of texts, as training and serving cut them."""
        return TextEncoder(Tokenizer.from_str(self.tokenizer.to_str()), max_length)


def begin(plan: TrainingPlan, texts: Sequence[str], *, word_vectors_too: bool) -> Beginning:
    """Load the pretrained transformer, or make a vocabulary, word vectors and a network from ``texts``.

    Without ``word_vectors_too`` those stay random: a run that goes on has trained ones.

    Raises:
        ConfigurationError: the architecture cannot be had, or the plan asks of it what it cannot do.
    """
    head = HeadDesign(dropout=plan.dropout, hidden_units=plan.hidden_units, batch_norm=plan.batch_norm)
    if plan.architecture in FROM_SCRATCH:
        return _from_scratch(plan, texts, head, word_vectors_too=word_vectors_too)
    beginning = _pretrained(plan, head)
    if plan.begin_with is not None:
        begin_with(beginning.network, Path(plan.begin_with))
    return beginning


def _pretrained(plan: TrainingPlan, head: HeadDesign) -> Beginning:
    config = read_config(plan.architecture, plan.layers)
    limit = positions(config)
    if limit is not None and round_up(plan.max_length) > limit:
        raise ConfigurationError(
            f"max_length {plan.max_length}: {plan.architecture!r} reads at most {limit} tokens (in steps of 8)"
        )
    tokenizer = load_tokenizer(plan.architecture, config)
    rewrite(tokenizer, plan.cleaning.steps)
    network = ReviewClassifier.from_pretrained(
        plan.architecture,
        # A body that stays as it is shall also give the same vectors each time.
        encoder_dropout=0.0 if plan.mode == "frozen" else plan.encoder_dropout,
        head=head,
        pooling=plan.pooling,
        layers=plan.layers,
    )
    return Beginning(network, NetworkDesign(head=head, pooling=plan.pooling), tokenizer, config)


def _from_scratch(
    plan: TrainingPlan, texts: Sequence[str], head: HeadDesign, *, word_vectors_too: bool
) -> Beginning:
    if plan.mode != "full" or plan.frozen_layers:
        raise ConfigurationError(
            f"{plan.architecture} is trained from scratch: there is nothing learned before that could stay as it is"
        )
    if plan.begin_with is not None:
        raise ConfigurationError(
            f"begin_with is of transformers; {plan.architecture} makes a vocabulary of its own"
        )
    if plan.pooling is not None or plan.layers is not None:
        raise ConfigurationError(
            f"pooling and layers are of transformers; {plan.architecture} has a way of its own"
        )
    cleaned = [clean(text, plan.cleaning.steps) for text in texts]
    tokenizer = train_tokenizer(cleaned, plan.vocabulary_size)
    rewrite(tokenizer, plan.cleaning.steps)
    tokenizer.enable_padding(pad_id=tokenizer.token_to_id(PAD), pad_token=PAD)
    word = WordDesign(
        words=tokenizer.get_vocab_size(),
        word_size=plan.word_size,
        units=plan.units,
        dropout=plan.encoder_dropout,
    )
    design = NetworkDesign(body=plan.architecture, head=head, word=word)
    beginning = Beginning(build(design), design, tokenizer, None)
    vectors = word_vectors(
        beginning.encoder(plan.max_length).encode(texts),
        word.words,
        word.word_size,
        passes=plan.word_passes if word_vectors_too else 0,
        seed=plan.seed,
    )
    with torch.no_grad():
        beginning.network.get_parameter("encoder.embedding.weight").copy_(vectors)
    return beginning
