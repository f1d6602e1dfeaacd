"""The dashboard does its whole job with what docs/security.md gives its user, and writes nothing."""

import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from commands import AsUser
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata
from labelled import judged, labelled
from permissions import redis_permissions
from raw_topics import Topics
from redis import Redis
from redis.exceptions import NoPermissionError
from secured_redis import SecuredRedis
from shop import written
from starlette.testclient import TestClient
from waiting import eventually

from consumers.aggregate.contribution import Contribution
from consumers.aggregate.negatives import list_entry
from consumers.labels.log import KafkaLabelLog
from dashboard.app import create_app
from dashboard.kafka_state import ask_kafka
from dashboard.refused import LetterWatch
from schemas.dashboard_settings import DashboardSettings
from schemas.events import Channel
from schemas.redis_keys import Ranking, ViewKeys, campaign_member, strong_negative_member
from schemas.settings import KafkaSettings

USER = "reviewstream-serve"
NOW = datetime(2026, 3, 28, 12, tzinfo=UTC)
PATHS = (
    "products",
    "counts",
    "days",
    "negatives",
    "compare",
    "overview",
    "pipeline",
    "incidents",
    "queue",
    "campaigns",
    "campaign",
    "customers-at-risk",
    "brand",
    "products.csv",
    "days.csv",
)


@pytest.fixture
def settings(guarded: SecuredRedis, authority: Any) -> DashboardSettings:
    keys = ViewKeys()
    with guarded.admin() as redis:
        redis.hset(keys.product("kettle"), mapping={"reviews": 1, "positive": 1, "score_sum": "0.900000"})
        redis.hset(f"{keys.product('kettle')}:day:2026-03-28", mapping={"reviews": 1, "positive": 1})
        redis.zadd(keys.ranking(Ranking.REVIEWS), {"kettle": 1})
        redis.hset(keys.ranking_revisions(Ranking.REVIEWS), "kettle", 1)
        redis.hset(keys.counts("kettle", Channel.AD, None, "summer"), mapping={"reviews": 1, "positive": 1})
        redis.zadd(keys.campaigns, {"summer": 0})
        redis.zadd(keys.campaign("summer"), {campaign_member(Channel.AD, "kettle"): 0})
        redis.zadd(keys.customers, {"a" * 32: 20_540})
        redis.zadd(
            keys.customer("a" * 32), {strong_negative_member("kettle", f"r{row}"): 20_540 for row in range(3)}
        )
    return DashboardSettings(
        redis_url=guarded.url(USER), redis_password=guarded.password, redis_ssl_cafile=authority.certificate
    )


def test_every_answer_is_given(settings: DashboardSettings) -> None:
    with TestClient(create_app(settings, clock=lambda: NOW), base_url="http://localhost") as client:
        client.portal.call(client.app.state.services.watcher.settled)
        answers = {
            path: client.get(f"/api/v1/{path}", params={"product_id": "kettle", "campaign_id": "summer"})
            for path in PATHS
        }

        assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(PATHS, 200)
        assert answers["overview"].json()["now"]["reviews"] == 1
        assert answers["campaigns"].json()["total"] == 1
        assert answers["customers-at-risk"].json()["total"] == 1


def test_agents_can_claim_hand_back_and_answer_and_nothing_else_is_written(
    settings: DashboardSettings, guarded: SecuredRedis
) -> None:
    keys, review = ViewKeys(), written("kettle", False)
    entry, said = list_entry(review, "reviews.scored", 0, 0), Contribution.of(review)
    assert entry
    assert said
    with guarded.admin() as redis:
        redis.lpush(keys.negatives("kettle"), entry)
        redis.hset(keys.labels("kettle"), review.review_id, said.encode())
    agents = settings.model_copy(update={"redis_url": guarded.url("reviewstream-serve-agents")})
    with TestClient(create_app(agents, clock=lambda: NOW), base_url="http://localhost") as client:
        client.portal.call(client.app.state.services.watcher.settled)
        assert client.get("/api/v1/queue").json()["waiting"] == 1
        wanted = {"product_id": "kettle", "place": "reviews.scored:0:0"}
        answers = [
            client.post(f"/api/v1/queue/{act}", json=wanted)
            for act in ("claim", "hand-back", "claim", "done")
        ]
    assert [answer.status_code for answer in answers] == [200, 204, 200, 204]
    with Redis.from_url(**agents.redis_config()) as redis, pytest.raises(NoPermissionError):
        redis.set(keys.product("kettle"), "7")


def test_the_user_can_write_nothing(settings: DashboardSettings) -> None:
    assert "~reviewstream:*" not in redis_permissions()[USER]
    with Redis.from_url(**settings.redis_config()) as redis:
        for script in ("redis.call('HSET', KEYS[1], 'reviews', 7)", "redis.call('DEL', KEYS[1])"):
            with pytest.raises(NoPermissionError):
                redis.eval(script, 1, ViewKeys().product("kettle"))


def test_kafka_says_how_far_the_groups_are_behind(as_user: AsUser, topics: Topics) -> None:
    with KafkaProducer(bootstrap_servers=topics.servers) as producer:
        for name in ("kettle", "pan"):
            producer.send("reviews.scored", written(name).to_json(), name.encode(), partition=0).get(30)
    with KafkaConsumer(bootstrap_servers=topics.servers, group_id="reviewstream-aggregator") as consumer:
        place = TopicPartition("reviews.scored", 0)
        consumer.assign([place])
        end = consumer.end_offsets([place])[place]
        consumer.commit({place: OffsetAndMetadata(end - 1, "", -1)})

    settings = KafkaSettings(**as_user(USER))
    answer = ask_kafka(
        settings,
        {"reviewstream-scorer": "reviews.raw", "reviewstream-aggregator": "reviews.scored"},
        LetterWatch(settings),
    )

    behind = {lag.group: lag.records for lag in answer.lags}
    assert behind["reviewstream-aggregator"] is not None
    assert behind["reviewstream-aggregator"] >= 1
    assert answer.model is not None
    assert answer.model.name == "test"
    assert answer.letters is not None


@pytest.mark.usefixtures("topics")
def test_agents_can_label_and_see_who_did(as_user: AsUser) -> None:
    said = judged(labelled("r1"))
    log = KafkaLabelLog(KafkaSettings(**as_user(USER)))
    follower = threading.Thread(target=log.run, daemon=True)
    follower.start()
    try:
        log.publish(said)
        eventually(lambda: said in log.history("kettle"))
    finally:
        log.close()
        follower.join(60)
