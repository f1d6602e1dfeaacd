"""The topic of labels as a dashboard uses it: publishes one, and knows those that were published."""

import logging
import threading
from collections import deque
from collections.abc import Callable

from kafka import KafkaProducer
from kafka.errors import KafkaError

from consumers.publish import producer_config, raise_if_hopeless
from consumers.topic_reader import open_reader
from schemas.codec import decode_label
from schemas.errors import InvalidEvent, ReviewStreamError, ServerUnavailable
from schemas.labels import ReviewLabel
from schemas.settings import KafkaSettings

log = logging.getLogger(__name__)

PUBLISH_DEADLINE_S = 10.0
"""A person waits for it."""

MOST_KEPT = 50_000
"""Latest labels held in memory, about 1 kB each; older ones stand in the topic."""

RETRY_PAUSE_S = 5.0


class KafkaLabelLog:
    """Connects when it is first needed. ``run`` follows the topic, in a thread of its own, until ``close``."""

    def __init__(
        self, settings: KafkaSettings, make_producer: Callable[..., KafkaProducer] = KafkaProducer
    ) -> None:
        self.trouble: str | None = "not read yet"
        """Why the history may lack something, if it may."""
        self._settings = settings.model_copy(update={"outage_deadline": PUBLISH_DEADLINE_S})
        self._make_producer = make_producer
        self._producer: KafkaProducer | None = None
        self._publishing = threading.Lock()
        self._closed = threading.Event()
        self._events: deque[ReviewLabel] = deque(maxlen=MOST_KEPT)

    def publish(self, event: ReviewLabel) -> None:
        """Return once Kafka has stored it.

        Raises:
            ConfigurationError: Kafka refuses us; no retry can help.
            ServerUnavailable: Kafka did not take it in time; it may have taken it all the same.
        """
        try:
            with self._publishing:
                if self._producer is None:
                    self._producer = self._make_producer(
                        **producer_config(self._settings, "reviewstream-desk")
                    )
                sent = self._producer.send(
                    self._settings.labels_topic, event.to_json(), event.product_id.encode()
                )
                sent.get(timeout=PUBLISH_DEADLINE_S)
        except KafkaError as error:
            raise_if_hopeless(error)
            raise ServerUnavailable(f"the label could not be published: {error!r}") from error

    def history(self, product_id: str, review_id: str | None = None) -> list[ReviewLabel]:
        """What people said of a product, or of one review, latest first."""
        return [
            event
            for event in reversed(list(self._events))
            if event.product_id == product_id and review_id in (None, event.review_id)
        ]

    def run(self) -> None:
        """Follow the topic."""
        while not self._closed.is_set():
            try:
                self._follow()
            except (ReviewStreamError, KafkaError, OSError) as error:
                log.warning("%s: %s", self._settings.labels_topic, error)
                self.trouble = str(error)
                self._closed.wait(RETRY_PAUSE_S)

    def close(self) -> None:
        """End ``run`` and the connections."""
        self._closed.set()
        if self._producer is not None:
            self._producer.close(timeout=1)

    def _follow(self) -> None:
        with open_reader(self._settings, self._settings.labels_topic) as reader:
            self._events.clear()
            reader.seek(reader.starts())
            ends = reader.ends()
            while not self._closed.is_set():
                for record in reader.poll():
                    try:
                        self._events.append(decode_label(record.value))
                    except InvalidEvent:
                        continue  # the aggregator has dead-lettered it
                if self.trouble and all(reader.position(part) >= end for part, end in ends.items()):
                    self.trouble = None
                reader.take_up_new_partitions()
