"""What a report calls more than noise, and who it says needs somebody."""

from consumers.read.counts import Counts
from dashboard.counts import total
from reports.counted import Sides
from reports.findings import BURST, find


def counts(reviews: int, positive: int, strong_negative: int = 0) -> Counts:
    negative = reviews - positive
    return Counts(reviews=reviews, positive=positive, negative=negative, strong_negative=strong_negative)


def total_of(products: dict[str, Sides]) -> Sides:
    total = Sides()
    for sides in products.values():
        total.add(sides)
    return total


def test_a_product_that_fell_far_is_worse_and_one_that_hardly_moved_is_not() -> None:
    products = {
        "fell": Sides(counts(100, 50), counts(100, 90)),
        "stayed": Sides(counts(100, 84), counts(100, 85)),
        "rose": Sides(counts(100, 90), counts(100, 50)),
    }

    found = find(products, total_of(products))

    assert [one.product_id for one in found.worse] == ["fell"]
    assert [one.product_id for one in found.better] == ["rose"]
    assert found.tested == 3


def test_among_many_products_the_bar_is_higher() -> None:
    moved = Sides(counts(50, 32), counts(50, 42))  # Fisher's p is 0.039
    still = {f"still-{number}": Sides(counts(50, 40), counts(50, 40)) for number in range(50)}

    alone = find({"moved": moved}, moved)
    among_many = find({"moved": moved, **still}, total_of({"moved": moved, **still}))

    assert [one.product_id for one in alone.worse] == ["moved"]
    assert among_many.worse == []


def test_products_with_few_reviews_are_not_tested() -> None:
    products = {"few": Sides(counts(9, 0), counts(100, 100))}

    found = find(products, total_of(products))

    assert (found.tested, found.worse) == (0, [])


def test_a_product_with_more_strong_negatives_than_the_others_needs_somebody() -> None:
    products = {
        "bad": Sides(counts(100, 50, strong_negative=40), counts(100, 50)),
        "good": Sides(counts(1000, 900, strong_negative=50), counts(1000, 900)),
    }

    (needy,) = find(products, total_of(products)).need_somebody

    assert needy.product_id == "bad"
    assert needy.reasons == ["more of its reviews are strongly negative than of the other products'"]


def test_a_burst_on_the_last_day_needs_somebody_and_so_few_do_not() -> None:
    def with_last_day(strong_negative: int) -> dict[str, Sides]:
        last = counts(strong_negative, 0, strong_negative)
        return {"kettle": Sides(total([counts(100, 100), last]), counts(100, 100), last)}

    burst, few = with_last_day(BURST), with_last_day(BURST - 1)

    (needy,) = find(burst, total_of(burst)).need_somebody
    assert needy.reasons[0].startswith("3 of 3 reviews of the last day are strongly negative")
    assert find(few, total_of(few)).need_somebody == []


def test_who_has_more_reasons_comes_first_and_then_who_has_more_strong_negatives() -> None:
    products = {
        "many": Sides(counts(1000, 500, strong_negative=200), counts(1000, 500)),
        "two-reasons": Sides(counts(100, 40, strong_negative=50), counts(100, 90)),
        "good": Sides(counts(9000, 8900, strong_negative=10), counts(9000, 8900)),
    }

    needy = find(products, total_of(products)).need_somebody

    assert [one.product_id for one in needy] == ["two-reasons", "many"]
