"""Texts to token ids, by the same tokenizer file and the same truncation rule that serving uses."""

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

from schemas.truncation import head_and_tail


class TextEncoder:
    """A ``tokenizer.json`` with padding and truncation switched off; ours is the head-and-tail rule."""

    def __init__(self, tokenizer: Tokenizer, max_length: int) -> None:
        padding = tokenizer.padding or {}  # which token pads is all that is taken from it
        self.pad_id: int = padding.get("pad_id", tokenizer.token_to_id("[PAD]") or 0)
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self.tokenizer = tokenizer
        self.max_length = max_length

    @classmethod
    def from_folder(cls, folder: Path, max_length: int) -> "TextEncoder":
        return cls(Tokenizer.from_file(str(folder / "tokenizer.json")), max_length)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, special tokens included, at most ``max_length`` each."""
        return [
            head_and_tail(encoding.ids, self.max_length)
            for encoding in self.tokenizer.encode_batch_fast(list(texts))
        ]
