"""A flood of bad records stops the process that users run, and costs nothing but the stop."""

from collections.abc import Callable

from jobs import Job
from raw_topics import Raw, Topics, review, sources_of

from schemas.errors import DeadLetterFlood

WINDOW = 50


def test_a_flood_ends_the_scorer_with_its_exit_code_and_a_start_without_limit_loses_nothing(
    topics: Topics, start_job: Callable[..., Job]
) -> None:
    places = topics.publish(Raw(review("good")), *[Raw(b"bad")] * (3 * WINDOW), Raw(review("good")))
    limits = {"flood_window": str(WINDOW), "flood_limit": "0.9", "batch_size": "20"}

    stopped = start_job("score", **topics.environment(**limits, provider="cpu"))
    assert stopped.wait(120) == DeadLetterFlood.exit_code, stopped.log
    assert "REVIEWSTREAM_FLOOD_LIMIT=1" in stopped.log
    before = sources_of(topics.outcomes.all())
    calm = start_job("score", **topics.environment(**limits | {"flood_limit": "1"}, provider="cpu"))
    topics.outcomes.until(len(places), timeout=120)

    assert before == places[: len(before)]
    assert len(before) < WINDOW
    assert sources_of(topics.outcomes.all()) == places
    assert calm.stop() == 0
