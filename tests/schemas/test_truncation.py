from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.truncation import head_and_tail

token_ids = st.lists(st.integers(0, 30_000), max_size=40)
limits = st.integers(2, 20)


@given(ids=token_ids, limit=limits)
def test_it_is_never_longer_than_the_limit_and_uses_all_of_it(ids: list[int], limit: int) -> None:
    assert len(head_and_tail(ids, limit)) == min(len(ids), limit)


@given(ids=token_ids, limit=limits)
def test_what_fits_is_unchanged(ids: list[int], limit: int) -> None:
    fitting = ids[:limit]
    assert head_and_tail(fitting, limit) == fitting


@given(ids=st.lists(st.integers(), min_size=1, max_size=40), limit=limits)
def test_the_special_tokens_at_both_ends_survive(ids: list[int], limit: int) -> None:
    kept = head_and_tail(ids, limit)
    assert (kept[0], kept[-1]) == (ids[0], ids[-1])


@given(extra=st.integers(1, 40), limit=limits)
def test_only_the_middle_goes(extra: int, limit: int) -> None:
    ids = list(range(limit + extra))
    kept = head_and_tail(ids, limit)
    gaps = [later - earlier for earlier, later in pairwise(kept)]
    assert sorted(gaps) == [1] * (limit - 2) + [1 + extra]


@given(extra=st.integers(1, 40), limit=limits)
def test_head_and_tail_are_equally_long_and_an_odd_token_goes_to_the_head(extra: int, limit: int) -> None:
    ids = list(range(limit + extra))
    head = sum(token < limit // 2 + limit % 2 for token in head_and_tail(ids, limit))
    assert head == limit - limit // 2


@given(ids=token_ids, limit=limits)
def test_cutting_twice_is_cutting_once(ids: list[int], limit: int) -> None:
    once = head_and_tail(ids, limit)
    assert head_and_tail(once, limit) == once


@given(ids=token_ids, limit=limits)
def test_the_input_is_left_alone(ids: list[int], limit: int) -> None:
    before = list(ids)
    head_and_tail(ids, limit).append(-1)
    assert ids == before


@pytest.mark.parametrize("limit", [1, 0, -1])
def test_a_limit_that_cannot_hold_both_ends_is_refused(limit: int) -> None:
    with pytest.raises(ValueError, match="at least 2"):
        head_and_tail([1, 2, 3], limit)
