"""Explanations in the API and on the page, from a model that blames the word "leaks"."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from blaming import blame
from dashboard_client import Serve
from shop import Shop, written
from waiting import eventually

from consumers.explain.occlusion import Explanation
from consumers.infer.runner import RunFailure
from dashboard.explanations import WAITING
from schemas.errors import BundleError

V1 = "/api/v1/explanations"


def blame_leaks(text: str) -> Explanation | RunFailure:
    return RunFailure("no memory") if "poison" in text else blame("leaks|<b>", text)


def start_blaming() -> Callable[[str], Explanation | RunFailure]:
    return blame_leaks


def test_a_text_is_explained_by_its_words(serve: Serve) -> None:
    answer = serve(start_explaining=start_blaming).post(V1, json={"text": "Boils fast, leaks faster."})

    assert answer.json() == {
        "label": "negative",
        "score": 0.02,
        "words": [{"start": 12, "end": 17, "text": "leaks", "weight": -4.9, "score_without": 0.77}],
        "score_without": 0.77,
        "model": "test 0123456789ab",
    }


def test_a_listed_negative_is_explained_as_it_is_listed(shop: Shop, serve: Serve) -> None:
    shop.count([written("kettle", False, review_id="r1", text="a@b.com: it leaks")])

    answer = serve(start_explaining=start_blaming).get(V1, params={"product_id": "kettle", "review_id": "r1"})

    assert answer.json()["text"] == "[email]: it leaks"
    (word,) = answer.json()["explanation"]["words"]
    assert answer.json()["text"][word["start"] : word["end"]] == "leaks"


def test_the_queue_marks_the_words_that_decided_and_its_api_tells_them(shop: Shop, serve: Serve) -> None:
    shop.count([written("kettle", False, review_id="r1", text="It leaks & <b>burns</b>.")])
    client = serve(start_explaining=start_blaming)

    first = client.get("/queue").text
    client.get(V1, params={"product_id": "kettle", "review_id": "r1"})  # waits for its turn
    page = client.get("/queue").text
    (item,) = client.get("/api/v1/queue").json()["items"]

    assert "data-pending" in first
    assert "data-pending" not in page
    assert "It <mark>leaks</mark> &amp; <mark>&lt;b&gt;</mark>burns&lt;/b&gt;." in page
    assert [word["text"] for word in item["explanation"]["words"]] == ["leaks", "<b>"]


def test_the_queue_is_there_without_a_model_too(shop: Shop, serve: Serve) -> None:
    shop.count([written("kettle", False, text="It leaks.")])
    client = serve()

    (item,) = client.get("/api/v1/queue").json()["items"]

    assert item["explanation"] is None
    assert "data-pending" not in client.get("/queue").text


def test_a_text_that_somebody_waits_for_comes_before_those_of_pages(shop: Shop, serve: Serve) -> None:
    begun, go_on = threading.Event(), threading.Event()
    read: list[str] = []

    def explain(text: str) -> Explanation | RunFailure:
        begun.set()
        go_on.wait(60)
        read.append(text)
        return blame_leaks(text)

    shop.count([written("kettle", False, text=f"It leaks {number}.") for number in range(5)])
    client = serve(start_explaining=lambda: explain)
    client.get("/product", params={"product_id": "kettle"})
    begun.wait(60)
    with ThreadPoolExecutor(1) as somebody:
        answer = somebody.submit(client.post, V1, json={"text": "It leaks now."})
        eventually(lambda: client.app.state.services.explanations.asked == 1)
        go_on.set()
        answer.result(60)

    assert read.index("It leaks now.") == 1


def test_what_is_not_listed_cannot_be_explained(shop: Shop, serve: Serve) -> None:
    shop.count([written("kettle", review_id="r1")])
    client = serve(start_explaining=start_blaming)

    unlisted = client.get(V1, params={"product_id": "kettle", "review_id": "r1"})
    unknown = client.get(V1, params={"product_id": "nobody", "review_id": "r1"})

    assert (unlisted.status_code, unlisted.json()["type"]) == (
        404,
        "urn:reviewstream:problem:unlisted-review",
    )
    assert (unknown.status_code, unknown.json()["type"]) == (404, "urn:reviewstream:problem:unknown-product")


@pytest.mark.parametrize("body", [{}, {"text": ""}, {"text": "a" * 20_001}, {"text": 7}])
def test_a_text_that_could_be_no_review_is_refused(serve: Serve, body: dict[str, object]) -> None:
    assert serve(start_explaining=start_blaming).post(V1, json=body).status_code == 422


def test_a_text_on_which_the_model_fails_is_said_to_be_unreadable(serve: Serve) -> None:
    answer = serve(start_explaining=start_blaming).post(V1, json={"text": "poison"})

    assert (answer.status_code, answer.json()["type"]) == (422, "urn:reviewstream:problem:unreadable-text")


def test_a_model_that_cannot_be_started_is_tried_again(serve: Serve) -> None:
    starts = []

    def start() -> Callable[[str], Explanation | RunFailure]:
        starts.append(1)
        if len(starts) == 1:
            raise BundleError("damaged")
        return blame_leaks

    client = serve(start_explaining=start)

    assert client.post(V1, json={"text": "it leaks"}).status_code == 503
    assert client.post(V1, json={"text": "it leaks"}).status_code == 200


def test_a_page_does_not_wait_for_a_model_that_cannot_be_started(shop: Shop, serve: Serve) -> None:
    def start() -> Callable[[str], Explanation | RunFailure]:
        raise BundleError("damaged")

    shop.count([written("kettle", False, text="It leaks.")])
    client = serve(start_explaining=start)
    client.post(V1, json={"text": "it leaks"})

    assert "data-pending" not in client.get("/product", params={"product_id": "kettle"}).text


def test_the_model_is_started_by_the_first_text_and_reads_each_once(serve: Serve) -> None:
    read: list[str] = []

    def start() -> Callable[[str], Explanation | RunFailure]:
        read.append("started")

        def explain(text: str) -> Explanation | RunFailure:
            read.append(text)
            return blame_leaks(text)

        return explain

    client = serve(start_explaining=start)
    assert read == []

    for text in ("it leaks", "it leaks", "it stinks"):
        client.post(V1, json={"text": text})

    assert read == ["started", "it leaks", "it stinks"]


def test_without_a_model_there_are_pages_and_no_explanations(shop: Shop, serve: Serve) -> None:
    shop.count([written("kettle", False, text="It leaks.")])
    client = serve()

    page = client.get("/product", params={"product_id": "kettle"})

    assert page.status_code == 200
    assert "data-pending" not in page.text
    assert client.post(V1, json={"text": "It leaks."}).status_code == 503


def test_the_page_marks_the_words_as_soon_as_they_are_known_and_says_them(shop: Shop, serve: Serve) -> None:
    go_on = threading.Event()

    def slow() -> Callable[[str], Explanation | RunFailure]:
        go_on.wait(60)
        return blame_leaks

    shop.count([written("kettle", False, review_id="r1", text="It leaks & <b>burns</b>.")])
    client = serve(start_explaining=slow)

    before = client.get("/product", params={"product_id": "kettle"}).text
    go_on.set()
    client.get(V1, params={"product_id": "kettle", "review_id": "r1"})  # waits for its turn
    after = client.get("/product", params={"product_id": "kettle"}).text

    assert "data-pending" in before
    assert "<mark>" not in before
    assert "data-pending" not in after
    assert "It <mark>leaks</mark> &amp; <mark>&lt;b&gt;</mark>burns&lt;/b&gt;." in after
    assert "Decided by <b><bdi>leaks</bdi></b>" in after
    assert "77 % likely to be positive, not 2 %" in after


def test_words_beyond_the_excerpt_are_marked_in_the_rest(shop: Shop, serve: Serve) -> None:
    text = "It was fine. " * 40 + "Then it leaks."
    shop.count([written("kettle", False, review_id="r1", text=text)])
    client = serve(start_explaining=start_blaming)
    client.get(V1, params={"product_id": "kettle", "review_id": "r1"})

    page = client.get("/product", params={"product_id": "kettle"}).text

    assert page.index("read on") < page.index("<mark>leaks</mark>")


def test_what_waits_is_bounded_and_pages_take_nobodys_place(shop: Shop, serve: Serve) -> None:
    go_on = threading.Event()

    def slow() -> Callable[[str], Explanation | RunFailure]:
        go_on.wait(60)
        return blame_leaks

    shop.count(
        [
            written(f"kettle-{number}", False, text=f"It leaks {number} {more}")
            for number in range(4)
            for more in range(20)
        ]
    )
    client = serve(start_explaining=slow)
    for number in range(4):
        client.get("/product", params={"product_id": f"kettle-{number}"})
    explanations = client.app.state.services.explanations
    assert WAITING < 80
    assert explanations.wanted <= WAITING

    with ThreadPoolExecutor(WAITING) as somebody:
        asked = [
            somebody.submit(client.post, V1, json={"text": f"one more {number}"}) for number in range(WAITING)
        ]
        eventually(lambda: explanations.asked == WAITING)
        refused = client.post(V1, json={"text": "too many"})
        go_on.set()
        answered = {answer.result(60).status_code for answer in asked}

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    assert answered == {200}
