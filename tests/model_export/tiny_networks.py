"""Random pretrained transformers of each kind, as a folder of the hub holds them, on the words of ``tiny_bert``."""

from collections.abc import Callable, Mapping
from pathlib import Path

import tiny_bert
from tokenizers import Tokenizer, pre_tokenizers
from tokenizers.models import WordLevel
from tokenizers.processors import TemplateProcessing
from transformers import (
    AutoModel,
    DistilBertConfig,
    GPT2Config,
    PretrainedConfig,
    RobertaConfig,
    XLNetConfig,
    set_seed,
)

WORDS = (*tiny_bert.GOOD, *tiny_bert.BAD, *tiny_bert.PLAIN)
POSITIONS = tiny_bert.MAX_LENGTH


KINDS: Mapping[str, tuple[tuple[str, ...], str | None, Callable[[int], PretrainedConfig]]] = {
    "distilbert": (
        ("[PAD]", "[UNK]", "[CLS]", "[SEP]"),
        "[CLS] $A [SEP]",
        lambda words: DistilBertConfig(
            vocab_size=words, dim=32, n_layers=1, n_heads=2, hidden_dim=32, max_position_embeddings=POSITIONS
        ),
    ),
    "roberta": (
        ("<s>", "<pad>", "</s>", "<unk>"),
        "<s> $A </s>",
        lambda words: RobertaConfig(
            vocab_size=words,
            hidden_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=POSITIONS + 2,  # it counts from behind the padding id
            pad_token_id=1,
        ),
    ),
    "gpt2": (
        ("<|endoftext|>", "<unk>"),
        None,
        lambda words: GPT2Config(
            vocab_size=words,
            n_embd=32,
            n_layer=1,
            n_head=2,
            n_positions=POSITIONS,
            bos_token_id=0,
            eos_token_id=0,
        ),
    ),
    "xlnet": (
        ("<unk>", "<s>", "</s>", "<cls>", "<sep>", "<pad>"),
        "$A <sep> <cls>",
        lambda words: XLNetConfig(vocab_size=words, d_model=32, n_layer=1, n_head=2, d_inner=32),
    ),
}
"""Marks of its tokenizer in the order of their ids, how it puts them round a text, and its configuration."""


def write_base(kind: str, folder: Path) -> Path:
    """The folder of a "pretrained" transformer: random weights, the same ones each time."""
    set_seed(7)
    marks, template, configure = KINDS[kind]
    vocabulary = {token: number for number, token in enumerate([*marks, *WORDS])}
    AutoModel.from_config(configure(len(vocabulary))).save_pretrained(folder)
    unknown = next(mark for mark in marks if mark.lower().strip("<>[]") == "unk")
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token=unknown))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    if template is not None:
        tokenizer.post_processor = TemplateProcessing(
            single=template, special_tokens=[(mark, vocabulary[mark]) for mark in marks if mark in template]
        )
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder
