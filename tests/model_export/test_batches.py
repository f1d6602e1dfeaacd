"""Batches are bounded, complete, and drawn the same again from seed and epoch."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model_export.data.reviews import LabelledReview
from model_export.training.batches import LENGTH_MULTIPLE, TokenBatches, balancing_weights, pad, round_up

MIXED = [3 + (17 * number) % 90 for number in range(400)]
"""Lengths of reviews, in no order."""


def batches(lengths: list[int], bound: int = 512, seed: int = 7, epoch: int = 0) -> list[list[int]]:
    sampler = TokenBatches(lengths, bound, seed)
    sampler.set_epoch(epoch)
    return list(sampler)


def review(polarity: float | None, domain: str = "books") -> LabelledReview:
    return LabelledReview("text", polarity, intensity=None, domain=domain)


@settings(deadline=None)  # what counts is the outcome, also on a busy machine
@given(
    lengths=st.lists(st.integers(1, 200), min_size=1, max_size=120),
    bound=st.integers(1, 600),
    seed=st.integers(0, 3),
    epoch=st.integers(0, 3),
)
def test_an_epoch_has_every_review_once_in_batches_within_the_bound(
    lengths: list[int], bound: int, seed: int, epoch: int
) -> None:
    drawn = batches(lengths, bound, seed, epoch)

    assert sorted(index for batch in drawn for index in batch) == list(range(len(lengths)))
    for batch in drawn:
        padded = round_up(max(lengths[index] for index in batch))
        assert len(batch) * padded <= bound or len(batch) == 1


@settings(deadline=None)  # what counts is the outcome, also on a busy machine
@given(lengths=st.lists(st.integers(1, 200), min_size=1, max_size=60), epoch=st.integers(0, 3))
def test_the_number_of_batches_is_known_beforehand(lengths: list[int], epoch: int) -> None:
    sampler = TokenBatches(lengths, 256, seed=7)
    sampler.set_epoch(epoch)

    assert len(sampler) == len(list(sampler))


def test_the_same_seed_and_epoch_draw_the_same_batches() -> None:
    assert batches(MIXED, seed=3, epoch=2) == batches(MIXED, seed=3, epoch=2)


def test_another_seed_and_another_epoch_draw_other_batches() -> None:
    first = batches(MIXED, seed=3, epoch=0)

    assert batches(MIXED, seed=4, epoch=0) != first
    assert batches(MIXED, seed=3, epoch=1) != first


def test_reviews_of_like_length_stand_together() -> None:
    padded = sum(
        len(batch) * round_up(max(MIXED[index] for index in batch)) for batch in batches(MIXED, bound=1024)
    )

    assert padded < 1.25 * sum(MIXED)


def test_a_review_longer_than_the_bound_stands_alone() -> None:
    assert sorted(map(sorted, batches([40, 8, 8], bound=16))) == [[0], [1, 2]]


def test_the_rarer_class_of_a_domain_weighs_more() -> None:
    reviews = [review(1.0)] * 3 + [review(0.0)]

    assert balancing_weights(reviews, heaviest=10.0) == pytest.approx([2 / 3] * 3 + [2.0])


def test_no_weight_is_above_the_heaviest() -> None:
    reviews = [review(1.0)] * 99 + [review(0.0)]

    assert balancing_weights(reviews, heaviest=3.0)[-1] == 3.0


def test_domains_are_balanced_each_for_itself() -> None:
    reviews = [review(1.0, "books"), review(1.0, "tools"), review(0.0, "tools")]

    assert balancing_weights(reviews, heaviest=3.0) == [0.5, 1.0, 1.0]


def test_classes_can_be_balanced_over_all_domains_or_not_at_all() -> None:
    reviews = [review(1.0, "books"), review(1.0, "tools"), review(1.0, "tools"), review(0.0, "tools")]

    assert balancing_weights(reviews, 3.0, "class") == pytest.approx([2 / 3] * 3 + [2.0])
    assert balancing_weights(reviews, 3.0, "none") == [1.0] * 4


def test_an_unlabelled_review_weighs_nothing() -> None:
    assert balancing_weights([review(None), review(1.0), review(0.0)], heaviest=3.0) == [0.0, 1.0, 1.0]


@settings(deadline=None)  # what counts is the outcome, also on a busy machine
@given(st.integers(1, 10_000))
def test_lengths_are_rounded_up_to_a_multiple(length: int) -> None:
    assert round_up(length) == math.ceil(length / LENGTH_MULTIPLE) * LENGTH_MULTIPLE


def test_short_reviews_are_padded_on_the_right_and_masked() -> None:
    input_ids, attention_mask = pad([[5, 6, 7], [8]], pad_id=1)

    assert input_ids.tolist() == [[5, 6, 7, 1, 1, 1, 1, 1], [8, 1, 1, 1, 1, 1, 1, 1]]
    assert attention_mask.tolist() == [[1, 1, 1, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0]]
    assert input_ids.dtype == attention_mask.dtype == torch.int64
