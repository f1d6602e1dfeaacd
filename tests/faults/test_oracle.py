"""The oracle finds what it is there to find: each kind of damage to a run that was exact is named."""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from harness import Rig
from jobs import run_aggregator, run_scorer
from observation import Entry, Observation, observe
from oracle import judge

from embedded import KafkaCluster, ValkeyServer
from schemas.settings import AggregatorSettings

RECORDS = 600


@pytest.fixture(scope="module")
def exact(
    fragile: KafkaCluster, valkey: ValkeyServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Observation]:
    """What an undisturbed run leaves behind."""
    prefix = f"test-{uuid4().hex[:12]}."
    rig = Rig(fragile.bootstrap_servers, valkey.url, prefix, tmp_path_factory.mktemp("exact"), seed=3)
    with (
        run_scorer(rig.topics.settings()),
        run_aggregator(AggregatorSettings(**rig.settings)),
    ):
        rig.publish(RECORDS)
        rig.prove()
    yield observe(rig.topics, rig.redis, rig.prefix)
    rig.close()


def found(seen: Observation) -> dict[str, int]:
    return {kind: len(what) for kind, what in judge(seen).kinds.items()}


def with_scored(seen: Observation, change: Callable[[list[Entry]], object]) -> Observation:
    scored = list(seen.scored)
    change(scored)
    return replace(seen, scored=scored)


def with_keys(seen: Observation, change: Callable[[dict[str, Any]], object]) -> Observation:
    keys = deepcopy(seen.keys)
    change(keys)
    return replace(seen, keys=keys)


def rewritten(entry: Entry, **fields: Any) -> Entry:
    return entry._replace(value=json.dumps(json.loads(entry.value or b"") | fields).encode())


def a_key(seen: Observation, ending: str) -> str:
    return next(name for name in sorted(seen.keys) if name.endswith(ending))


def test_an_undisturbed_run_is_exact_and_has_all_kinds_of_records_in_it(exact: Observation) -> None:
    findings = judge(exact)
    events = [json.loads(entry.value or b"") for entry in exact.scored]

    assert findings.kinds == {}
    assert findings.records == RECORDS == len(exact.scored) + len(exact.dead_letters)
    assert {event["channel"] for event in events} == {"review", "support", "ad", "social"}
    assert {event["op"] for event in events} == {"upsert", "delete"}
    assert len({dict(entry.headers)["dlq.reason"] for entry in exact.dead_letters}) >= 8
    assert any(entry.key is None for entry in exact.raw)
    assert exact.expiries


def test_a_lost_label_is_found(exact: Observation) -> None:
    assert found(with_scored(exact, lambda scored: scored.pop(100)))["lost"] == 1


def test_a_lost_dead_letter_is_found(exact: Observation) -> None:
    assert found(replace(exact, dead_letters=exact.dead_letters[1:])) == {"lost": 1}


def test_a_doubled_label_is_found_although_its_count_is_right(exact: Observation) -> None:
    assert found(with_scored(exact, lambda scored: scored.insert(100, scored[100]))) == {"doubled": 1}


def test_a_doubled_dead_letter_is_found(exact: Observation) -> None:
    twice = [exact.dead_letters[0], *exact.dead_letters]

    assert found(replace(exact, dead_letters=twice)) == {"doubled": 1}


def test_a_record_that_is_labelled_and_refused_too_is_found(exact: Observation) -> None:
    letter = exact.dead_letters[0]
    event = json.loads(exact.scored[0].value or b"")
    place = {name: int(dict(letter.headers)[f"dlq.source.{name}"]) for name in ("partition", "offset")}
    invented = rewritten(exact.scored[0], source=event["source"] | place)

    kinds = found(with_scored(exact, lambda scored: scored.append(invented)))

    assert (kinds["doubled"], kinds["altered"]) == (1, 1)


def test_swapped_labels_are_found(exact: Observation) -> None:
    def flow(entry: Entry) -> tuple[int, int]:
        return json.loads(entry.value or b"")["source"]["partition"], entry.partition

    first, second = [entry for entry in exact.scored if flow(entry) == flow(exact.scored[0])][:2]

    def swap(scored: list[Entry]) -> None:
        one, other = scored.index(first), scored.index(second)
        scored[one], scored[other] = second, first

    assert found(with_scored(exact, swap))["reordered"] >= 1


def test_a_product_in_two_partitions_is_found(exact: Observation) -> None:
    def move(scored: list[Entry]) -> None:
        scored[-1] = scored[-1]._replace(partition=(scored[-1].partition + 1) % 6)

    assert found(with_scored(exact, move))["reordered"] >= 1


@pytest.mark.parametrize(
    "fields", [{"text": "Other words."}, {"channel": "fax"}, {"rating": 1.5}, {"model": {"name": "other"}}]
)
def test_an_altered_label_is_found(exact: Observation, fields: dict[str, Any]) -> None:
    def alter(scored: list[Entry]) -> None:
        scored[0] = rewritten(scored[0], **fields)

    assert found(with_scored(exact, alter))["altered"] == 1


def test_a_wrong_reason_and_changed_bytes_of_a_dead_letter_are_found(exact: Observation) -> None:
    letter = exact.dead_letters[0]
    headers = dict(letter.headers) | {"dlq.reason": b"not_a_reason"}
    changed = letter._replace(value=b"other", headers=tuple(headers.items()))

    assert found(replace(exact, dead_letters=[changed, *exact.dead_letters[1:]])) == {"altered": 2}


def test_an_outcome_of_no_record_is_found(exact: Observation) -> None:
    last = max(exact.raw, key=lambda entry: entry.offset)
    without = [entry for entry in exact.raw if entry is not last]

    assert found(replace(exact, raw=without))["invented"] == 1


@pytest.mark.parametrize(
    ("ending", "field", "value"),
    [
        ("}", "reviews", "0"),
        ("}", "score_sum", "0.000001"),
        ("}", "updated_at", "2026-01-01T00:00:00+00:00"),
        (":channel:ad", "positive", "1000"),
        (":labels", "nobody's", "rP00011"),
        (":applied", "other:0", "7"),
        (":revisions", "product-0-0", "1"),
        ("ranking:negative", "product-0-0", 1000.0),
    ],
)
def test_one_wrong_field_is_found(exact: Observation, ending: str, field: str, value: Any) -> None:
    key = a_key(exact, ending)

    assert found(with_keys(exact, lambda keys: keys[key].update({field: value}))) == {"miscounted": 1}


def test_wrong_days_lists_offsets_and_expiries_are_found(exact: Observation) -> None:
    day = next(iter(exact.expiries))
    negatives = a_key(exact, ":negatives")
    offsets = a_key(exact, f"offsets:{exact.scored_topic}")

    assert "miscounted" in found(with_keys(exact, lambda keys: keys.pop(day)))
    assert "miscounted" in found(with_keys(exact, lambda keys: keys[negatives].pop()))
    assert found(with_keys(exact, lambda keys: keys[offsets].update({"0": "0"}))) == {"miscounted": 1}
    assert found(replace(exact, expiries={**exact.expiries, day: 1})) == {"miscounted": 1}


def test_a_key_that_nothing_explains_is_found(exact: Observation) -> None:
    strange = f"{exact.prefix}product:{{kettle}}"

    assert found(with_keys(exact, lambda keys: keys.update({strange: {"reviews": "1"}}))) == {"miscounted": 1}


def test_what_was_found_is_said_in_words(exact: Observation) -> None:
    lost = exact.scored[100]
    source = json.loads(lost.value or b"")["source"]

    words = str(judge(with_scored(exact, lambda scored: scored.remove(lost))))

    assert f"1 lost: raw ({source['partition']}, {source['offset']})" in words
