"""A text as the model reads it: token ids, and which of them make up which word."""

import re
from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tokenizers import Encoding

from schemas.truncation import head_and_tail

WINDOW = 16
"""Words that are read together at most; a sentence of that length is a long one."""

SHORTEST_CLAUSE = 4
"""Words before a comma that stand on their own."""

_WORD = re.compile(
    r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]"  # scripts without spaces: each character
    r"|[^\W_\u2e80-\u9fff\uac00-\ud7af]+(?:['\u2019&-][^\W_\u2e80-\u9fff]+)*"
    r"|[\u2600-\u27bf\U0001f300-\U0001faff]"  # pictures
)
_SENTENCE_ENDS = re.compile(r"[.!?;:\n\u2026\u3002\uff01\uff1f\uff1b]")
_CLAUSE_ENDS = re.compile(r"[,()\u3001\uff0c]")


@dataclass(frozen=True)
class Word:
    """Characters ``start`` to ``end`` of the text, and the places of its tokens among those that are read."""

    start: int
    end: int
    tokens: Sequence[int]


@dataclass(frozen=True)
class Reading:
    """What the model reads of a text."""

    ids: Sequence[int]
    """Special tokens included, cut to the model's length."""
    opening: int
    """Special tokens before the text."""
    closing: int
    """Special tokens after it."""
    words: Sequence[Word]
    windows: Sequence[range]
    """Numbers of the words that stand together in a clause or sentence; all words in order."""

    @classmethod
    def of(cls, text: str, encoding: Encoding, max_length: int) -> "Reading":
        """From the encoding of the whole text, which knows where each token stands in it."""
        read = head_and_tail(range(len(encoding.ids)), max_length)
        special = [encoding.special_tokens_mask[place] for place in read]
        opening = next((number for number, is_special in enumerate(special) if not is_special), len(read))
        closing = next((number for number, is_special in enumerate(special[::-1]) if not is_special), 0)
        offsets = [encoding.offsets[place] for place in read]
        words = _words(text, offsets[: len(read) - closing], opening)
        return cls([encoding.ids[place] for place in read], opening, closing, words, _windows(text, words))

    def without(self, words: Collection[int]) -> list[int]:
        """The ids, with all tokens of some words taken out."""
        gone = {token for word in words for token in self.words[word].tokens}
        return [token_id for place, token_id in enumerate(self.ids) if place not in gone]

    def alone(self, window: range, without: int | None = None) -> list[int]:
        """The ids of one window between the special tokens, but for one word."""
        gone = set(self.words[without].tokens) if without is not None else set()
        places = range(self.words[window[0]].tokens[0], self.words[window[-1]].tokens[-1] + 1)
        return [
            *self.ids[: self.opening],
            *(self.ids[place] for place in places if place not in gone),
            *self.ids[len(self.ids) - self.closing :],
        ]


def word_spans(text: str) -> list[tuple[int, int]]:
    """Start and end of each word. Punctuation is none."""
    return [match.span() for match in _WORD.finditer(text)]


def _words(text: str, offsets: Sequence[tuple[int, int]], opening: int) -> list[Word]:
    """Words of which the model reads at least one token. Punctuation belongs to none."""
    spans = word_spans(text)
    starts = [start for start, _ in spans]
    tokens: dict[int, list[int]] = {}
    for place, (start, end) in enumerate(offsets):
        number = bisect_right(starts, start) - 1
        if place >= opening and number >= 0 and start < end and start < spans[number][1]:
            tokens.setdefault(number, []).append(place)
    return [Word(*spans[number], places) for number, places in tokens.items()]


def _windows(text: str, words: Sequence[Word]) -> list[range]:
    windows, first = [], 0
    for number, (word, following) in enumerate(pairwise(words), start=1):
        between, length = text[word.end : following.start], number - first
        ends = _SENTENCE_ENDS.search(between) or (length >= SHORTEST_CLAUSE and _CLAUSE_ENDS.search(between))
        if ends or length >= WINDOW:
            windows.append(range(first, number))
            first = number
    return [*windows, range(first, len(words))] if words else []
