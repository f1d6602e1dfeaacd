"""infinity_emb in the process of a consumer: its engine sorts and batches what waits, https://michaelfeil.eu/infinity/latest/python_engine/."""

import asyncio
import json

from confluent_kafka import Consumer, Producer
from infinity_emb import AsyncEmbeddingEngine, EngineArgs
from peer import BATCH, GROUP, MODEL, RAW, SCORED, SERVERS, labelled, to_json

WAITING = 64
"""Reviews handed over at a time, several batches, so that the engine has lengths to sort."""


async def main() -> None:
    """Until it is ended."""
    engine = AsyncEmbeddingEngine.from_args(
        EngineArgs(
            model_name_or_path=MODEL, engine="torch", device="cpu", batch_size=BATCH, model_warmup=False
        )
    )
    consumer = Consumer({"bootstrap.servers": SERVERS, "group.id": GROUP, "auto.offset.reset": "earliest"})
    producer = Producer({"bootstrap.servers": SERVERS})
    consumer.subscribe([RAW])
    async with engine:
        while True:
            messages = [message for message in consumer.consume(WAITING, timeout=0.1) if not message.error()]
            if not messages:
                continue
            reviews = [json.loads(message.value()) for message in messages]
            results, _ = await engine.classify(sentences=[review["text"] for review in reviews])
            for message, review, result in zip(messages, reviews, results, strict=True):
                best = max(result, key=lambda one: one["score"])
                event = labelled(review, best["label"], float(best["score"]))
                producer.produce(SCORED, key=message.key(), value=to_json(event))
            producer.poll(0)


asyncio.run(main())
