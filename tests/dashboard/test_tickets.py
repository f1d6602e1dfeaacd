"""The order of all that waits, and what is held of it."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random

from shop import NOW

from dashboard.desk.order import urgency
from dashboard.desk.tickets import OF_A_PRODUCT, Tickets
from dashboard.desk.waiting import Waiting
from schemas.events import Channel, Intensity, Label
from schemas.labels import JudgedReview


def waiting(product_id: str, offset: int, channel: Channel = Channel.REVIEW, hours: float = 0) -> Waiting:
    """A strong negative that was written so many hours ago."""
    judged = JudgedReview(
        topic="reviews.scored",
        partition=0,
        offset=offset,
        channel=channel,
        created_at=NOW - timedelta(hours=hours),
        label=Label.NEGATIVE,
        intensity=Intensity.STRONG,
        score=0.1,
        needs_review=False,
    )
    return Waiting(product_id, f"r{offset}", f"reviews.scored:0:{offset}", judged, "Leaks.", None, None)


def many(products: int, chance: Random) -> dict[str, Sequence[Waiting]]:
    """Some of each product, of all channels and ages."""
    channels = (Channel.REVIEW, Channel.SUPPORT, Channel.SOCIAL)
    return {
        f"p{number}": [
            waiting(f"p{number}", 100 * number + one, chance.choice(channels), chance.uniform(0, 700))
            for one in range(chance.randrange(1, OF_A_PRODUCT))
        ]
        for number in range(products)
    }


def held(shop: dict[str, Sequence[Waiting]]) -> Tickets:
    tickets = Tickets()
    for product_id, listed in shop.items():
        tickets.put(product_id, listed, NOW)
    return tickets


def test_the_first_of_many_are_those_that_stand_first_when_all_are_put_in_order() -> None:
    shop = many(200, Random(3))

    def rank(one: Waiting) -> tuple[float, float]:
        points = urgency(strong_negative=True, channel=one.channel, created_at=one.created_at, now=NOW).points
        return -points, one.created_at.timestamp()

    in_order = sorted((one for listed in shop.values() for one in listed), key=rank)

    assert held(shop).first(NOW, None, 50) == [(one.product_id, one.place) for one in in_order[:50]]


def test_the_first_of_a_channel_are_of_it_alone() -> None:
    shop = {"kettle": [waiting("kettle", 1, Channel.SUPPORT), waiting("kettle", 2, Channel.SOCIAL)]}

    assert held(shop).first(NOW, Channel.SOCIAL, 50) == [("kettle", "reviews.scored:0:2")]


def test_as_many_are_counted_as_wait() -> None:
    shop = many(200, Random(4))
    listed = [one for some in shop.values() for one in some]

    assert held(shop).count(None) == len(listed)
    assert held(shop).count(Channel.SUPPORT) == sum(one.channel is Channel.SUPPORT for one in listed)


def test_what_waits_of_a_product_takes_the_place_of_what_waited() -> None:
    tickets = held({"kettle": [waiting("kettle", 1), waiting("kettle", 2)]})

    tickets.put("kettle", [waiting("kettle", 3)], NOW)

    assert tickets.first(NOW, None, 50) == [("kettle", "reviews.scored:0:3")]


def test_a_product_of_which_nothing_waits_any_more_leaves_its_row_to_another() -> None:
    tickets = held({"kettle": [waiting("kettle", 1)]})
    size = tickets._created.shape

    for number in range(1000):
        tickets.put("kettle", (), NOW)
        tickets.put(f"p{number}", [waiting(f"p{number}", number)], NOW)
        tickets.put(f"p{number}", (), NOW)

    assert (tickets.products, tickets.count(None), tickets._created.shape) == ([], 0, size)
