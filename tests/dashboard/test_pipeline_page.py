"""The pipeline's own page and its data: also where much is away or wrong, they are there and say so."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from dashboard_client import Clock, Serve
from shop import NOW, Shop, written
from starlette.testclient import TestClient

from dashboard.app import create_app
from dashboard.pipeline import KafkaAnswer, Lag
from dashboard.refused import DeadLetters, Refused
from schemas.dashboard_settings import DashboardSettings
from schemas.dead_letters import DeadLetterReason
from schemas.errors import ServerUnavailable
from schemas.events import ModelReference

V1 = "/api/v1/pipeline"
MODEL = ModelReference(name="shop-reviews", version="0123456789ab")
LAGS = [
    Lag("reviewstream-scorer", "reviews.raw", 1234),
    Lag("reviewstream-aggregator", "reviews.scored", None),
]
LETTERS = DeadLetters(
    [
        Refused(DeadLetterReason.MODEL_ERROR, 1200, NOW - timedelta(days=3)),
        Refused(DeadLetterReason.INVALID_JSON, 2, NOW - timedelta(hours=5)),
    ],
    complete=True,
)


def answering(answer: KafkaAnswer) -> Callable[[], KafkaAnswer]:
    return lambda: answer


def test_what_waits_and_what_was_refused_is_told_with_what_to_do(serve: Serve) -> None:
    page = serve(answering(KafkaAnswer(LAGS, MODEL, NOW, LETTERS))).get("/pipeline").text

    assert "1\u202f234" in page
    assert "never read" in page
    assert "the model failed on the review" in page
    assert "1\u202f200" in page
    assert "3 days ago" in page
    assert "reviewstream dlq --list --reason invalid_json" in page
    assert "reviewstream redrive --dry-run --reason model_error" in page


def test_the_api_tells_dead_letters_by_reason_with_the_age_of_the_oldest(serve: Serve) -> None:
    told = serve(answering(KafkaAnswer(LAGS, MODEL, NOW, LETTERS))).get(V1).json()

    assert told["dead_letters"][1] == {
        "reason": "invalid_json",
        "meaning": "the text is no JSON",
        "waiting": 2,
        "oldest": (NOW - timedelta(hours=5)).isoformat().replace("+00:00", "Z"),
    }
    assert told["dead_letters_complete"] is True


def test_nothing_refused_is_good_news_and_more_than_was_read_is_a_bound(serve: Serve) -> None:
    none = serve(answering(KafkaAnswer([], None, None, DeadLetters([], complete=True)))).get("/pipeline").text
    some = DeadLetters(LETTERS.reasons, complete=False)
    more = serve(answering(KafkaAnswer([], None, None, some))).get("/pipeline").text

    assert "everything that came could be read and scored" in none
    assert "at least so many" in more


def test_a_user_who_may_not_read_the_dead_letters_sees_all_else(serve: Serve) -> None:
    answer = KafkaAnswer(LAGS, MODEL, NOW, letters_trouble="This user may not read them")
    client = serve(answering(answer))

    page = client.get("/pipeline").text

    assert "This user may not read them." in page
    assert "1\u202f234" in page
    assert client.get(V1).json()["dead_letters"] is None


def test_a_label_from_the_future_says_that_a_clock_is_wrong(serve: Serve) -> None:
    answer = KafkaAnswer(LAGS, MODEL, NOW + timedelta(hours=3), LETTERS)

    assert "3 hours in the future: a clock is wrong" in serve(answering(answer)).get("/pipeline").text


def test_reviews_dated_ahead_break_no_page_and_stand_in_no_day(shop: Shop, serve: Serve) -> None:
    shop.count([written("kettle", False, days_ago=-40, text="From the future."), written("kettle", False)])
    client = serve()

    pages = [client.get(path) for path in ("/", "/product?product_id=kettle", "/queue")]

    assert [page.status_code for page in pages] == [200, 200, 200]
    assert "40 days in the future: a clock is wrong" in pages[2].text
    assert client.get("/api/v1/overview").json()["now"]["reviews"] == 1
    assert client.get("/api/v1/counts?product_id=kettle").json()["channels"]["review"]["reviews"] == 2


def test_a_clock_that_is_behind_what_was_counted_breaks_no_page(
    shop: Shop, serve: Serve, clock: Clock
) -> None:
    shop.count([written("kettle", False)])
    clock.now = NOW - timedelta(days=2)
    client = serve()

    pages = [client.get(path) for path in ("/", "/product?product_id=kettle", "/queue", "/pipeline")]

    assert [page.status_code for page in pages] == [200] * 4
    assert "in the future: a clock is wrong" in pages[1].text


@pytest.mark.parametrize("path", ["/pipeline", V1])
def test_with_everything_away_it_is_there_and_says_so(clock: Clock, path: str) -> None:
    def away() -> KafkaAnswer:
        raise ServerUnavailable("no broker answers")

    settings = DashboardSettings(redis_url="redis://127.0.0.1:1/0")
    with TestClient(create_app(settings, ask_kafka=away, clock=clock), base_url="http://localhost") as client:
        client.portal.call(client.app.state.services.watcher.settled)

        answer = client.get(path)

    assert answer.status_code == 200
    assert "Kafka does not answer" in answer.text
    assert ("Redis cannot be read" if path == "/pipeline" else '"trouble":"') in answer.text
