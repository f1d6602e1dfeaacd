"""Publishing while the broker is away; each test has the cluster to itself, one after the other."""

import json
from collections import defaultdict
from collections.abc import Iterator
from itertools import count
from threading import Thread

import pytest
from kafka import KafkaAdminClient
from published import records_of

from embedded import KafkaCluster
from producers.lines import Line
from producers.publisher import MAX_BYTES_IN_FLIGHT, PublishReport, publish
from schemas.errors import ServerUnavailable
from schemas.settings import KafkaSettings

PRODUCTS = 7


def line(number: int, text: str = "Fine.") -> Line:
    event = {"review_id": f"r{number}", "product_id": f"p{number % PRODUCTS}", "text": text}
    return Line("file.jsonl", number, json.dumps(event).encode())


@pytest.fixture(scope="module")
def cluster() -> Iterator[KafkaCluster]:
    with KafkaCluster() as cluster:
        yield cluster


@pytest.fixture
def fragile(cluster: KafkaCluster) -> Iterator[KafkaCluster]:
    """A broker that a test may suspend, or kill and start again."""
    yield cluster
    cluster.resume(0)


@pytest.fixture
def raw_topic(fragile: KafkaCluster, unique_name: str) -> str:
    with KafkaAdminClient(bootstrap_servers=fragile.bootstrap_servers) as admin:
        admin.create_topics({unique_name: {"num_partitions": 3}}, wait_for_metadata=True)
    return unique_name


def ids_by_product(settings: KafkaSettings) -> dict[bytes, list[str]]:
    ids = defaultdict(list)
    for record in records_of(settings.bootstrap_servers, settings.raw_topic):
        ids[record.key].append(json.loads(record.value)["review_id"])
    return ids


def each_once_in_order(total: int) -> dict[bytes, list[str]]:
    return {
        f"p{product}".encode(): [f"r{number}" for number in range(total) if number % PRODUCTS == product]
        for product in range(PRODUCTS)
    }


def test_a_broker_that_hangs_for_a_while_costs_nothing(fragile: KafkaCluster, raw_topic: str) -> None:
    settings = KafkaSettings(bootstrap_servers=fragile.bootstrap_servers, raw_topic=raw_topic)

    def lines() -> Iterator[Line]:
        for number in range(5000):
            if number == 1000:
                fragile.suspend(0)
            if number == 4000:
                fragile.resume(0)
            yield line(number)

    report = publish(lines(), settings)

    assert report == PublishReport(read=5000, delivered=5000, bad=0, failed=0)
    assert ids_by_product(settings) == each_once_in_order(5000)


def test_a_broker_that_dies_and_comes_back_costs_nothing(fragile: KafkaCluster, raw_topic: str) -> None:
    settings = KafkaSettings(bootstrap_servers=fragile.bootstrap_servers, raw_topic=raw_topic)
    comeback = Thread(target=fragile.start_broker, args=[0])

    def lines() -> Iterator[Line]:
        for number in range(5000):
            if number == 1000:
                fragile.kill(0)
                comeback.start()
            yield line(number)

    report = publish(lines(), settings)

    comeback.join()
    assert report == PublishReport(read=5000, delivered=5000, bad=0, failed=0)
    assert ids_by_product(settings) == each_once_in_order(5000)


def test_a_broker_that_stays_away_ends_the_run_with_where_to_go_on(
    fragile: KafkaCluster, raw_topic: str
) -> None:
    settings = KafkaSettings(
        bootstrap_servers=fragile.bootstrap_servers, raw_topic=raw_topic, outage_deadline=2
    )
    seen = [PublishReport()]
    total = 0

    def lines() -> Iterator[Line]:
        nonlocal total
        left = 3000
        while left:
            if seen[-1].delivered and left == 3000:
                fragile.suspend(0)
            left -= seen[-1].delivered > 0
            total += 1  # before the line is out: the run may end while it is taken
            yield line(total - 1)

    with pytest.raises(ServerUnavailable, match=r"Publish again from file\.jsonl:") as stopped:
        publish(lines(), settings, progress=seen.append, clock=count().__next__)
    fragile.resume(0)

    resume_at = int(str(stopped.value).partition("Publish again from file.jsonl:")[2].split()[0])
    assert publish(map(line, range(resume_at, total)), settings).complete
    assert 0 < seen[-1].delivered < total
    assert seen[-1] == PublishReport(total, seen[-1].delivered, 0, total - seen[-1].delivered)
    for product, ids in ids_by_product(settings).items():
        assert list(dict.fromkeys(ids)) == each_once_in_order(total)[product]


def test_what_waits_for_a_broker_that_is_away_is_bounded(fragile: KafkaCluster, raw_topic: str) -> None:
    settings = KafkaSettings(
        bootstrap_servers=fragile.bootstrap_servers, raw_topic=raw_topic, outage_deadline=2
    )
    text = "x" * 20_000
    read = 0

    def lines() -> Iterator[Line]:
        nonlocal read
        while True:
            read += 1
            if read == 2:  # the first send has made the client know the topic
                fragile.suspend(0)
            yield line(read, text)

    with pytest.raises(ServerUnavailable):
        publish(lines(), settings)

    assert 100 < read <= MAX_BYTES_IN_FLIGHT / len(text)


def test_a_broker_that_hangs_before_the_first_send_ends_the_run(
    fragile: KafkaCluster, raw_topic: str
) -> None:
    settings = KafkaSettings(
        bootstrap_servers=fragile.bootstrap_servers, raw_topic=raw_topic, outage_deadline=2
    )

    def lines() -> Iterator[Line]:
        fragile.suspend(0)
        yield line(17)

    with pytest.raises(
        ServerUnavailable, match=r"0 of 1 lines were delivered. Publish again from file\.jsonl:17"
    ):
        publish(lines(), settings)


def test_a_broker_that_never_answers_is_waited_for_up_to_the_deadline(fragile: KafkaCluster) -> None:
    settings = KafkaSettings(bootstrap_servers=fragile.bootstrap_servers, outage_deadline=0.5)
    fragile.suspend(0)

    with pytest.raises(ServerUnavailable, match=r"did not answer within 0\.5 s"):
        publish([line(1)], settings)
