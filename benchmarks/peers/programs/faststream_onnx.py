"""FastStream: a batch subscriber and a batch publisher.

https://faststream.ag2.ai/latest/confluent/Subscriber/batch_subscriber/ and
https://faststream.ag2.ai/latest/confluent/Publisher/batch_publisher/. The function is a plain one, so FastStream runs it in
a thread and its loop goes on meanwhile.
"""

import asyncio
import logging
from typing import Any

from faststream import FastStream
from faststream.confluent import KafkaBroker
from onnx_model import OnnxModel
from peer import BATCH, GROUP, RAW, SCORED, SERVERS, labelled
from pydantic import BaseModel

broker = KafkaBroker(SERVERS, log_level=logging.WARNING)
app = FastStream(broker)
model = OnnxModel()


class Review(BaseModel):
    """What is read of an event."""

    review_id: str
    product_id: str
    text: str


@broker.publisher(SCORED, batch=True)
@broker.subscriber(RAW, group_id=GROUP, auto_offset_reset="earliest", batch=True, max_records=BATCH)
def score(reviews: list[Review]) -> tuple[dict[str, Any], ...]:
    """One batch."""
    scores = model([review.text for review in reviews])
    return tuple(
        labelled(review.model_dump(), "positive" if score >= 0.5 else "negative", score)
        for review, score in zip(reviews, scores, strict=True)
    )


asyncio.run(app.run())
