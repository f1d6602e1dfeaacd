"""Quix Streams with batches: a ``BatchingSink``, whose chunks are scored when a checkpoint is due.

https://quix.io/docs/quix-streams/connectors/sinks/custom-sinks.html; windows, the other way to batches, keep their state
in RocksDB and a changelog topic and form one batch a key, so they would cost more.
"""

from onnx_model import OnnxModel
from peer import BATCH, GROUP, RAW, SCORED, SERVERS, labelled, to_json
from quixstreams import Application
from quixstreams.sinks.base import BatchingSink, SinkBatch

COMMIT_EVERY = 96
"""Messages of a checkpoint: two full batches of eight from each of six partitions."""


class ScoringSink(BatchingSink):
    """Scores what a checkpoint holds of a partition, and produces it."""

    def __init__(self) -> None:
        super().__init__()
        self._score = OnnxModel()
        self._producer = app.get_producer()

    def write(self, batch: SinkBatch) -> None:
        """All of one partition since the last checkpoint."""
        for chunk in batch.iter_chunks(n=BATCH):
            items = list(chunk)
            scores = self._score([item.value["text"] for item in items])
            for item, score in zip(items, scores, strict=True):
                event = labelled(item.value, "positive" if score >= 0.5 else "negative", score)
                self._producer.produce(SCORED, key=item.key, value=to_json(event))
        self._producer.flush()


app = Application(
    broker_address=SERVERS,
    consumer_group=GROUP,
    auto_offset_reset="earliest",
    commit_every=COMMIT_EVERY,
    loglevel="WARNING",
)
app.dataframe(app.topic(RAW, value_deserializer="json")).sink(ScoringSink())
app.run()
