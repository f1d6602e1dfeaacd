"""The tokenizer of a pretrained transformer as one ``tokenizer.json``, whatever the transformer came with."""

from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing
from transformers import AutoTokenizer, PretrainedConfig
from transformers.utils.hub import cached_file

from schemas.errors import ConfigurationError

PADS = ("[PAD]", "<pad>")


def load_tokenizer(name: str, config: PretrainedConfig) -> Tokenizer:
    """The tokenizer of a folder or of a model of the hub; it knows its padding id and never gives an empty list.

    Raises:
        ConfigurationError: there is none, or it does not fit the transformer.
    """
    tokenizer = _read(name)
    tokenizer.no_truncation()
    if not tokenizer.encode("").ids:
        _close_with_end(tokenizer, config)
    if tokenizer.get_vocab_size() > config.vocab_size:
        raise ConfigurationError(
            f"the tokenizer of {name!r} has {tokenizer.get_vocab_size()} tokens, its network only {config.vocab_size}"
        )
    pad_id = _pad_id(tokenizer, config)
    tokenizer.enable_padding(pad_id=pad_id, pad_token=tokenizer.id_to_token(pad_id) or PADS[0])
    return tokenizer


def _read(name: str) -> Tokenizer:
    try:
        # The file itself first: transformers may build a tokenizer anew that normalises otherwise.
        path = cached_file(name, "tokenizer.json", _raise_exceptions_for_missing_entries=False)
        if path is not None:
            return Tokenizer.from_file(path)
        tokenizer: Tokenizer = AutoTokenizer.from_pretrained(name).backend_tokenizer
    except Exception as error:  # tokenizers' own errors share no base but Exception
        raise ConfigurationError(f"{name!r} has no tokenizer that can be read: {error}") from error
    return tokenizer


def _close_with_end(tokenizer: Tokenizer, config: PretrainedConfig) -> None:
    """GPT-2 adds no marks of its own: one at the end is where it looks back on the whole review."""
    end = config.eos_token_id
    if isinstance(end, int) and (token := tokenizer.id_to_token(end)) is not None:
        tokenizer.post_processor = TemplateProcessing(single=f"$A {token}", special_tokens=[(token, end)])


def _pad_id(tokenizer: Tokenizer, config: PretrainedConfig) -> int:
    """What is padded is never read, so a kind without a padding token pads with any other."""
    named = [tokenizer.token_to_id(token) for token in PADS]
    candidates = [config.pad_token_id, *named, config.eos_token_id]
    return next((pad for pad in candidates if isinstance(pad, int) and 0 <= pad < config.vocab_size), 0)
