"""The embedded Kafka and Valkey are real: they answer real clients, keep their data, and fail like servers do."""

from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from redis import Redis

from embedded import KafkaCluster, ValkeyServer
from schemas.errors import StackError


def create_topic(cluster: KafkaCluster, topic: str) -> None:
    with KafkaAdminClient(bootstrap_servers=cluster.bootstrap_servers) as admin:
        admin.create_topics({topic: {"num_partitions": 1}}, wait_for_metadata=True)


def produce(cluster: KafkaCluster, topic: str, value: bytes) -> None:
    with KafkaProducer(bootstrap_servers=cluster.bootstrap_servers, acks="all") as producer:
        producer.send(topic, value).get(60)


def consume(cluster: KafkaCluster, topic: str) -> bytes:
    """The first record of the topic."""
    with KafkaConsumer(bootstrap_servers=cluster.bootstrap_servers, consumer_timeout_ms=60_000) as consumer:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        consumer.seek_to_beginning(partition)
        return next(consumer).value


def test_kafka_delivers_a_record(kafka: KafkaCluster, unique_name: str) -> None:
    create_topic(kafka, unique_name)
    produce(kafka, unique_name, b"good value")

    assert consume(kafka, unique_name) == b"good value"


def test_kafka_makes_no_topic_that_nobody_asked_for(kafka: KafkaCluster, unique_name: str) -> None:
    with KafkaConsumer(unique_name, bootstrap_servers=kafka.bootstrap_servers) as consumer:
        consumer.poll(timeout_ms=500)

        assert unique_name not in consumer.topics()


def test_a_killed_broker_comes_back_with_its_data_on_its_port() -> None:
    with KafkaCluster() as cluster:
        address = cluster.bootstrap_servers
        create_topic(cluster, "reviews")
        produce(cluster, "reviews", b"kept")

        cluster.kill(0)
        cluster.start_broker(0)

        assert cluster.bootstrap_servers == address
        assert consume(cluster, "reviews") == b"kept"


def test_a_given_data_folder_carries_topics_from_one_cluster_to_the_next(tmp_path: Path) -> None:
    with KafkaCluster(data_dir=tmp_path) as cluster:
        create_topic(cluster, "reviews")
        produce(cluster, "reviews", b"kept")

    with KafkaCluster(data_dir=tmp_path) as cluster:
        assert consume(cluster, "reviews") == b"kept"


def test_three_brokers_keep_a_record_that_two_of_them_confirmed_when_one_is_killed() -> None:
    with KafkaCluster(brokers=3) as cluster:
        create_topic(cluster, "reviews")
        with KafkaAdminClient(bootstrap_servers=cluster.bootstrap_servers) as admin:
            (topic,) = admin.describe_topics(["reviews"])
        (partition,) = topic["partitions"]
        assert sorted(partition["replica_nodes"]) == [0, 1, 2]
        produce(cluster, "reviews", b"kept")

        cluster.kill(partition["leader_id"])

        assert consume(cluster, "reviews") == b"kept"


def test_a_setting_that_kafka_refuses_is_reported_in_its_words() -> None:
    with pytest.raises(StackError, match=r"Invalid value nonsense for configuration process\.roles"):
        KafkaCluster(settings={"process.roles": "nonsense"}).start()


def test_valkey_counts(valkey: ValkeyServer, redis_prefix: str) -> None:
    with Redis.from_url(valkey.url) as redis:
        assert redis.hincrby(f"{redis_prefix}counts", "positive", 2) == 2


def test_valkey_with_an_append_only_file_keeps_counts_over_a_restart() -> None:
    with ValkeyServer(appendonly=True) as server, Redis.from_url(server.url) as redis:
        redis.incrby("count", 41)
        server.restart()

        assert redis.incr("count") == 42


def test_valkey_with_an_append_only_file_keeps_counts_when_it_is_killed() -> None:
    with ValkeyServer(appendonly=True) as server, Redis.from_url(server.url) as redis:
        redis.incrby("count", 41)
        server.kill()
        server.restart()

        assert redis.incr("count") == 42
