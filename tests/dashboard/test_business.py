"""Campaigns, customers at risk and the brand, over counts that the aggregator wrote into a real Valkey."""

import re
from typing import Any

import pytest
from dashboard_client import Serve
from redis import Redis
from sample_shop import HOSTILE
from shop import Shop, taken_back, written

from schemas.events import Channel, ScoredReview

V1 = "/api/v1"
ANNA, BEN = "a" * 32, "b" * 32
READ, AGENT = "read-token-0123456789", "agent-token-0123456789"


def ad(product_id: str, positive: bool = True, **fields: Any) -> ScoredReview:
    return written(product_id, positive, **{"channel": Channel.AD, "campaign_id": "summer", **fields})


def bad(customer: str, product_id: str = "kettle", **fields: Any) -> ScoredReview:
    return written(product_id, False, customer_hash=customer, **fields)


def test_a_campaign_is_the_sum_of_what_it_brought_in_every_product(shop: Shop, serve: Serve) -> None:
    shop.count(
        [ad("kettle"), ad("kettle", False), ad("pan"), ad("pan", campaign_id="winter"), written("pan")]
    )

    found = serve().get(f"{V1}/campaigns").json()

    listed = {
        one["campaign_id"]: (one["products"], one["counts"]["reviews"], one["counts"]["strong_negative"])
        for one in found["campaigns"]
    }
    assert list(listed.items()) == [("summer", (2, 3, 1)), ("winter", (1, 1, 0))]
    assert found["campaigns"][0]["counts"]["calibrated_positive"] == pytest.approx((0.9 + 0.1 + 0.9) / 3)


def test_a_campaign_is_counted_apart_in_each_channel(shop: Shop, serve: Serve) -> None:
    shop.count([ad("kettle"), ad("kettle", channel=Channel.REVIEW), ad("pot", channel=Channel.REVIEW)])
    client = serve()

    found = [
        [
            one["counts"]["reviews"]
            for one in client.get(f"{V1}/campaigns?channel={channel}").json()["campaigns"]
        ]
        for channel in Channel
    ]

    assert found == [[2], [], [1], []]


def test_a_campaign_is_told_by_product_and_day(shop: Shop, serve: Serve) -> None:
    shop.count([ad("kettle", days_ago=2), ad("pan", False, days_ago=2), ad("pan"), ad("pan", days_ago=90)])

    found = serve().get(f"{V1}/campaign", params={"campaign_id": "summer", "from": "2026-03-25"}).json()

    assert [(day["day"], day["counts"]["reviews"], day["counts"]["negative"]) for day in found["days"]] == [
        ("2026-03-25", 0, 0),
        ("2026-03-26", 2, 1),
        ("2026-03-27", 0, 0),
        ("2026-03-28", 1, 0),
    ]
    assert [(one["product_id"], one["counts"]["reviews"]) for one in found["products"]] == [
        ("pan", 3),
        ("kettle", 1),
    ]
    assert (found["counts"]["reviews"], found["total"]["reviews"]) == (4, 3)


def test_what_is_taken_back_counts_for_no_campaign(shop: Shop, serve: Serve) -> None:
    shop.count([ad("kettle", review_id="r1"), taken_back("kettle", "r1")])

    assert serve().get(f"{V1}/campaigns").json()["campaigns"] == []


@pytest.mark.parametrize("campaign_id", ["{{campaign.id}}", "50% off!", "a}:labels", "ü\n", "#~@", "\x00"])
def test_a_campaign_may_be_called_anything(shop: Shop, serve: Serve, campaign_id: str) -> None:
    shop.count([ad("a}b", campaign_id=campaign_id)])
    client = serve()

    one = client.get(f"{V1}/campaign", params={"campaign_id": campaign_id}).json()

    assert (one["campaign_id"], one["counts"]["reviews"], one["total"]["reviews"]) == (campaign_id, 1, 1)
    assert [found["campaign_id"] for found in client.get(f"{V1}/campaigns").json()["campaigns"]] == [
        campaign_id
    ]


def test_unknown_campaigns_and_pages_beyond_the_end_are_told_so(shop: Shop, serve: Serve) -> None:
    shop.count([ad("kettle")])
    client = serve()

    answers = [client.get(f"{V1}/campaign?campaign_id=nobody"), client.get(f"{V1}/campaigns?page=2")]

    assert [(answer.status_code, answer.json()["type"].rsplit(":", 1)[1]) for answer in answers] == [
        (404, "unknown-campaign"),
        (404, "page-beyond-end"),
    ]


def test_who_wrote_three_strong_negatives_within_thirty_days_is_at_risk(shop: Shop, serve: Serve) -> None:
    shop.count(
        [
            bad(ANNA, text="Leaks! jane@example.com", review_id="r1"),
            bad(ANNA, "pan", days_ago=20, review_id="r2"),
            bad(ANNA, "pot", days_ago=29, channel=Channel.SUPPORT, review_id="r3"),
            *(bad(BEN, days_ago=ago) for ago in (0, 5, 30)),
            bad(BEN, strong=False),
            *(written("kettle", True, customer_hash=BEN) for _ in range(3)),
        ]
    )

    found = serve().get(f"{V1}/customers-at-risk").json()

    assert (found["total"], found["least"], found["days"]) == (1, 3, 30)
    (one,) = found["customers"]
    assert one["customer"] == ANNA
    assert [(review["review_id"], review["day"]) for review in one["reviews"]] == [
        ("r1", "2026-03-28"),
        ("r2", "2026-03-08"),
        ("r3", "2026-02-27"),
    ]
    assert one["reviews"][0]["written"]["text"] == "Leaks! [email]"


def test_a_correction_a_delete_and_a_change_of_the_customer_end_the_risk(shop: Shop, serve: Serve) -> None:
    shop.count([bad(customer, review_id=f"{customer}{row}") for customer in (ANNA, BEN) for row in range(3)])
    client = serve()
    assert client.get(f"{V1}/customers-at-risk").json()["total"] == 2

    shop.count(
        [written("kettle", True, review_id=f"{ANNA}0", customer_hash=ANNA), taken_back("kettle", f"{BEN}0")]
    )
    assert client.get(f"{V1}/customers-at-risk").json()["total"] == 0

    shop.count([bad(ANNA, review_id=f"{BEN}1")])
    assert [one["customer"] for one in client.get(f"{V1}/customers-at-risk").json()["customers"]] == [ANNA]


def test_a_strong_negative_dated_in_the_future_puts_nobody_at_risk(shop: Shop, serve: Serve) -> None:
    shop.count([bad(ANNA), bad(ANNA), bad(ANNA, days_ago=-400)])

    assert serve().get(f"{V1}/customers-at-risk").json()["customers"] == []


def test_how_many_within_which_days_can_be_set(shop: Shop, serve: Serve) -> None:
    shop.count([bad(ANNA), bad(ANNA, days_ago=6)])

    assert serve(risk_reviews=2, risk_days=7).get(f"{V1}/customers-at-risk").json()["total"] == 1
    assert serve(risk_reviews=2, risk_days=6).get(f"{V1}/customers-at-risk").json()["total"] == 0


@pytest.mark.parametrize("path", [f"{V1}/customers-at-risk", "/customers"])
def test_customers_are_for_agents_only(serve: Serve, path: str) -> None:
    client = serve(read_token=READ, agent_token=AGENT)

    answers = [client.get(path, headers={"Authorization": f"Bearer {token}"}) for token in (READ, AGENT)]

    assert [answer.status_code for answer in answers] == [403, 200]


def test_a_page_shows_no_more_of_a_customer_than_the_first_digits(shop: Shop, serve: Serve) -> None:
    shop.count([bad(ANNA) for _ in range(3)])

    html = serve().get("/customers").text

    assert ANNA[:8] in html
    assert not re.search("a{9}", html)


def test_the_text_of_a_review_that_is_no_longer_listed_is_said_to_stand_elsewhere(
    shop: Shop, redis: Redis, serve: Serve
) -> None:
    shop.count([bad(ANNA) for _ in range(3)])
    redis.delete(shop.keys.negatives("kettle"))

    assert "the text stands in reviews.scored" in serve().get("/customers").text


def test_the_brand_is_what_social_media_say(shop: Shop, serve: Serve) -> None:
    shop.count(
        [
            written(
                "kettle", False, channel=Channel.SOCIAL, text="Never again. jane@example.com", review_id="r1"
            ),
            written("pan", True, channel=Channel.SOCIAL),
            written("pan", True, channel=Channel.SOCIAL, days_ago=1),
            written("pan", False, channel=Channel.SOCIAL, days_ago=8),
            written("pot", False),
        ]
    )

    found = serve().get(f"{V1}/brand").json()

    assert (found["overview"]["now"]["reviews"], found["overview"]["before"]["reviews"]) == (3, 1)
    assert [
        (one["product_id"], one["now"]["reviews"], one["before"]["reviews"]) for one in found["talked_of"]
    ] == [
        ("pan", 2, 1),
        ("kettle", 1, 0),
    ]
    assert [(post["product_id"], post["written"]["text"]) for post in found["posts"]] == [
        ("kettle", "Never again. [email]")
    ]


PAGES = [
    "/campaigns",
    "/campaigns?channel=social&ranking=negative",
    "/campaign?campaign_id=summer",
    "/customers",
    "/brand",
]


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_there_and_hostile_texts_are_text(shop: Shop, serve: Serve, page: str) -> None:
    fields = {"text": HOSTILE, "customer_hash": ANNA}
    shop.count([ad("<u>", False, **fields, campaign_id=campaign_id) for campaign_id in ("summer", "<u>")])
    shop.count(
        [
            ad("<u>", False, **fields, channel=Channel.SOCIAL, campaign_id="<u>"),
            bad(ANNA, "<u>", text=HOSTILE),
        ]
    )

    answer = serve().get(page)

    assert answer.status_code == 200
    assert "&lt;u&gt;" in answer.text
    assert not re.search("<u>&lt;|<u></bdi>|<script>|<img", answer.text)


@pytest.mark.parametrize("page", [*PAGES[:2], *PAGES[3:]])
def test_every_page_is_there_without_a_single_review(serve: Serve, page: str) -> None:
    assert serve().get(page).status_code == 200


def test_an_unknown_campaign_is_a_page_that_says_so(serve: Serve) -> None:
    answer = serve().get("/campaign?campaign_id=nobody")

    assert (answer.status_code, "Unknown campaign" in answer.text) == (404, True)
