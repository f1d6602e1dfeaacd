"""Texts that are the same, or nearly: families found by MinHash, each confirmed by the words that its texts share."""

import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
from datasketch import MinHash

from model_export.data.reviews import LabelledReview

Ints = npt.NDArray[np.int64]

NEAR = 0.8
"""Share of common word triples (Jaccard) from which two texts are nearly the same; the usual choice (Lee et al. 2022,
"Deduplicating Training Data Makes Language Models Better", appendix A)."""

WORDS_A_SHINGLE = 3
BANDS, BAND_ROWS = 16, 8
"""Of 128 hashes: a pair at 0.8 is met with a probability of 1 - (1 - 0.8^8)^16 = 0.95, one at 0.9 with 0.9999."""

MOST_IN_A_BUCKET = 10
"""Neighbours compared within a bucket; each text is compared with those next to it, which keeps the work linear."""

REPORT_EVERY = 1000

# Each character of the scripts that are written without spaces stands for a word.
_SOLID = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORDS = re.compile(
    rf"[{_SOLID}]|[^\W_{_SOLID}]+|[^\w\s!-/:-@\[-`{{-~\u00a0-\u00bf\u2000-\u206f\u3000-\u303f\uff00-\uff0f]"
)
"""Words and emoji; punctuation is left out, which shops and their exports change."""


def words(text: str) -> list[str]:
    """The words and emoji of a text, without case and punctuation."""
    return _WORDS.findall(text.casefold())


def same_text_key(text: str) -> bytes:
    """Eight bytes that are equal for texts of the same words; short texts must agree in punctuation too.

    "ok :)" and "ok :(" are different reviews, as are texts of nothing but signs.
    """
    found = words(text)
    told = "".join(found) if len(found) >= WORDS_A_SHINGLE else "".join(text.casefold().split())
    return blake2b(told.encode("utf-8", "replace"), digest_size=8).digest()


def same_texts(texts: Sequence[str]) -> Ints:
    """For each text the position of the first that is the same: int64 (texts,)."""
    first: dict[bytes, int] = {}
    return np.fromiter(
        (first.setdefault(same_text_key(text), position) for position, text in enumerate(texts)),
        dtype=np.int64,
        count=len(texts),
    )


def without_texts_of(
    reviews: Iterable[LabelledReview], held_out: Iterable[LabelledReview]
) -> list[LabelledReview]:
    """Drop repeated texts and any text that ``held_out`` contains."""
    seen = {same_text_key(review.text) for review in held_out}
    kept = []
    for review in reviews:
        key = same_text_key(review.text)
        if key not in seen:
            seen.add(key)
            kept.append(review)
    return kept


def near_texts(texts: Sequence[str], on_progress: Callable[[int], object] = lambda _: None) -> Ints:
    """For each text the position of the first of its family, of texts that are nearly the same: int64 (texts,).

    Families are closed: if A is near B and B near C, all three are of one. Texts that are the same are also near.

    Args:
        texts: any; the memory needed beside them is about 220 bytes each.
        on_progress: told now and then how many different texts were hashed.
    """
    first = same_texts(texts).tolist()
    several = [row for row, same in enumerate(first) if row == same]
    refused: set[tuple[int, int]] = set()
    for one, other in _candidates(_band_hashes(_shingle_sets(texts, several, on_progress), len(several))):
        pair = (several[one], several[other])
        roots = sorted(_root(first, row) for row in pair)
        if roots[0] == roots[1] or pair in refused:
            continue
        if similarity(texts[pair[0]], texts[pair[1]]) >= NEAR:
            first[roots[1]] = roots[0]
        else:
            refused.add(pair)
    return np.array([_root(first, row) for row in range(len(texts))], dtype=np.int64)


def _root(first: list[int], row: int) -> int:
    """The first row of a family, found by going from row to earlier row, which shortens the way for the next time."""
    while first[row] != row:
        first[row] = first[first[row]]
        row = first[row]
    return row


def similarity(one: str, other: str) -> float:
    """Jaccard similarity of the word triples of two texts, 0.0 to 1.0."""
    these, those = set(_shingles(one)), set(_shingles(other))
    union = these | those
    return len(these & those) / len(union) if union else 0.0


def _shingles(text: str) -> list[str]:
    found = words(text)
    return [
        " ".join(found[start : start + WORDS_A_SHINGLE]) for start in range(len(found) - WORDS_A_SHINGLE + 1)
    ]


def _shingle_sets(
    texts: Sequence[str], several: Sequence[int], on_progress: Callable[[int], object]
) -> Iterator[list[bytes]]:
    for number, row in enumerate(several, start=1):
        yield [shingle.encode("utf-8", "replace") for shingle in _shingles(texts[row])]
        if number % REPORT_EVERY == 0:
            on_progress(number)


def _band_hashes(shingle_sets: Iterator[list[bytes]], count: int) -> npt.NDArray[np.uint64]:
    """One hash a band: uint64 (texts, BANDS); of a text without shingles, one that no other has."""
    hashes = np.empty((count, BANDS), dtype=np.uint64)
    signatures = MinHash.generator(shingle_sets, num_perm=BANDS * BAND_ROWS, hashfunc=zlib.crc32)
    for row, signature in enumerate(signatures):
        if signature.is_empty():
            hashes[row] = row  # a collision with a real hash is one of 2^64, and would be seen through
            continue
        bands = signature.digest().astype(np.uint64).reshape(BANDS, BAND_ROWS)
        hashes[row] = [int.from_bytes(blake2b(band.tobytes(), digest_size=8).digest()) for band in bands]
    return hashes


def _candidates(hashes: npt.NDArray[np.uint64]) -> Iterator[tuple[int, int]]:
    """Pairs of rows that share a bucket of some band; each pair may come more than once."""
    for band in range(hashes.shape[1]):
        order = np.argsort(hashes[:, band], kind="stable")
        sorted_hashes = hashes[order, band]
        starts = np.flatnonzero(np.r_[True, sorted_hashes[1:] != sorted_hashes[:-1]])
        ends = np.r_[starts[1:], len(order)]
        shared = np.flatnonzero(ends - starts > 1)
        for start, end in zip(starts[shared], ends[shared], strict=True):
            for place in range(start, end):
                for other in range(place + 1, min(end, place + 1 + MOST_IN_A_BUCKET)):
                    yield int(order[place]), int(order[other])
