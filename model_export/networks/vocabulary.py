"""A tokenizer trained on the given texts, for networks without a pretrained one. Serving reads it like any other."""

from collections.abc import Sequence

from tokenizers import Regex, Tokenizer, pre_tokenizers
from tokenizers.models import WordLevel
from tokenizers.normalizers import NFKC, BertNormalizer, Lowercase
from tokenizers.normalizers import Sequence as Normalizers
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import WordLevelTrainer

PAD, UNKNOWN, BEGIN = "[PAD]", "[UNK]", "[BOS]"

UNSPACED = r"\p{Han}|\p{Hiragana}|\p{Katakana}|\p{Thai}|\p{Lao}|\p{Khmer}|\p{Myanmar}"
"""Scripts without spaces between words: each character is a token, and a filter over several of them sees words."""

RAREST = 2
"""A word that stands in the texts less often is unknown: nothing can be learned from one place."""


def train_tokenizer(texts: Sequence[str], size: int) -> Tokenizer:
    """The ``size`` commonest words, marks and unspaced characters of ``texts``, case ignored, as token ids.

    A run of marks is one token, so that ``:)`` and ``!!!`` keep their meaning. Every text begins with a mark of its
    own: a text of which nothing is known still has a token.
    """
    tokenizer = Tokenizer(WordLevel(unk_token=UNKNOWN))
    tokenizer.normalizer = Normalizers(
        [
            NFKC(),  # full-width letters and digits, as Chinese keyboards write them
            BertNormalizer(clean_text=True, handle_chinese_chars=False, strip_accents=False, lowercase=False),
            Lowercase(),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(UNSPACED), "isolated"), pre_tokenizers.Whitespace()]
    )
    trainer = WordLevelTrainer(
        vocab_size=size, min_frequency=RAREST, special_tokens=[PAD, UNKNOWN, BEGIN], show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    begin = tokenizer.token_to_id(BEGIN)
    tokenizer.post_processor = TemplateProcessing(single=f"{BEGIN} $A", special_tokens=[(BEGIN, begin)])
    return tokenizer
