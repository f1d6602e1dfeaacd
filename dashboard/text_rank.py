"""What many texts say, in a few of their own words: TextRank, for phrases and for whole texts.

Mihalcea and Tarau 2004, "TextRank: Bringing Order into Texts". Words (or texts) are the nodes of a graph, and the rank
of a node is the weight with which a reader who follows the edges at random arrives there (PageRank).
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from math import log

import networkx as nx

WINDOW = 3
"""Words that are neighbours in the graph: each one and the two after it. The paper found small windows best (section 3.1)."""

LONGEST_PHRASE = 3

EVERYWHERE = 0.5
"""Where texts are told from no others, a word in more than this share of them says nothing of any."""

FEWEST_TEXTS_TO_JUDGE = 8
"""Texts below which a word may stand in all of them."""

TELLING = 1.5

ALIKE = 0.6
"""Share of common words (Jaccard) from which a text only repeats another one."""

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_NEGATIONS = frozenset({"not", "no", "never", "without", "cannot"})
_MASKED = re.compile(r"\[[a-z ]+\]")


@dataclass(frozen=True)
class Phrase:
    """Words that texts share: how many of them hold it, and its rank, of which only the order means anything."""

    words: str
    texts: int
    rank: float


def key_phrases(
    texts: Sequence[str], others: Sequence[str] = (), limit: int = 8, *, least_texts: int = 2
) -> list[Phrase]:
    """The phrases that carry most of what the texts say, and others do not say as well, the most telling first.

    A phrase is a run of ranked words, up to ``LONGEST_PHRASE``, with the negation before it; its rank is the sum of its words'
    ranks, times the logarithm of the texts that hold it. Letter case and whatever stood in brackets of masking count for nothing.

    Args:
        texts: in one language, better than in several.
        others: what these are told from; a word that is about as frequent there is left out.
        limit: how many phrases at most.
        least_texts: a phrase of fewer texts is one customer's, not a pattern.
    """
    spoken = [_tokens(text) for text in texts]
    told_from = [_tokens(text) for text in others]
    # What all complain of stands everywhere; whether it tells anything shows in the others, if there are any.
    kept = _telling(_keywords(spoken, everywhere=1.0 if others else EVERYWHERE), spoken, told_from)
    ranks = _word_ranks(spoken, kept)
    holders: dict[tuple[str, ...], set[int]] = defaultdict(set)
    for number, tokens in enumerate(spoken):
        for run in _runs(tokens, kept):
            for phrase in _parts(run):
                holders[phrase].add(number)
    phrases = sorted(
        (
            Phrase(
                " ".join(words), len(held), log(1 + len(held)) * sum(ranks.get(word, 0.0) for word in words)
            )
            for words, held in holders.items()
            if len(held) >= least_texts
        ),
        key=lambda phrase: (-phrase.rank, phrase.words),
    )
    return _distinct(phrases, limit)


def typical(texts: Sequence[str], limit: int = 3) -> list[int]:
    """Places of the texts that have most in common with the others, and not with each other.

    Similarity is that of the paper's section 4.1: common words over the logarithms of both lengths.
    """
    spoken = [_tokens(text) for text in texts]
    kept = _keywords(spoken)
    words = [{token for token in tokens if token in kept} for tokens in spoken]
    graph = nx.Graph()
    graph.add_nodes_from(range(len(texts)))
    for one, other in combinations(range(len(texts)), 2):
        common = len(words[one] & words[other])
        if common and len(words[one]) > 1 and len(words[other]) > 1:
            graph.add_edge(one, other, weight=common / (log(len(words[one])) + log(len(words[other]))))
    ranks: dict[int, float] = nx.pagerank(graph) if texts else {}
    chosen: list[int] = []
    for place in sorted(ranks, key=lambda place: (-ranks[place], place)):
        if all(_jaccard(words[place], words[other]) < ALIKE for other in chosen):
            chosen.append(place)
    return chosen[:limit]


def _tokens(text: str) -> list[str]:
    """Words in lower case; an empty one stands where a sentence ends, so that no phrase reaches across."""
    tokens: list[str] = []
    for part in re.split(
        r"[.!?;:,()\n\u3002\uff01\uff1f\uff0c]+", _MASKED.sub(".", text.lower().replace("\u2019", "'"))
    ):
        tokens += [*_WORD.findall(part), ""]
    return tokens


def _keywords(spoken: Sequence[Sequence[str]], everywhere: float = EVERYWHERE) -> set[str]:
    """Words that may be ranked: no function words, nothing of one letter, nothing that stands everywhere."""
    holders = Counter(token for tokens in spoken for token in set(tokens))
    most = everywhere * len(spoken) if len(spoken) >= FEWEST_TEXTS_TO_JUDGE else len(spoken)
    stop = _stop_words()
    return {token for token, held in holders.items() if len(token) > 1 and token not in stop and held <= most}


def _telling(words: set[str], spoken: Sequence[Sequence[str]], others: Sequence[Sequence[str]]) -> set[str]:
    """Those of ``words`` that are at least ``TELLING`` times as frequent here as among the others."""
    if not others:
        return words
    here, there = (Counter(token for tokens in side for token in set(tokens)) for side in (spoken, others))
    return {word for word in words if here[word] / len(spoken) >= TELLING * there[word] / len(others)}


@cache
def _stop_words() -> frozenset[str]:
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS  # noqa: PLC0415 -- slow to import

    contracted = {
        "n't",
        "don't",
        "doesn't",
        "didn't",
        "isn't",
        "wasn't",
        "it's",
        "i'm",
        "i've",
        "i'd",
        "can't",
        "won't",
    }
    words: frozenset[str] = (
        ENGLISH_STOP_WORDS | contracted | {"just", "got", "did", "does", "really"} | _NEGATIONS
    )
    return words


def _word_ranks(spoken: Sequence[Sequence[str]], kept: set[str]) -> dict[str, float]:
    weights: Counter[tuple[str, str]] = Counter()
    for tokens in spoken:
        for place, token in enumerate(tokens):
            for other in tokens[place + 1 : place + WINDOW]:
                if token in kept and other in kept and token != other:
                    weights[min(token, other), max(token, other)] += 1
    graph = nx.Graph()
    graph.add_nodes_from(sorted(kept))
    graph.add_weighted_edges_from((*pair, weight) for pair, weight in sorted(weights.items()))
    ranks: dict[str, float] = nx.pagerank(graph) if kept else {}
    return ranks


def _runs(tokens: Sequence[str], kept: set[str]) -> Iterable[list[str]]:
    """Keywords that stand side by side, each run with the negation before it."""
    run: list[str] = []
    before = ""
    for token in [*tokens, ""]:
        if token in kept:
            run = run or ([before] if before in _NEGATIONS else [])
            run.append(token)
        elif run:
            yield run
            run = []
        before = token


def _parts(run: Sequence[str]) -> Iterable[tuple[str, ...]]:
    """All phrases within a run; a negation stays with the word behind it."""
    for start in range(len(run)):
        if start == 1 and run[0] in _NEGATIONS:
            continue  # it would say the opposite
        for end in range(start + 1, min(len(run), start + LONGEST_PHRASE) + 1):
            if run[start:end] != [run[0]] or run[0] not in _NEGATIONS:
                yield tuple(run[start:end])


def _distinct(phrases: Sequence[Phrase], limit: int) -> list[Phrase]:
    """Without those whose words another one holds that as many texts hold, or that only add to a better one."""
    chosen: list[Phrase] = []
    for phrase in phrases:
        words = set(phrase.words.split())
        if not any(
            words <= set(other.words.split()) or set(other.words.split()) <= words for other in chosen
        ):
            chosen.append(phrase)
    return chosen[:limit]


def _jaccard(one: set[str], other: set[str]) -> float:
    both = len(one | other)
    return len(one & other) / both if both else 1.0
