"""A random BERT of two narrow layers with a tokenizer of its own, and reviews that it can learn."""

import random
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertModel, set_seed

from model_export.data.reviews import LabelledReview

MAX_LENGTH = 24

GOOD = ["good", "solid", "wonderful", "perfect"]
BAD = ["poor", "weak", "awful", "broken"]
"""The latter half of each is strong."""
PLAIN = ["the", "kettle", "tent", "lamp", "is", "and", "it", "was", "after", "one", "week"]
PIECES = ["##ly", "##s", "##er", *"abcdefghijklmnopqrstuvwxyz.,"]

VOCABULARY = {
    token: n for n, token in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *GOOD, *BAD, *PLAIN, *PIECES])
}


def write_base(folder: Path, words: int = len(VOCABULARY), layers: int = 2) -> Path:
    """The folder of a "pretrained" encoder: random weights, the same ones each time; its table may have unused rows."""
    set_seed(7)
    config = BertConfig(
        vocab_size=words,
        hidden_size=32,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=MAX_LENGTH,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    tokenizer().save(str(folder / "tokenizer.json"))
    return folder


def tokenizer() -> Tokenizer:
    """Reads the words of the reviews."""
    tokenizer = Tokenizer(WordPiece(VOCABULARY, unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[("[CLS]", VOCABULARY["[CLS]"]), ("[SEP]", VOCABULARY["[SEP]"])],
    )
    return tokenizer


def reviews(count: int, seed: int) -> list[LabelledReview]:
    """Reviews of 3 to 30 words with two or three that tell, half of them good, half of them strong."""
    generator = random.Random(seed)
    return [_review(generator, good=row % 2 == 0, strong=row % 4 < 2) for row in range(count)]


def _review(generator: random.Random, *, good: bool, strong: bool) -> LabelledReview:
    telling = (GOOD if good else BAD)[2:] if strong else (GOOD if good else BAD)[:2]
    words = generator.choices(PLAIN, k=generator.randint(2, 28)) + generator.choices(
        telling, k=generator.randint(2, 3)
    )
    generator.shuffle(words)
    return LabelledReview(" ".join(words), float(good), float(strong), domain="tents")
