import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from io import BufferedReader, BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka import KafkaAdminClient, KafkaProducer
from published import records_of

from embedded import KafkaCluster
from producers.lines import BadLine, Line
from producers.publisher import PublishReport, publish
from producers.readers import read_lines
from schemas.errors import ConfigurationError, MissingTopic
from schemas.settings import KafkaSettings

MakeTopic = Callable[..., str]


def line(number: int, product: str = "p", **fields: object) -> Line:
    event = {"review_id": f"r{number}", "product_id": product, "text": "Fine.", **fields}
    return Line("file.jsonl", number, json.dumps(event).encode())


@pytest.fixture
def topic(kafka: KafkaCluster, make_topic: MakeTopic) -> KafkaSettings:
    """Settings whose raw topic is a new one of three partitions."""
    return KafkaSettings(bootstrap_servers=kafka.bootstrap_servers, raw_topic=make_topic(partitions=3))


def values_in(topic: KafkaSettings) -> list[bytes]:
    return [record.value for record in records_of(topic.bootstrap_servers, topic.raw_topic)]


good_lines = st.builds(
    lambda product, text, extra: {"product_id": product, "text": text, "extra": extra},
    st.sampled_from(["tent", "stove", "kettle", "lamp"]),
    st.text(st.characters(codec="utf-8"), min_size=1),
    st.integers() | st.none(),
)
bad_lines = st.sampled_from(
    [
        b"oops",
        b"[]",
        b"{}",
        b'"text"',
        b"\xff\xfe",
        b'{"review_id": "r", "product_id": "p"}',
        b"NaN",
        b"{" * 9999,
    ]
)


@settings(max_examples=20, deadline=None)
@given(lines=st.lists(good_lines | bad_lines, max_size=40))
def test_every_good_line_arrives_once_and_in_order_and_every_bad_one_is_named(
    kafka: KafkaCluster, make_topic: MakeTopic, lines: list[dict[str, object] | bytes]
) -> None:
    topic = KafkaSettings(bootstrap_servers=kafka.bootstrap_servers, raw_topic=make_topic(partitions=3))
    file, wanted, bad = [], defaultdict(list), []
    for number, content in enumerate(lines, start=1):
        if isinstance(content, bytes):
            file.append(content)
            bad.append(number)
        else:
            file.append(json.dumps({"review_id": f"r{number}", **content}).encode())
            wanted[str(content["product_id"]).encode()].append(file[-1])
    problems: list[str] = []

    source = read_lines("-", stdin=BufferedReader(BytesIO(b"\n".join(file))))
    report = publish(source, topic, on_problem=problems.append)

    arrived = defaultdict(list)
    for record in records_of(topic.bootstrap_servers, topic.raw_topic):
        arrived[record.key].append(record.value)
    assert arrived == wanted
    assert [int(problem.split(":")[1]) for problem in problems] == bad
    assert report == PublishReport(len(lines), len(lines) - len(bad), len(bad), 0)
    assert report.complete == (not bad)


def test_a_problem_says_where_it_is_and_why(topic: KafkaSettings) -> None:
    problems: list[str] = []

    publish(
        [BadLine("a.csv", 7, "is not UTF-8"), Line("b.jsonl", 9, b'{"review_id": "r", "text": "t"}')],
        topic,
        on_problem=problems.append,
    )

    assert problems == [
        "a.csv:7: is not UTF-8",
        "b.jsonl:9: missing_field: product_id: Field required",
    ]


def test_a_record_that_is_too_large_for_the_topic_is_named_and_its_neighbours_arrive(
    kafka: KafkaCluster, unique_name: str
) -> None:
    topic = KafkaSettings(bootstrap_servers=kafka.bootstrap_servers, raw_topic=unique_name)
    with KafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers) as admin:
        admin.create_topics(
            {unique_name: {"num_partitions": 1, "configs": {"max.message.bytes": "2000"}}},
            wait_for_metadata=True,
        )
    small = [line(number) for number in range(1, 101)]
    large = line(50, text="x" * 3000)
    problems: list[str] = []

    report = publish([*small[:49], large, *small[50:]], topic, on_problem=problems.append)

    assert report == PublishReport(read=100, delivered=99, bad=0, failed=1)
    [problem] = problems
    assert problem.startswith("file.jsonl:50: 3,0")
    assert problem.endswith(f"bytes are more than max.message.bytes of {unique_name} allows")
    assert values_in(topic) == [one.value for one in small if one.number != 50]


def test_a_missing_topic_is_named_with_the_command_that_creates_it(
    kafka: KafkaCluster, unique_name: str
) -> None:
    absent = KafkaSettings(bootstrap_servers=kafka.bootstrap_servers, raw_topic=unique_name)

    with pytest.raises(MissingTopic, match=f"no topic {unique_name}; 'reviewstream init' creates it"):
        publish([line(1)], absent)


def test_an_impossible_topic_name_is_refused(kafka: KafkaCluster) -> None:
    impossible = KafkaSettings(bootstrap_servers=kafka.bootstrap_servers, raw_topic="reviews of today")

    with pytest.raises(ConfigurationError, match="reviews of today"):
        publish([line(1)], impossible)


def test_ctrl_c_delivers_what_was_sent_and_the_report_says_so(topic: KafkaSettings) -> None:
    def lines() -> Iterator[Line]:
        yield from map(line, range(1, 501))
        raise KeyboardInterrupt

    report = publish(lines(), topic)

    assert report == PublishReport(read=500, delivered=500, bad=0, failed=0, interrupted=True)
    assert not report.complete
    assert len(values_in(topic)) == 500


def test_a_source_that_fails_midway_does_not_take_back_what_was_sent(topic: KafkaSettings) -> None:
    def lines() -> Iterator[Line]:
        yield from map(line, range(1, 501))
        raise ConfigurationError("the second file is gone")

    with pytest.raises(ConfigurationError, match="the second file is gone"):
        publish(lines(), topic)

    assert len(values_in(topic)) == 500


class FakeTime:
    """Time that passes only when somebody sleeps."""

    now = 0.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_the_rate_is_kept_and_bad_lines_take_no_time_of_it(topic: KafkaSettings) -> None:
    time = FakeTime()
    lines = [line(number) if number % 2 else BadLine("file", number, "bad") for number in range(1, 202)]

    report = publish(lines, topic, rate=10, clock=time.clock, sleep=time.sleep)

    assert report.delivered == 101
    assert time.now == pytest.approx(100 / 10)


def test_progress_grows_and_ends_with_the_totals(topic: KafkaSettings) -> None:
    time = FakeTime()
    seen: list[PublishReport] = []

    report = publish(
        map(line, range(1, 101)), topic, rate=10, progress=seen.append, clock=time.clock, sleep=time.sleep
    )

    assert seen[-1] == report == PublishReport(100, 100, 0, 0)
    assert [one.read for one in seen] == sorted(one.read for one in seen)
    assert 40 <= len(seen) <= 60  # every 0.2 s of the 10 s


def test_the_same_product_goes_where_every_client_sends_it(topic: KafkaSettings, kafka: KafkaCluster) -> None:
    products = [f"product-{number}" for number in range(50)]
    publish([line(number, product) for number, product in enumerate(products)], topic)
    with KafkaProducer(bootstrap_servers=kafka.bootstrap_servers) as producer:
        for product in products:
            producer.send(topic.raw_topic, key=product.encode(), value=b"from elsewhere")

    places = defaultdict(set)
    for record in records_of(topic.bootstrap_servers, topic.raw_topic):
        places[record.key].add(record.partition)
    assert [len(partitions) for partitions in places.values()] == [1] * 50
    assert set.union(*places.values()) == {0, 1, 2}
