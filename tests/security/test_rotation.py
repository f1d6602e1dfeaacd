"""A process that was let in once takes a refusal for an outage: passwords are changed while it runs."""

from collections.abc import Callable

import pytest
from commands import PASSWORD, AsUser
from kafka import KafkaAdminClient
from kafka.errors import KafkaError
from secured_kafka import SecuredKafka
from waiting import eventually

from schemas.errors import ConfigurationError
from schemas.settings import KafkaSettings

USER = "rotated"


def test_a_refusal_after_the_first_welcome_is_logged_and_forgotten_once_it_is_mended(
    secured: SecuredKafka, as_user: AsUser, caplog: pytest.LogCaptureFixture
) -> None:
    secured.add_users({USER: PASSWORD})
    settings = KafkaSettings(**as_user(USER))
    eventually(lambda: let_in(lambda: KafkaAdminClient(**settings.client_config()).close()))

    with KafkaAdminClient(**settings.client_config()) as client:
        client.list_topics()

        def ask_anew() -> None:
            client._client.close(0)  # as a broker does that restarts
            client.list_topics()

        secured.add_users({USER: "another"})
        eventually(lambda: not let_in(ask_anew))
        assert "has let us in before, but now" in caplog.text
        assert "does not take this user and password" in caplog.text
        secured.add_users({USER: PASSWORD})
        eventually(lambda: let_in(ask_anew))

    assert PASSWORD not in caplog.text


def let_in(action: Callable[[], object]) -> bool:
    try:
        action()
    except (KafkaError, ConfigurationError):
        return False
    return True
