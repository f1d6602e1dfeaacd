"""The consumer of the tutorials: poll, call the pipeline, produce.

Loop: https://docs.confluent.io/kafka-clients/python/current/overview.html; batches of the pipeline:
https://huggingface.co/docs/transformers/main_classes/pipelines#pipeline-batching.
"""

import json

from confluent_kafka import Consumer, Producer
from peer import BATCH, GROUP, MAX_LENGTH, MODEL, RAW, SCORED, SERVERS, labelled, to_json
from transformers import pipeline


def main() -> None:
    """Until it is ended."""
    classify = pipeline("text-classification", model=MODEL, device="cpu")
    consumer = Consumer({"bootstrap.servers": SERVERS, "group.id": GROUP, "auto.offset.reset": "earliest"})
    producer = Producer({"bootstrap.servers": SERVERS})
    consumer.subscribe([RAW])
    while True:
        messages = [message for message in consumer.consume(BATCH, timeout=0.1) if not message.error()]
        if not messages:
            continue
        reviews = [json.loads(message.value()) for message in messages]
        texts = [review["text"] for review in reviews]
        results = classify(texts, batch_size=BATCH, truncation=True, max_length=MAX_LENGTH)
        for message, review, result in zip(messages, reviews, results, strict=True):
            event = labelled(review, result["label"], result["score"])
            producer.produce(SCORED, key=message.key(), value=to_json(event))
        producer.poll(0)


main()
