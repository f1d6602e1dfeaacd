"""Texts to token ids. What the tokenizer cannot do fails on one text, or refuses the bundle."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tokenizers import Tokenizer

from consumers.infer.bundle import Bundle
from consumers.infer.runner import RunFailure
from schemas.errors import BundleError
from schemas.truncation import head_and_tail

PLAIN_TEXT = "It works, and I would buy it again."
"""A text that every model must be able to read."""


class _TokenizerError(Exception):
    """The library failed, in whatever way."""


def load_tokenizer(bundle: Bundle) -> Tokenizer:
    """The bundle's tokenizer without padding or truncation of its own.

    Raises:
        BundleError: ``tokenizer.json`` does not parse, or gives a tokenizer that fails on a plain text.
    """
    try:
        with _failures():
            tokenizer = Tokenizer.from_buffer(bundle.tokenizer_json)
            tokenizer.no_padding()
            tokenizer.no_truncation()
            tokenizer.encode(PLAIN_TEXT)
    except _TokenizerError as failure:
        raise BundleError(f"tokenizer.json cannot be read: {failure}") from failure
    return tokenizer


def tokenise(tokenizer: Tokenizer, texts: Sequence[str], max_length: int) -> list[list[int] | RunFailure]:
    """Token ids of each text, long ones cut; of a text on which the tokenizer fails, that it does."""
    try:
        with _failures():
            encodings = tokenizer.encode_batch_fast(list(texts))
    except _TokenizerError as failure:
        if len(texts) == 1:
            return [RunFailure(f"the tokenizer fails: {failure}")]
        return [outcome for text in texts for outcome in tokenise(tokenizer, [text], max_length)]
    return [head_and_tail(encoding.ids, max_length) for encoding in encodings]


@contextmanager
def _failures() -> Iterator[None]:
    """One class for all that the library raises: plain Exception, and of a panic in Rust a class outside of that."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        raise _TokenizerError(str(error)) from error
