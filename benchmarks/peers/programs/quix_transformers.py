"""Quix Streams: a function applied to each message, as https://quix.io/docs/quix-streams/processing.html has it."""

from typing import Any

from peer import GROUP, MAX_LENGTH, MODEL, RAW, SCORED, SERVERS, labelled
from quixstreams import Application
from transformers import pipeline

classify = pipeline("text-classification", model=MODEL, device="cpu")


def score(review: dict[str, Any]) -> dict[str, Any]:
    """One review."""
    [result] = classify([review["text"]], truncation=True, max_length=MAX_LENGTH)
    return labelled(review, result["label"], result["score"])


app = Application(
    broker_address=SERVERS, consumer_group=GROUP, auto_offset_reset="earliest", loglevel="WARNING"
)
reviews = app.dataframe(app.topic(RAW, value_deserializer="json"))
reviews.apply(score).to_topic(app.topic(SCORED, value_serializer="json"))
app.run()
