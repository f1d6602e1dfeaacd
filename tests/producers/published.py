"""What the tests of publishing read back."""

from typing import Any

from kafka import KafkaConsumer, TopicPartition


def records_of(bootstrap_servers: str, topic: str) -> list[Any]:
    """All records of a topic, each partition's in its order."""
    with KafkaConsumer(bootstrap_servers=bootstrap_servers, enable_auto_commit=False) as consumer:
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
        ends = consumer.end_offsets(partitions)
        consumer.assign(partitions)
        consumer.seek_to_beginning()
        records = []
        while any(consumer.position(partition) < ends[partition] for partition in partitions):
            for batch in consumer.poll(timeout_ms=1000).values():
                records += batch
        return records
