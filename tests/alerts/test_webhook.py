"""An alert is signed as Standard Webhooks asks, goes where it should and nowhere else, and its failures tell no secret."""

import base64
import hashlib
import hmac
import socket

import pytest
from receiver import Receiver, receiving
from watching import KEY

from alerts.webhook import Webhook, signature
from schemas.errors import DeliveryFailed

BODY = '{"type":"alert.opened"}'


def webhook(url: str, timeout_s: float = 5) -> Webhook:
    return Webhook(url, [KEY], timeout_s, lambda: 1_774_699_200.9)


def test_the_signature_is_the_one_of_the_published_example() -> None:
    # https://docs.svix.com/receiving/verifying-payloads/how-manual
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

    header = signature([key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}')

    assert header == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_each_key_signs_so_that_a_receiver_can_change_its_own() -> None:
    new, old = signature([b"new", b"old"], "id", 1, b"body").split(" ")

    assert [new, old] == [signature([b"new"], "id", 1, b"body"), signature([b"old"], "id", 1, b"body")]


def test_a_receiver_can_check_who_sent_it_and_when(receiver: Receiver) -> None:
    webhook(receiver.url).send("incident_1", BODY)

    (got,) = receiver.received
    assert got.body.decode() == BODY
    assert got.headers["content-type"] == "application/json"
    signed = f"incident_1.1774699200.{BODY}".encode()
    expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    sent = (got.message_id, got.headers["webhook-timestamp"], got.headers["webhook-signature"])
    assert sent == ("incident_1", "1774699200", f"v1,{expected}")


@pytest.mark.parametrize("status", [200, 202, 204])
def test_any_2xx_is_a_delivery(status: int, receiver: Receiver) -> None:
    receiver.answers = [status]

    webhook(receiver.url).send("incident_1", BODY)

    assert receiver.ids == ["incident_1"]


@pytest.mark.parametrize("status", [400, 401, 410, 429, 500, 503])
def test_anything_else_is_none(status: int, receiver: Receiver) -> None:
    receiver.answers = [status]

    with pytest.raises(DeliveryFailed, match=f"it answered {status}"):
        webhook(receiver.url).send("incident_1", BODY)


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    with receiving() as elsewhere:
        receiver.answers, receiver.location = [307], elsewhere.url

        with pytest.raises(DeliveryFailed, match="it answered 307"):
            webhook(receiver.url).send("incident_1", BODY)

        assert elsewhere.received == []


def test_a_receiver_that_says_nothing_is_waited_for_only_so_long() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(DeliveryFailed, match="timed out"):
        webhook(f"http://127.0.0.1:{silent.getsockname()[1]}/", timeout_s=0.1).send("incident_1", BODY)


def test_a_failure_tells_neither_address_nor_key() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        closed = taken.getsockname()[1]

    with pytest.raises(DeliveryFailed, match="refused") as failed:
        webhook(f"http://127.0.0.1:{closed}/a-secret-path").send("incident_1", BODY)

    assert "a-secret-path" not in str(failed.value)
    assert KEY.decode() not in str(failed.value)
