"""Random classifiers as the hub has them: three architectures, each with the tokenizer of its kind, no labels learnt."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import tiny_bert
from tokenizers import ByteLevelBPETokenizer, Tokenizer
from tokenizers.processors import RobertaProcessing
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    PreTrainedModel,
    RobertaConfig,
    RobertaForSequenceClassification,
    set_seed,
)

STARS = ("1 star", "2 stars", "3 stars", "4 stars", "5 stars")

SPREAD = 0.3
"""Of the random weights: with the usual 0.02 every text would come out alike."""

SHAPE: dict[str, Any] = {
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "hidden_size": 32,
    "intermediate_size": 64,
    "initializer_range": SPREAD,
}


def write_bert(folder: Path, names: tuple[str, ...], length: int) -> Path:
    config = BertConfig(
        vocab_size=len(tiny_bert.VOCABULARY),
        max_position_embeddings=length,
        **SHAPE,
        **_labels(names),
    )
    return _save(BertForSequenceClassification, config, tiny_bert.tokenizer(), folder)


def write_distilbert(folder: Path, names: tuple[str, ...], length: int) -> Path:
    config = DistilBertConfig(
        vocab_size=len(tiny_bert.VOCABULARY),
        max_position_embeddings=length,
        n_layers=2,
        n_heads=2,
        dim=32,
        hidden_dim=64,
        initializer_range=SPREAD,
        **_labels(names),
    )
    return _save(DistilBertForSequenceClassification, config, tiny_bert.tokenizer(), folder)


def write_roberta(folder: Path, names: tuple[str, ...], length: int) -> Path:
    """Its padding has the id 1, and its positions are counted from behind that."""
    trained = ByteLevelBPETokenizer()
    texts = [review.text for review in tiny_bert.reviews(40, seed=9)]
    trained.train_from_iterator(
        texts, vocab_size=300, special_tokens=["<s>", "<pad>", "</s>", "<unk>"], show_progress=False
    )
    tokenizer = Tokenizer.from_str(trained.to_str())
    tokenizer.post_processor = RobertaProcessing(("</s>", 2), ("<s>", 0))
    config = RobertaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        max_position_embeddings=length + 2,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        **SHAPE,
        **_labels(names),
    )
    return _save(RobertaForSequenceClassification, config, tokenizer, folder)


WRITERS: dict[str, Callable[[Path, tuple[str, ...], int], Path]] = {
    "bert": write_bert,
    "distilbert": write_distilbert,
    "roberta": write_roberta,
}


def _labels(names: tuple[str, ...]) -> dict[str, Any]:
    return {
        "id2label": dict(enumerate(names)),
        "label2id": {name: number for number, name in enumerate(names)},
    }


def _save(kind: Callable[..., PreTrainedModel], config: object, tokenizer: Tokenizer, folder: Path) -> Path:
    set_seed(7)
    kind(config).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder
