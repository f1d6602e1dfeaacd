"""What waits for customer service, in which order, and what agents do with it."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from dashboard_client import Clock, Serve
from pydantic import ValidationError
from redis import Redis
from shop import NOW, TOPIC, LabelLogOfTheShop, Shop, taken_back, written
from starlette.testclient import TestClient
from waiting import eventually

from dashboard import watch
from dashboard.desk.order import urgency, waiting_points
from dashboard.desk.tickets import OF_A_PRODUCT
from dashboard.desk.waiting import Waiting, WaitingReader
from schemas.dashboard_settings import DashboardSettings
from schemas.desk_keys import DeskKeys
from schemas.events import Channel
from schemas.redis_keys import LABEL_RETENTION, Counter

ANNA, BEN = "anna-token-0123456789", "ben-token-0123456789"
READ = "read-token-0123456789"
TOKENS = {"agent_tokens": f"anna={ANNA}, ben={BEN}", "read_token": READ}


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits a second for what was counted to be noticed."""
    monkeypatch.setattr(watch, "INTERVAL_S", 0.05)


@pytest.fixture
def label_log(shop: Shop) -> LabelLogOfTheShop:
    return LabelLogOfTheShop(shop)


@pytest.fixture
def client(serve: Serve, shop: Shop, label_log: LabelLogOfTheShop) -> Iterator[TestClient]:
    """The dashboard over a shop with four reviews that wait, and three that do not."""
    shop.count(
        [
            written("kettle", False, review_id="strong", days_ago=0.5, text="Leaks! jane@example.com"),
            written("kettle", False, review_id="help", channel=Channel.SUPPORT),
            written("pan", True, review_id="unsure", uncertain=True),
            written("pan", False, review_id="seen", channel=Channel.SOCIAL),
            written("pan", False, strong=False, review_id="weak"),
            written("pan", False, review_id="ad", channel=Channel.AD),
            written("pan", False, review_id="old", days_ago=31),
        ]
    )
    return serve(label_log=label_log, **TOKENS)


def as_agent(token: str = ANNA) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def queue(client: TestClient, token: str = ANNA, **parameters: Any) -> list[dict[str, Any]]:
    answer = client.get("/api/v1/queue", params=parameters, headers=as_agent(token))
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def ids(items: Sequence[dict[str, Any]]) -> list[str]:
    return [item["review_id"] for item in items]


def item(client: TestClient, review_id: str) -> dict[str, str]:
    """What names a review that waits."""
    found = next(one for one in queue(client) if one["review_id"] == review_id)
    return {"product_id": found["product_id"], "place": found["place"]}


def do(client: TestClient, act: str, what: dict[str, str], token: str = ANNA) -> Any:
    return client.post(f"/api/v1/queue/{act}", json=what, headers=as_agent(token))


SURE = {"label": "positive", "intensity": "strong", "reason": "It is irony, write to joe@example.com."}


def test_strong_negatives_and_unsure_ones_wait_most_urgent_first(client: TestClient) -> None:
    items = queue(client)

    assert ids(items) == ["help", "seen", "strong", "unsure"]
    assert [one["points"]["total"] for one in items] == [70, 55, 52, 0]
    assert items[2]["text"] == "Leaks! [email]"
    assert items[3]["model"] == {"label": "positive", "intensity": "strong", "score": 0.9, "uncertain": True}
    assert ids(queue(client, channel="social")) == ["seen"]


def test_a_customer_who_waits_becomes_more_urgent_for_a_day_and_then_slowly_less() -> None:
    def points(**waited: float) -> int:
        return urgency(
            strong_negative=True, channel=Channel.REVIEW, created_at=NOW - timedelta(**waited), now=NOW
        ).points

    assert [points(hours=0), points(hours=5.5), points(days=1), points(days=20)] == [40, 45, 64, 45]
    assert points(days=-3) == 40


def test_the_order_of_a_whole_queue_goes_by_the_points_that_each_review_shows() -> None:
    waited = [timedelta(hours=hours, minutes=minutes) for hours in range(-3, 800, 7) for minutes in (0, 59)]
    shown = [
        urgency(strong_negative=False, channel=Channel.REVIEW, created_at=NOW - one, now=NOW).points
        for one in waited
    ]

    assert waiting_points(np.array([one.total_seconds() for one in waited])).tolist() == shown


def test_a_product_whose_lists_did_not_change_is_not_read_again(client: TestClient, shop: Shop) -> None:
    services = client.app.state.services
    line, reader = services.desk.line, NotingReader(services.desk.line._reader)
    line._reader = reader
    shop.count([written("kettle", strong=False), written("pan", False, review_id="new")])

    client.portal.call(line.follow, ["kettle", "pan"], NOW)

    assert reader.read_again == ["pan"]
    assert "new" in ids(queue(client))


def test_a_queue_that_is_looked_at_again_is_not_fetched_again_and_yet_right(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = client.app.state.services.desk._reader
    noting = NotingReader(reader)
    before = ids(queue(client))
    monkeypatch.setattr(reader, "read", noting.read)

    assert ids(queue(client)) == before
    assert noting.read_again == []
    assert do(client, "done", item(client, "help")).status_code == 204
    assert ids(queue(client)) == [one for one in before if one != "help"]
    assert "kettle" in noting.read_again


class NotingReader:
    """Reads what waits, and notes of which products."""

    def __init__(self, reader: WaitingReader) -> None:
        self.read_again: list[str] = []
        self.digests = reader.digests
        self._read = reader.read

    async def read(self, product_ids: Sequence[str], now: datetime) -> dict[str, list[Waiting]]:
        self.read_again += product_ids
        return await self._read(product_ids, now)


def test_a_review_that_is_corrected_to_good_or_deleted_leaves_the_queue(
    client: TestClient, shop: Shop
) -> None:
    shop.count([written("kettle", True, review_id="strong"), taken_back("pan", "unsure")])

    eventually(lambda: ids(queue(client)) == ["help", "seen"])


def test_of_two_who_claim_at_once_one_gets_it_and_the_other_is_told_who(client: TestClient) -> None:
    wanted = item(client, "help")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda token: (token, do(client, "claim", wanted, token)), [ANNA, BEN] * 8))

    won = {token for token, answer in answers if answer.status_code == 200}
    assert len(won) == 1
    [winner] = won
    name = {ANNA: "anna", BEN: "ben"}[winner]
    refused = [answer for token, answer in answers if token != winner]
    assert {answer.status_code for answer in refused} == {409}
    problem = refused[0].json()
    assert problem["type"] == "urn:reviewstream:problem:claimed"
    assert problem["holder"] == name
    assert f"{name} has it, for 15 more minutes" in problem["detail"]
    assert queue(client)[0]["claim"]["holder"] == name


def test_a_claim_of_someone_who_left_ends_by_the_clock_of_redis(
    serve: Serve, client: TestClient, clock: Clock, label_log: LabelLogOfTheShop
) -> None:
    short = serve(label_log=label_log, claim_minutes=0.005, **TOKENS)
    wanted = item(client, "help")
    assert do(short, "claim", wanted).status_code == 200
    clock.now -= timedelta(hours=5)  # what the readers' clocks say does not matter

    eventually(lambda: do(client, "claim", wanted, BEN).status_code == 200)
    assert do(client, "done", wanted, ANNA).status_code == 409


def test_what_is_answered_leaves_the_queue_for_everybody_and_stays_out(
    client: TestClient, serve: Serve, label_log: LabelLogOfTheShop
) -> None:
    other = serve(label_log=label_log, **TOKENS)
    wanted = item(client, "help")
    assert do(client, "claim", wanted).status_code == 200

    assert do(client, "done", wanted).status_code == 204

    assert "help" not in ids(queue(client))
    assert "help" not in ids(queue(other))
    assert do(other, "claim", wanted, BEN).json()["type"] == "urn:reviewstream:problem:not-waiting"
    assert do(other, "done", wanted, BEN).status_code == 404


def test_an_answered_review_that_the_customer_changes_waits_again(client: TestClient, shop: Shop) -> None:
    do(client, "done", item(client, "help"))

    shop.count([written("kettle", False, review_id="help", channel=Channel.SUPPORT, text="Still leaks.")])

    eventually(lambda: "help" in ids(queue(client)))


def test_what_is_handed_back_is_free_for_others(client: TestClient) -> None:
    wanted = item(client, "help")
    do(client, "claim", wanted)

    assert do(client, "hand-back", wanted, BEN).status_code == 409
    assert do(client, "hand-back", wanted).status_code == 204
    assert do(client, "claim", wanted, BEN).json()["holder"] == "ben"


def test_a_label_counts_in_place_of_the_models_and_ends_the_waiting(
    client: TestClient, shop: Shop, label_log: LabelLogOfTheShop
) -> None:
    wanted = item(client, "strong")

    answer = do(client, "relabel", wanted | SURE)

    assert answer.status_code == 200, answer.text
    assert answer.json()["reason"] == "It is irony, write to [email]."
    assert "strong" not in ids(queue(client))
    stored = shop.redis.hgetall(shop.keys.product("kettle"))
    assert (stored[Counter.STRONG_NEGATIVE], stored[Counter.STRONG_POSITIVE]) == ("0", "1")
    [event] = label_log.events
    assert (event.labelled_by, event.labelled_at, event.scored.offset) == ("anna", NOW, 0)


def test_what_somebody_else_has_claimed_cannot_be_labelled(
    client: TestClient, label_log: LabelLogOfTheShop
) -> None:
    wanted = item(client, "strong")
    do(client, "claim", wanted, BEN)

    assert do(client, "relabel", wanted | SURE).json()["holder"] == "ben"
    assert label_log.events == []


def test_a_label_that_kafka_does_not_take_leaves_the_review_waiting(
    client: TestClient, label_log: LabelLogOfTheShop
) -> None:
    label_log.away = True
    wanted = item(client, "strong")

    answer = do(client, "relabel", wanted | SURE)

    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert "strong" in ids(queue(client))


def test_who_said_what_when_and_why_is_told_and_can_be_taken_back(client: TestClient, shop: Shop) -> None:
    do(client, "relabel", item(client, "strong") | SURE)
    wanted = {"product_id": "kettle", "review_id": "strong", "reason": "No irony after all."}

    withdrawn = client.post("/api/v1/labels/withdraw", json=wanted, headers=as_agent(BEN))

    assert withdrawn.status_code == 200, withdrawn.text
    told = client.get("/api/v1/labels", params={"product_id": "kettle"}, headers=as_agent()).json()["labels"]
    assert [(one["op"], one["label"], one["labelled_by"]) for one in told] == [
        ("withdraw", None, "ben"),
        ("label", "positive", "anna"),
    ]
    assert told[1]["model"]["label"] == "negative"
    assert shop.redis.hget(shop.keys.product("kettle"), Counter.STRONG_NEGATIVE) == "1"
    again = client.post("/api/v1/labels/withdraw", json=wanted, headers=as_agent(BEN))
    assert again.status_code == 404


def test_who_only_reads_sees_the_queue_and_changes_nothing(client: TestClient) -> None:
    wanted = item(client, "help")

    assert ids(queue(client, READ))
    for act in ("claim", "done", "hand-back"):
        assert do(client, act, wanted, READ).json()["type"] == "urn:reviewstream:problem:agents-only"
    assert do(client, "relabel", wanted | SURE, READ).status_code == 403
    assert (
        client.get("/api/v1/labels", params={"product_id": "kettle"}, headers=as_agent(READ)).status_code
        == 403
    )


def test_without_kafka_one_can_claim_and_answer_but_not_label(serve: Serve, shop: Shop) -> None:
    shop.count([written("kettle", False, review_id="help")])
    client = serve(**TOKENS)
    wanted = item(client, "help")

    assert (
        do(client, "relabel", wanted | SURE).json()["type"] == "urn:reviewstream:problem:labels-unavailable"
    )
    assert do(client, "done", wanted).status_code == 204


def test_where_labels_are_forgotten_nobody_can_say_what_would_not_count(
    client: TestClient, shop: Shop, label_log: LabelLogOfTheShop
) -> None:
    wanted = item(client, "help")
    shop.redis.hset(shop.keys.offsets(TOPIC), LABEL_RETENTION, "30")

    assert (
        do(client, "relabel", wanted | SURE).json()["type"] == "urn:reviewstream:problem:labels-unavailable"
    )
    assert label_log.events == []


@pytest.mark.parametrize(
    "nonsense",
    [
        {"reason": ""},
        {"reason": "  "},
        {"reason": "x" * 1001},
        {"label": "neutral"},
        {"place": ""},
        {"product_id": "x" * 257},
        {"agent": "ben"},
    ],
)
def test_nonsense_is_refused_with_the_field_that_is_wrong(
    client: TestClient, nonsense: dict[str, str]
) -> None:
    answer = do(client, "relabel", item(client, "help") | SURE | nonsense)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] in nonsense


def test_of_one_product_so_many_wait_and_the_next_follow(serve: Serve, shop: Shop) -> None:
    shop.count([written("kettle", False, review_id=f"r{number}") for number in range(OF_A_PRODUCT + 5)])
    client = serve(**TOKENS)
    assert len(queue(client, limit=100)) == OF_A_PRODUCT

    for _ in range(10):
        first = queue(client, limit=1)[0]
        do(client, "done", {name: first[name] for name in ("product_id", "place")})

    assert len(queue(client, limit=100)) == OF_A_PRODUCT - 5


def test_what_is_done_is_remembered_for_a_bounded_time(
    client: TestClient, redis: Redis, redis_prefix: str
) -> None:
    do(client, "done", item(client, "help"))

    assert 0 < redis.ttl(DeskKeys(redis_prefix).done("kettle")) <= 31 * 86400


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("anna=short", "at least 16"),
        (f"anna={ANNA},anna={BEN}", "each once"),
        (f"admin={ANNA}", "none of read, agent, admin"),
        (f"an na={ANNA}", "letters"),
        (ANNA, "must be like"),
    ],
)
def test_agents_that_make_no_sense_are_refused_without_telling_a_token(value: str, why: str) -> None:
    with pytest.raises(ValidationError, match=why) as refused:
        DashboardSettings(agent_tokens=value)
    assert ANNA not in str(refused.value)


def test_a_page_of_another_site_can_change_nothing(client: TestClient) -> None:
    wanted = item(client, "help")
    headers = as_agent() | {"Sec-Fetch-Site": "cross-site"}

    assert client.post("/api/v1/queue/claim", json=wanted, headers=headers).status_code == 403
    assert client.post("/queue", data={"act": "done", **wanted}, headers=headers).status_code == 403
    assert "help" in ids(queue(client))


def test_the_page_works_without_scripts(client: TestClient) -> None:
    signed_in = client.post("/sign-in", params={"next": "/queue"}, data={"token": ANNA})
    assert "You are <b>anna</b>" in signed_in.text
    wanted = item(client, "help")

    claimed = client.post("/queue", data={"act": "claim", "item": "i1", **wanted})
    assert "It is yours." in claimed.text
    done = client.post("/queue", data={"act": "done", **wanted})
    assert "Answered" in done.text
    wanted = item(client, "strong")
    labelled = client.post(
        "/queue", data={"act": "relabel", "meaning": "positive strong", "reason": "Irony.", **wanted}
    )
    assert "Labelled" in labelled.text
    labels = client.get("/labels", params={"product_id": "kettle"})
    assert "Irony." in labels.text
    back = client.post(
        "/labels", params={"product_id": "kettle"}, data={"review_id": "strong", "reason": "Not irony."}
    )
    assert "Taken back" in back.text


def test_what_cannot_be_done_is_told_above_the_queue(client: TestClient) -> None:
    wanted = item(client, "help")
    do(client, "claim", wanted, BEN)
    client.post("/sign-in", data={"token": ANNA})

    refused = client.post("/queue", data={"act": "done", **wanted})
    assert refused.status_code == 409
    assert "ben has it" in refused.text
    for form in ({"act": "dance"}, {"act": "relabel", "meaning": "x", "reason": "y", **wanted}, {}):
        assert client.post("/queue", data=form).status_code == 422
