"""Whether the topics exist and this user may do with them what its process does, asked before anything is started."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Literal

from kafka import KafkaAdminClient
from kafka.errors import (
    KafkaError,
    NoError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)

from schemas.answers import answered
from schemas.errors import ConfigurationError, MissingTopic, ServerUnavailable
from schemas.refusals import WHERE_PERMISSIONS_STAND, raise_if_refused
from schemas.settings import KafkaSettings

Operation = Literal["READ", "WRITE"]
"""As Kafka names it in access control lists."""


@contextmanager
def admin(settings: KafkaSettings) -> Iterator[KafkaAdminClient]:
    """A connected admin client.

    Raises:
        ConfigurationError: Kafka refuses us.
        ServerUnavailable: no broker answered within the outage deadline.
    """
    try:
        client = KafkaAdminClient(**settings.client_config(), client_id="reviewstream-admin")
    except KafkaError as error:
        raise ServerUnavailable(
            f"no Kafka broker answers at {settings.bootstrap_servers}: {error}; "
            "are address and protocol right (--bootstrap-servers, --security-protocol)?"
        ) from error
    with closing(client):
        yield client


def require_topics(settings: KafkaSettings, needed: Mapping[str, Operation]) -> None:
    """Refuse to start where a topic is missing, or where a permission is: it might be needed only much later.

    Args:
        settings: where Kafka is and who we are.
        needed: what this process does with each topic.

    Raises:
        MissingTopic: with the command that creates them.
        ConfigurationError: Kafka refuses us, or denies a permission.
        ServerUnavailable: no broker answered within the outage deadline.
    """
    missing, denied = [], []
    with admin(settings) as client:
        described = answered(
            lambda: client.describe_topics(list(needed)),
            ", ".join(needed),
            deadline_s=settings.outage_deadline,
        )
    for topic in described:
        name, error = topic["name"], for_code(topic["error_code"])
        # A broker that checks no permissions grants all of them; None comes from one that cannot tell.
        granted = topic["authorized_operations"]
        if error is UnknownTopicOrPartitionError:
            missing.append(name)
        elif error is TopicAuthorizationFailedError or (granted is not None and needed[name] not in granted):
            denied.append(f"{needed[name].title()} on {name}")
        elif error is not NoError:
            raise_if_refused(error(name))
            raise ServerUnavailable(f"Kafka cannot say anything about {name}: {error.__name__}")
    if denied:
        user = settings.sasl_username or "this client"
        raise ConfigurationError(f"Kafka denies {user}: {', '.join(denied)}; {WHERE_PERMISSIONS_STAND}")
    if missing:
        raise MissingTopic(f"missing: {', '.join(missing)}; create the topics with: reviewstream init")
