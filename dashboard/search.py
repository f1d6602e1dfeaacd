"""Finds products by a part of their id, in work that grows with the number of products and nothing else."""

from collections.abc import Sequence

MOST_FOUND = 1000
"""Matches after which the search ends: nobody looks through more, and a longer word finds fewer."""


def search(names: Sequence[str], wanted: str) -> list[str]:
    """Those whose id begins with ``wanted``, then those that hold it elsewhere; capitals do not matter.

    Args:
        names: all ids, sorted.
        wanted: a part of an id.
    """
    wanted = wanted.casefold()
    first: list[str] = []
    others: list[str] = []
    for name in names:
        at = name.casefold().find(wanted)
        if at == 0:
            first.append(name)
        elif at > 0 and len(others) < MOST_FOUND:
            others.append(name)
        if len(first) == MOST_FOUND:
            break
    return (first + others)[:MOST_FOUND]
