"""Parts hold no product in common, have their share of each class, and a leak between them is seen."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_export.data.reviews import LabelledReview
from model_export.data.splits import folds, groups_of, held_out_rows, leaks, require_both_classes
from schemas.errors import TrainingDataError


def review(
    polarity: float | None, product: str | None = None, domain: str = "books", place: str = ""
) -> LabelledReview:
    return LabelledReview("text", polarity, None, domain=domain, product_id=product, place=place)


def shop(products: int, alone: int, seed: int = 1) -> list[LabelledReview]:
    """Products with two to six reviews each, and reviews without a product; a third is negative."""
    random = np.random.default_rng(seed)
    sold = [
        review(float(random.random() < 2 / 3), f"p{product}")
        for product in range(products)
        for _ in range(random.integers(2, 7))
    ]
    return sold + [review(float(random.random() < 2 / 3)) for _ in range(alone)]


def groups(reviews: list[LabelledReview]) -> np.ndarray:
    return groups_of(reviews, np.arange(len(reviews)))


def test_reviews_linked_by_product_or_text_are_one_group() -> None:
    reviews = [review(1.0, "a"), review(1.0, "b"), review(1.0), review(1.0, "a"), review(1.0)]

    of_each = groups_of(reviews, np.array([0, 1, 2, 1, 4]))  # the second and the fourth have the same text

    assert of_each[0] == of_each[1] == of_each[3]
    assert len(set(of_each.tolist())) == 3


@settings(max_examples=25, deadline=None)
@given(st.integers(20, 60), st.integers(40, 200), st.integers(2, 5), st.integers(0, 3))
def test_no_product_is_in_two_folds_and_no_fold_is_empty(
    products: int, alone: int, count: int, seed: int
) -> None:
    reviews = shop(products, alone, seed)

    fold = folds(reviews, groups(reviews), count, seed)

    of_product: dict[str, set[int]] = {}
    for row, number in zip(reviews, fold.tolist(), strict=True):
        if row.product_id is not None:
            of_product.setdefault(row.product_id, set()).add(number)
    assert all(len(numbers) == 1 for numbers in of_product.values())
    assert set(fold.tolist()) == set(range(count))


def test_each_fold_has_its_share_of_the_classes() -> None:
    reviews = shop(products=200, alone=600)
    positive = np.array([row.polarity for row in reviews])

    fold = folds(reviews, groups(reviews), 5, seed=7)

    for number in range(5):
        assert np.mean(fold == number) == pytest.approx(0.2, abs=0.01)
        assert positive[fold == number].mean() == pytest.approx(positive.mean(), abs=0.02)


def test_each_fold_has_its_share_of_the_domains() -> None:
    reviews = [review(float(row % 2), domain="tools" if row % 10 < 2 else "books") for row in range(500)]
    tools = np.array([row.domain == "tools" for row in reviews])

    fold = folds(reviews, groups(reviews), 5, seed=7)

    assert [tools[fold == number].sum() for number in range(5)] == [20] * 5


def test_the_same_seed_makes_the_same_folds_and_another_one_others() -> None:
    reviews = shop(50, 100)

    assert (
        folds(reviews, groups(reviews), 3, seed=1).tolist()
        == folds(reviews, groups(reviews), 3, seed=1).tolist()
    )
    assert (
        folds(reviews, groups(reviews), 3, seed=1).tolist()
        != folds(reviews, groups(reviews), 3, seed=2).tolist()
    )


def test_a_few_reviews_of_one_product_among_many_without_are_kept_together() -> None:
    reviews = [*[review(float(row % 2)) for row in range(200)], review(1.0, "a"), review(0.0, "a")]

    fold = folds(reviews, groups(reviews), 10, seed=7)

    assert fold[-1] == fold[-2]


def test_a_large_product_does_not_make_the_held_out_part_a_large_one() -> None:
    reviews = [*shop(60, 200), *[review(float(row % 3 > 0), "best seller") for row in range(300)]]

    held_out = held_out_rows(reviews, groups(reviews), 0.1, seed=7)

    assert held_out.mean() < 0.15


def test_too_few_products_for_so_many_folds_are_refused() -> None:
    reviews = [review(float(row % 2), "ab"[row % 2]) for row in range(50)]

    with pytest.raises(TrainingDataError, match=r"too few .* for 5 parts: 25 positive and 25 negative"):
        folds(reviews, groups(reviews), 5, seed=7)


@pytest.mark.parametrize(
    ("positive", "negative", "complaint"),
    [
        (50, 0, "training reviews: one class only: 50 positive and 0 negative"),
        (0, 50, "training reviews: one class only"),
        (50, 9, "training reviews: too few rows: 50 positive and 9 negative reviews; at least 10"),
        (0, 0, "training reviews: too few rows"),
    ],
)
def test_a_part_without_both_classes_is_refused(positive: int, negative: int, complaint: str) -> None:
    reviews = [review(1.0)] * positive + [review(0.0)] * negative + [review(None)] * 20

    with pytest.raises(TrainingDataError, match=complaint):
        require_both_classes(reviews, "training reviews")


def test_ten_of_each_class_are_enough() -> None:
    require_both_classes([review(1.0)] * 10 + [review(0.0)] * 10, "training reviews")


def test_a_leak_is_told_by_kind_with_an_example() -> None:
    parts = {
        "training": [review(1.0, "a", place="t:1"), review(1.0, "b", place="t:2"), review(1.0, place="t:3")],
        "dev": [review(1.0, place="d:1"), review(1.0, "b", place="d:2")],
    }

    found = list(leaks(parts, {"training": np.array([0, 1, 2]), "dev": np.array([2, 4])}))

    assert [leak.description for leak in found] == [
        "1 of 3 training reviews have the text of a dev review, for example t:3 that of d:1",
        "1 of 3 training reviews have the product of a dev review, for example t:2 that of d:2",
    ]


def test_reviews_of_unknown_products_share_none() -> None:
    parts = {"training": [review(1.0)], "dev": [review(0.0)]}

    assert list(leaks(parts, {"training": np.array([0]), "dev": np.array([1])})) == []
