"""What hypothesis draws for the tests of events: valid ones, and JSON of any shape."""

import json
from datetime import datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from schemas.events import (
    Channel,
    Intensity,
    Label,
    ModelReference,
    Op,
    ReviewEvent,
    ScoredReview,
    Sentiment,
    SourceRecord,
)

floats = st.floats(allow_nan=False, allow_infinity=False)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | floats | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)

ALMOST_A_DAY = timedelta(hours=23, minutes=59, seconds=59)
"""The widest offset that Python takes; offsets with seconds are what old zones have."""

review_ids = st.text(min_size=1, max_size=40)
product_ids = review_ids.filter(lambda text: not text.startswith("}"))
instants = st.datetimes(
    min_value=datetime(2, 1, 1),  # noqa: DTZ001 -- hypothesis adds the zone
    max_value=datetime(9998, 1, 1),  # noqa: DTZ001
    timezones=st.timedeltas(-ALMOST_A_DAY, ALMOST_A_DAY).map(timezone),
)
languages = st.sampled_from(["en", "pt-BR", "zh-Hant-TW", "DE-1996", "sgn-BE-FR", "qaa-x-a-b-c"])
probabilities = st.floats(min_value=0, max_value=1)

sentiments = st.builds(
    Sentiment,
    label=st.sampled_from(Label),
    score=probabilities,
    intensity=st.sampled_from(Intensity),
    intensity_score=probabilities,
    confidence=probabilities,
    needs_review=st.booleans(),
)


@st.composite
def review_fields(draw: st.DrawFn) -> dict[str, Any]:
    op = draw(st.sampled_from(Op))
    return {
        "review_id": draw(review_ids),
        "product_id": draw(product_ids),
        "op": op,
        "channel": draw(st.sampled_from(Channel)),
        "text": draw(st.text(min_size=1)) if op is Op.UPSERT else None,
        "rating": draw(st.none() | st.floats(min_value=1, max_value=5)),
        "language": draw(st.none() | languages),
        "campaign_id": draw(st.none() | review_ids),
    }


@st.composite
def review_events(draw: st.DrawFn) -> ReviewEvent:
    return ReviewEvent(
        **draw(review_fields()),
        created_at=draw(st.none() | instants),
        customer_id=draw(st.none() | review_ids),
    )


@st.composite
def scored_reviews(draw: st.DrawFn) -> ScoredReview:
    fields = draw(review_fields())
    return ScoredReview(
        **fields,
        created_at=draw(instants),
        customer_hash=draw(st.none() | st.text("0123456789abcdef", min_size=32, max_size=32)),
        sentiment=draw(sentiments) if fields["op"] is Op.UPSERT else None,
        model=ModelReference(name=draw(st.text()), version=draw(st.text())),
        source=SourceRecord(
            topic=draw(st.text()),
            partition=draw(st.integers(0, 2**31 - 1)),
            offset=draw(st.integers(0, 2**63 - 1)),
        ),
        scored_at=draw(instants),
    )


@st.composite
def mutations(draw: st.DrawFn, events: st.SearchStrategy[ReviewEvent | ScoredReview]) -> dict[str, Any]:
    """A valid event's JSON with one field, perhaps a nested one, dropped or set to something else."""
    document: dict[str, Any] = json.loads(draw(events).to_json())
    place = document
    while True:
        name = draw(st.sampled_from(sorted(place)))
        if not isinstance(place[name], dict) or draw(st.booleans()):
            break
        place = place[name]
    if draw(st.booleans()):
        place[name] = draw(json_values | _near_misses)
    else:
        del place[name]
    return document


_near_misses = st.sampled_from(
    [
        *(
            "",
            "}",
            "x",
            "en_GB",
            "en",
            "upsert",
            "delete",
            "review",
            "positive",
            "weak",
            "x" * 256,
            "x" * 257,
        ),
        *(
            True,
            False,
            0,
            1,
            2,
            -1,
            1.0,
            -0.0,
            5,
            6,
            0.5,
            1.5,
            5.5,
            2**31 - 1,
            2**31,
            2**63 - 1,
            2**63,
            10**30,
        ),
        *("2024-02-29T12:00:00Z", "2024-02-29 12:00+0100", "2024-02-29", 1700000000, "1700000000", [], {}),
        *("2024-02-29_12:00:00Z", "2024-02-29T12:00:00", "2024-02-29T12:00:00\u221201:00"),
    ]
)
