"""The API over counts that the aggregator wrote into a real Valkey."""

import csv
import io
from datetime import timedelta

import pytest
from dashboard_client import Clock, Serve
from shop import NOW, Shop, taken_back, written

from schemas.events import Channel

V1 = "/api/v1"


def test_the_counts_of_a_product_come_with_shares_intervals_and_the_calibrated_estimate(
    shop: Shop, serve: Serve
) -> None:
    shop.count([written("kettle", number < 3) for number in range(4)])

    counts = serve().get(f"{V1}/counts", params={"product_id": "kettle"}).json()["channels"]["review"]

    assert (counts["reviews"], counts["positive"], counts["strong_negative"]) == (4, 3, 1)
    # scipy.stats.binomtest(3, 4).proportion_ci(method="wilson") says 0.3006 .. 0.9544.
    assert counts["positive_share"] == {
        "value": 0.75,
        "low": pytest.approx(0.3006, abs=1e-4),
        "high": pytest.approx(0.9544, abs=1e-4),
        "n": 4,
        "small_sample": True,
    }
    assert counts["calibrated_positive"] == pytest.approx((3 * 0.9 + 0.1) / 4)


def test_a_product_is_counted_in_every_channel(shop: Shop, serve: Serve) -> None:
    shop.count([written("kettle"), written("kettle", channel=Channel.SUPPORT)])

    channels = serve().get(f"{V1}/counts", params={"product_id": "kettle"}).json()["channels"]

    assert {name: counts["reviews"] for name, counts in channels.items()} == {
        "review": 1,
        "support": 1,
        "ad": 0,
        "social": 0,
    }
    assert channels["ad"]["positive_share"] is None


@pytest.mark.parametrize("product_id", ["a/b", "..", "a b", "50%", "é", "a?b=c&d", "x{y}z", "line\nfeed"])
def test_a_product_may_be_called_anything(shop: Shop, serve: Serve, product_id: str) -> None:
    shop.count([written(product_id)])

    answer = serve().get(f"{V1}/counts", params={"product_id": product_id})

    assert answer.json()["product_id"] == product_id


def test_days_without_reviews_are_zeros(shop: Shop, serve: Serve) -> None:
    shop.count([written("kettle", days_ago=3), written("kettle", positive=False, days_ago=1)])

    found = serve().get(f"{V1}/days", params={"product_id": "kettle", "from": "2026-03-25"}).json()

    assert [(day["day"], day["counts"]["reviews"]) for day in found["days"]] == [
        ("2026-03-25", 1),
        ("2026-03-26", 0),
        ("2026-03-27", 1),
        ("2026-03-28", 0),
    ]
    assert (found["total"]["reviews"], found["total"]["positive"]) == (2, 1)


def test_the_days_of_one_channel_are_its_own(shop: Shop, serve: Serve) -> None:
    shop.count([written("kettle"), written("kettle", channel=Channel.SOCIAL)])

    found = serve().get(f"{V1}/days", params={"product_id": "kettle", "channel": "social"}).json()

    assert found["total"]["reviews"] == 1


def test_a_period_is_compared_with_the_one_before(shop: Shop, serve: Serve) -> None:
    shop.count(
        [written("kettle", False, days_ago=number / 2) for number in range(12)]
        + [written("kettle", True, days_ago=8 + number / 2) for number in range(12)]
    )
    asked = {"product_id": "kettle", "from": "2026-03-22", "to": "2026-03-28"}

    found = serve().get(f"{V1}/compare", params=asked).json()

    assert found["right"]["period"] == {"first": "2026-03-15", "last": "2026-03-21"}
    assert found["change"]["value"] == -1
    assert found["change"]["high"] < 0
    assert found["change"]["p"] < 0.001


def test_two_products_are_compared_in_the_same_days(shop: Shop, serve: Serve) -> None:
    shop.count([written("kettle"), written("pan", False)])

    found = serve().get(f"{V1}/compare", params={"product_id": "kettle", "with": "pan"}).json()

    assert found["left"]["period"] == found["right"]["period"]
    assert found["change"]["value"] == 1
    assert found["change"]["p"] == pytest.approx(1)


def test_the_latest_strong_negatives_are_masked(shop: Shop, serve: Serve) -> None:
    shop.count(
        [
            written("kettle", False, text="Mail me: jane@example.com"),
            written("kettle", False, strong=False, text="A weak one."),
            written("kettle", False, text="The newest."),
        ]
    )

    found = serve().get(f"{V1}/negatives", params={"product_id": "kettle"}).json()

    assert [one["text"] for one in found["negatives"]] == ["The newest.", "Mail me: [email]"]


def test_what_was_taken_back_is_gone(shop: Shop, serve: Serve) -> None:
    shop.count([written("kettle", False, review_id="mine"), written("kettle")])
    shop.count([taken_back("kettle", "mine")])
    client = serve()

    assert client.get(f"{V1}/negatives", params={"product_id": "kettle"}).json()["negatives"] == []
    counted = client.get(f"{V1}/counts", params={"product_id": "kettle"}).json()["channels"]["review"]
    assert (counted["reviews"], counted["negative"]) == (1, 0)


def test_a_ranking_is_read_page_by_page(shop: Shop, serve: Serve) -> None:
    shop.count([written(f"p{number}") for number in range(5) for _ in range(number + 1)])
    client = serve()

    pages = [client.get(f"{V1}/products", params={"limit": 2, "page": page}).json() for page in (1, 2, 3)]

    assert [[one["product_id"] for one in page["products"]] for page in pages] == [
        ["p4", "p3"],
        ["p2", "p1"],
        ["p0"],
    ]
    assert (pages[0]["pages"], pages[0]["total"]) == (3, 5)


def test_a_search_finds_beginnings_first_and_minds_no_capitals(shop: Shop, serve: Serve) -> None:
    shop.count([written(name) for name in ("a-kettle", "KETTLE-1200", "pan")])

    found = serve().get(f"{V1}/products", params={"search": "Kettle"}).json()

    assert [one["product_id"] for one in found["products"]] == ["KETTLE-1200", "a-kettle"]


def test_every_product_is_in_the_csv_and_no_cell_is_a_formula(shop: Shop, serve: Serve) -> None:
    shop.count([written('=HYPERLINK("http://evil")'), written("kettle", channel=Channel.SUPPORT)])

    answer = serve().get(f"{V1}/products.csv")

    assert answer.headers["content-disposition"] == 'attachment; filename="products.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert {(row["product_id"], row["channel"], row["reviews"]) for row in rows} == {
        ('\'=HYPERLINK("http://evil")', "review", "1"),
        ("kettle", "support", "1"),
    }


def test_the_days_of_a_product_are_a_csv_too(shop: Shop, serve: Serve) -> None:
    shop.count([written("kettle")])

    answer = serve().get(f"{V1}/days.csv", params={"product_id": "kettle", "from": "2026-03-27"})

    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [(row["day"], row["reviews"], row["positive_share"]) for row in rows] == [
        ("2026-03-27", "0", ""),
        ("2026-03-28", "1", "1.0"),
    ]


def test_the_overview_says_who_got_worse_and_that_it_is_real(shop: Shop, serve: Serve) -> None:
    shop.count(
        [written("worse", number >= 20, days_ago=number % 6) for number in range(24)]
        + [written("worse", number >= 4, days_ago=7 + number % 6) for number in range(24)]
        + [written("same", number % 2 == 0, days_ago=number % 13) for number in range(60)]
    )

    found = serve().get(f"{V1}/overview", params={"days": "7"}).json()

    assert [(move["product_id"], move["real"]) for move in found["worse"]] == [("worse", True)]
    assert found["tested"] == 2
    assert found["now"]["reviews"] == sum(day["counts"]["reviews"] for day in found["days"])
    assert found["worst"][0]["product_id"] == "worse"


def test_sums_over_all_products_equal_their_parts(shop: Shop, serve: Serve) -> None:
    shop.count(
        [
            written(f"p{number % 7}", number % 3 > 0, days_ago=number % 28, channel=channel)
            for channel in Channel
            for number in range(40)
        ]
    )

    found = serve().get(f"{V1}/overview", params={"days": "28", "channel": "support"}).json()

    assert {one["channel"]: one["now"]["reviews"] for one in found["channels"]} == dict.fromkeys(Channel, 40)
    assert found["now"]["positive"] == sum(number % 3 > 0 for number in range(40))
    assert found["now"]["calibrated_positive"] == pytest.approx((26 * 0.9 + 14 * 0.1) / 40)


def test_an_empty_database_is_no_error(serve: Serve) -> None:
    client = serve()

    assert client.get(f"{V1}/products").json() == {"products": [], "page": 1, "pages": 0, "total": 0}
    assert client.get(f"{V1}/overview").json()["now"]["reviews"] == 0
    assert client.get(f"{V1}/pipeline").json()["offsets"] == {}


@pytest.mark.parametrize("path", ["counts", "days", "days.csv", "negatives", "compare"])
def test_an_unknown_product_is_not_found(serve: Serve, path: str) -> None:
    answer = serve().get(f"{V1}/{path}", params={"product_id": "nobody's"})

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:reviewstream:problem:unknown-product",
        "title": "Unknown product",
        "status": 404,
        "detail": 'Nothing was ever counted for "nobody\'s".',
        "instance": f"{V1}/{path}",
    }


def test_a_page_beyond_the_end_is_not_found(shop: Shop, serve: Serve) -> None:
    shop.count([written("kettle")])

    answer = serve().get(f"{V1}/products", params={"page": 2})

    assert answer.status_code == 404
    assert answer.json()["detail"] == "Page 2 is beyond the end: the last one is 1."


NONSENSE = [
    ("products?ranking=loudest", "ranking"),
    ("products?page=0", "page"),
    ("products?limit=101", "limit"),
    ("days?product_id=kettle&channel=fax", "channel"),
    ("days?product_id=kettle&from=yesterday", "from"),
    ("days?product_id=kettle&from=2026-03-02&to=2026-03-01", "from, to"),
    ("days?product_id=kettle&from=2020-01-01&to=2026-03-01", "from, to"),
    ("days?product_id=kettle&to=0001-01-02", "from, to"),
    ("compare?product_id=kettle&from=0001-01-01&to=0001-01-02", "from, to"),
    ("days?product_id=", "product_id"),
    ("days", "product_id"),
    ("overview?days=8", "days"),
]


@pytest.mark.parametrize(("asked", "parameter"), NONSENSE)
def test_nonsense_is_named(serve: Serve, asked: str, parameter: str) -> None:
    answer = serve().get(f"{V1}/{asked}")

    assert answer.status_code == 422
    assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]


def test_a_day_in_the_future_is_refused_with_the_servers_own(serve: Serve) -> None:
    answer = serve().get(f"{V1}/days", params={"product_id": "kettle", "to": "2026-04-02"})

    assert answer.status_code == 422
    assert "today is 2026-03-28 (UTC)" in answer.json()["detail"]


def test_tomorrow_may_be_asked_for_since_it_is_tomorrow_somewhere(shop: Shop, serve: Serve) -> None:
    shop.count([written("kettle")])

    answer = serve().get(f"{V1}/days", params={"product_id": "kettle", "to": "2026-03-29"})

    assert answer.status_code == 200


def test_when_the_day_turns_the_overview_turns_with_it(shop: Shop, serve: Serve, clock: Clock) -> None:
    shop.count([written("kettle")])
    client = serve()
    clock.now = NOW + timedelta(days=1)

    client.portal.call(client.app.state.services.watcher.look)

    days = client.get(f"{V1}/overview").json()["days"]
    assert [(day["day"], day["counts"]["reviews"]) for day in days][-2:] == [
        ("2026-03-28", 1),
        ("2026-03-29", 0),
    ]


def test_the_api_is_described_with_examples_and_its_problems(serve: Serve) -> None:
    described = serve().get(f"{V1}/openapi.json").json()

    operation = described["paths"][f"{V1}/counts"]["get"]
    assert operation["parameters"][0]["schema"]["examples"] == ["kettle-1200"]
    assert set(operation["responses"]) >= {"200", "401", "404", "422", "503"}
    assert "application/problem+json" in operation["responses"]["404"]["content"]
