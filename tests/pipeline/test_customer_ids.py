"""A customer's id goes into the scorer and does not come out, on a real Kafka."""

import json
import logging

import pytest
from jobs import run_scorer
from pydantic import SecretStr
from raw_topics import Raw, Topics, review, scored_of

from consumers.customer_hash import customer_hash

ANNA = "anna@example.com"
KEY = SecretStr("a key of the tests, 16 characters and more")


def test_only_a_keyed_hash_of_the_customer_is_published_and_nothing_is_logged(
    topics: Topics, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.INFO, "kafka.protocol.parser")  # as the command does
    bad = {"review_id": "r2", "product_id": "kettle", "customer_id": ANNA, "rating": 9}
    long = {"review_id": "r3", "product_id": "kettle", "text": "x", "customer_id": ANNA * 40}
    sent = [
        review("r1", customer_id=ANNA, campaign_id="summer"),
        json.dumps(bad).encode(),
        json.dumps(long).encode(),
    ]

    with run_scorer(topics.settings(customer_key=KEY)):
        topics.publish(*(Raw(value, partition=0) for value in sent))
        found = topics.outcomes.until(3)

    (scored,) = scored_of(record for record in found if record.topic == topics.scored)
    assert (scored.customer_hash, scored.campaign_id) == (customer_hash(KEY)(ANNA), "summer")
    letters = [record for record in found if record.topic == topics.dead_letters]
    assert [letter.value for letter in letters] == sent[1:]  # their own bytes, by contract
    told = [*(letter.headers for letter in letters), scored.to_json(), caplog.text]
    assert "anna" not in str(told)


def test_without_a_key_customers_are_dropped_and_that_is_said_once(
    topics: Topics, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    with run_scorer(topics.settings()):
        topics.publish(*(Raw(review(f"r{number}", customer_id=ANNA), partition=0) for number in range(3)))
        found = topics.outcomes.until(3)

    assert [scored.customer_hash for scored in scored_of(found)] == [None] * 3
    assert caplog.text.count("ids of customers are dropped") == 1
