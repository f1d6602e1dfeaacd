"""The stated rule for texts longer than the model reads: keep the beginning and the end."""

from collections.abc import Sequence


def head_and_tail(token_ids: Sequence[int], max_length: int) -> list[int]:
    """Cut ``token_ids`` (special tokens included) to at most ``max_length`` ids.

    A review's verdict tends to stand in its first or last sentences, so the middle goes (Sun et al. 2019,
    "How to Fine-Tune BERT for Text Classification?", section 5.3.1). The special tokens that open and close
    the sequence survive, because they are its ends. Training and serving share this function.

    Raises:
        ValueError: ``max_length`` is below 2, which could not hold both ends.
    """
    if max_length < 2:
        raise ValueError(f"max_length must be at least 2, not {max_length}")
    if len(token_ids) <= max_length:
        return list(token_ids)
    tail = max_length // 2
    head = max_length - tail
    return [*token_ids[:head], *token_ids[-tail:]]
