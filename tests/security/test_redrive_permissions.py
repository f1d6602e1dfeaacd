"""What docs/security.md gives to those who look at dead letters and put them back is enough, and none of it is idle."""

from uuid import uuid4

import pytest
from commands import AsUser, Run
from permissions import Permission, kafka_permissions
from raw_topics import Raw, Topics, review
from refused import copies, refuse, settle
from secured_kafka import SecuredKafka

from schemas.errors import ConfigurationError

NEEDED = [one for one in kafka_permissions() if one.user in {"reviewstream-dlq", "reviewstream-redrive"}]


@pytest.fixture
def letter(topics: Topics) -> str:
    """Where a dead letter stands that may go back."""
    (place,) = refuse(topics, Raw(review(f"waiting-{uuid4()}")))
    topics.publish(Raw(review("behind")))  # a redrive looks at what stands behind a letter
    return f"{place.partition}:{place.offset}"


def test_a_letter_is_seen_and_put_back(run: Run, as_user: AsUser, topics: Topics, letter: str) -> None:
    assert "model_error" in run(as_user("reviewstream-dlq"), "dlq").said
    assert "1 put back" in run(as_user("reviewstream-redrive"), "redrive", letter, "--yes").said
    settle(topics)


@pytest.mark.parametrize("missing", NEEDED, ids=str)
def test_a_missing_permission_is_named_and_puts_nothing_back(
    run: Run, as_user: AsUser, secured: SecuredKafka, topics: Topics, letter: str, missing: Permission
) -> None:
    before = len(copies(topics))
    job = missing.user.removeprefix("reviewstream-")

    with secured.without(missing):
        outcome = run(as_user(missing.user), job, *([letter, "--yes"] if job == "redrive" else []))

    assert outcome.exit_code == ConfigurationError.exit_code, outcome.said
    assert "docs/security.md" in outcome.said
    settle(topics)
    assert len(copies(topics)) == before
