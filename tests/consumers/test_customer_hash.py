"""What becomes of a customer's id before anything is published."""

import re

import pytest
from pydantic import SecretStr, ValidationError

from consumers.customer_hash import customer_hash
from schemas.events import CUSTOMER_HASH_PATTERN, ReviewEvent
from schemas.settings import ScorerSettings

KEY = SecretStr("a key of a shop, kept secret")


def test_it_is_the_beginning_of_hmac_sha256() -> None:
    # printf anna@example.com | openssl dgst -sha256 -hmac 'a key of a shop, kept secret'
    assert customer_hash(KEY)("anna@example.com") == "30ab1cb2300548f7af1804fe3c14a94c"


def test_it_is_the_same_for_the_same_customer_and_another_under_another_key() -> None:
    again, other = customer_hash(KEY), customer_hash(SecretStr("another key of the shop"))

    assert customer_hash(KEY)("ünï\n") == again("ünï\n")
    assert again("anna") not in (again("ben"), other("anna"))
    assert re.fullmatch(CUSTOMER_HASH_PATTERN, str(other("anna")))


def test_without_a_key_every_customer_is_dropped_and_without_a_customer_nothing_is_hashed() -> None:
    assert customer_hash(None)("anna") is None
    assert customer_hash(KEY)(None) is None


def test_an_event_that_is_printed_does_not_name_the_customer() -> None:
    event = ReviewEvent(review_id="r1", product_id="kettle", text="It leaks.", customer_id="anna@example.com")

    assert "anna" not in f"{event} {event!r}"


def test_a_key_that_could_be_guessed_is_refused_and_none_is_shown() -> None:
    with pytest.raises(ValidationError, match="at least 16"):
        ScorerSettings(customer_key=SecretStr("short"))
    assert "secret" not in repr(ScorerSettings(customer_key=KEY))
