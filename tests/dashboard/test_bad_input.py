"""Requests that make no sense get a sentence that says so, and leave nothing behind."""

import pytest
from dashboard_client import Serve
from shop import LabelLogOfTheShop, Shop, written

from schemas.events import Channel
from schemas.redis_keys import Ranking

V1 = "/api/v1"
JSON = {"Content-Type": "application/json"}
NOWHERE = {"product_id": "nobody", "place": "reviews.scored:0:1"}


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[]", b"null"])
def test_a_body_that_is_no_object_is_named_as_the_body(serve: Serve, body: bytes) -> None:
    answer = serve().post(f"{V1}/queue/claim", content=body, headers=JSON)

    assert answer.status_code == 422
    assert [error["parameter"] for error in answer.json()["errors"]] == ["body"]


def test_a_body_that_cannot_be_parsed_is_told_so(serve: Serve) -> None:
    answer = serve().post(f"{V1}/queue/claim", content=b'{"a":' * 100_000, headers=JSON)

    assert (answer.status_code, answer.json()["detail"]) == (400, "There was an error parsing the body")


def test_a_body_of_a_megabyte_is_refused(serve: Serve) -> None:
    answer = serve().post(f"{V1}/explanations", json={"text": "x" * 1_000_000})

    assert (answer.status_code, answer.json()["detail"]) == (413, "A body may have 1,000,000 bytes.")


def test_a_method_that_is_not_there_is_told_with_those_that_are(serve: Serve) -> None:
    client = serve()

    answers = [client.post(path) for path in ("/products", f"{V1}/products")]

    assert [(answer.status_code, answer.headers["allow"]) for answer in answers] == [(405, "GET")] * 2
    assert "POST is not possible at /products." in answers[0].text
    assert answers[1].json()["detail"] == f"POST is not possible at {V1}/products."


def test_what_is_not_in_the_queue_cannot_be_answered(serve: Serve, shop: Shop) -> None:
    answer = serve().post(f"{V1}/queue/done", json=NOWHERE)

    assert (answer.status_code, answer.json()["type"]) == (404, "urn:reviewstream:problem:not-waiting")
    assert list(shop.redis.scan_iter("*nobody*")) == []


def test_labels_of_an_unknown_product_are_not_found(serve: Serve, shop: Shop) -> None:
    client = serve(label_log=LabelLogOfTheShop(shop))

    answer = client.get(f"{V1}/labels?product_id=nobody")

    assert (answer.status_code, answer.json()["type"]) == (404, "urn:reviewstream:problem:unknown-product")


def test_a_search_for_blanks_shows_all(serve: Serve, shop: Shop) -> None:
    shop.count([written("kettle")])

    page = serve().get("/products?search=%20%20").text

    assert "kettle" in page
    assert "in their id" not in page


def test_the_pipeline_says_in_one_sentence_that_redis_is_away(serve: Serve) -> None:
    page = serve(redis_url="redis://127.0.0.1:1").get("/pipeline").text

    assert "Redis cannot be read: Error" in page
    assert ".. It is asked again" not in page


@pytest.mark.parametrize("product_id", ["}}{x", "\x00", "\u202eabc", "*", "x" * 256, "../../etc/passwd"])
def test_whatever_a_product_is_called_it_is_unknown_and_no_more(serve: Serve, product_id: str) -> None:
    client = serve()

    pages = ["/product", "/labels", f"{V1}/counts", f"{V1}/days.csv"]
    answers = [client.get(path, params={"product_id": product_id}) for path in pages]

    assert [answer.status_code for answer in answers] == [404] * 4


def test_what_does_not_belong_into_redis_is_told_as_that_and_not_as_a_redis_that_is_away(
    serve: Serve, shop: Shop
) -> None:
    shop.redis.set(shop.keys.counts("kettle", Channel.REVIEW), "nonsense")

    answer = serve().get(f"{V1}/counts?product_id=kettle")

    assert (answer.status_code, answer.json()["type"]) == (503, "urn:reviewstream:problem:redis-error")


def test_pages_over_all_products_tell_it_too(serve: Serve, shop: Shop) -> None:
    shop.redis.set(shop.keys.ranking_revisions(Ranking.REVIEWS), "nonsense")

    page = serve().get("/")

    assert page.status_code == 503
    assert "Redis answers with an error" in page.text
