"""The oracle finds what it is there to find: each kind of damage to a run that was exact is named."""

import json
from dataclasses import replace
from typing import Any

import pytest
from damage import RECORDS, a_key, found, refused, rewritten, with_keys, with_scored
from observation import Entry, Observation
from oracle import judge


def test_an_undisturbed_run_is_exact_and_has_all_kinds_of_records_in_it(exact: Observation) -> None:
    findings = judge(exact)
    events = [json.loads(entry.value or b"") for entry in exact.scored]

    assert findings.kinds == {}
    assert findings.records == RECORDS == len(exact.scored) + len(refused(exact, exact.raw_topic))
    assert {event["channel"] for event in events} == {"review", "support", "ad", "social"}
    assert {event["op"] for event in events} == {"upsert", "delete"}
    assert len({dict(entry.headers)["dlq.reason"] for entry in refused(exact, exact.raw_topic)}) >= 8
    assert any(entry.key is None for entry in exact.raw)
    assert exact.expiries


def test_a_lost_label_is_found(exact: Observation) -> None:
    assert found(with_scored(exact, lambda scored: scored.pop(100)))["lost"] == 1


def test_a_lost_dead_letter_is_found(exact: Observation) -> None:
    letter, *_ = refused(exact, exact.raw_topic)
    others = [one for one in exact.dead_letters if one is not letter]

    assert found(replace(exact, dead_letters=others)) == {"lost": 1}


def test_a_doubled_label_is_found_although_its_count_is_right(exact: Observation) -> None:
    assert found(with_scored(exact, lambda scored: scored.insert(100, scored[100]))) == {"doubled": 1}


def test_a_doubled_dead_letter_is_found(exact: Observation) -> None:
    twice = [refused(exact, exact.raw_topic)[0], *exact.dead_letters]

    assert found(replace(exact, dead_letters=twice)) == {"doubled": 1}


def test_a_record_that_is_labelled_and_refused_too_is_found(exact: Observation) -> None:
    letter, *_ = refused(exact, exact.raw_topic)
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
    letter, *_ = refused(exact, exact.raw_topic)
    headers = dict(letter.headers) | {"dlq.reason": b"not_a_reason"}
    changed = letter._replace(value=b"other", headers=tuple(headers.items()))

    others = [one for one in exact.dead_letters if one is not letter]

    assert found(replace(exact, dead_letters=[changed, *others])) == {"altered": 2}


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
        (":relabels", "review|P|-|934512|20576 nobody's", "n"),
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
