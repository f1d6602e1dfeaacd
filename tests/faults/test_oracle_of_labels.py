"""The oracle finds what is wrong with the labels of people in a run that was exact."""

import json
from dataclasses import replace
from typing import Any

from damage import a_key, found, refused, rewritten, with_keys
from observation import Entry, Observation
from oracle import judge
from people import BAD_LABELS


def labels(seen: Observation) -> dict[Entry, dict[str, Any]]:
    """What people said, each with its record."""
    return {entry: json.loads(entry.value or b"") for entry in seen.labels if entry.value not in BAD_LABELS}


def counted_labels(seen: Observation) -> list[Entry]:
    """Those that are the last of their review, and of what the model still says of it."""
    events = [json.loads(entry.value or b"") for entry in seen.scored]
    says = {(event["product_id"], event["review_id"]): event["sentiment"] for event in events}
    last = {
        (event["product_id"], event["review_id"], event["scored"]["score"]): (entry, event["op"])
        for entry, event in labels(seen).items()
    }
    return [
        entry
        for (product, review, score), (entry, op) in last.items()
        if op == "label" and (says.get((product, review)) or {}).get("score") == score
    ]


def with_label(seen: Observation, entry: Entry, **fields: Any) -> Observation:
    """As if this had been said."""
    said = [rewritten(one, **fields) if one is entry else one for one in seen.labels]
    return replace(seen, labels=said)


def test_an_undisturbed_run_has_all_that_people_may_say_in_it(exact: Observation) -> None:
    said = labels(exact)

    assert {event["op"] for event in said.values()} == {"label", "withdraw"}
    assert 0 < len(counted_labels(exact)) < sum(event["op"] == "label" for event in said.values())
    assert refused(exact, exact.labels_topic)


def test_a_label_that_is_not_counted_is_found_in_all_counts_of_its_review(exact: Observation) -> None:
    for entry in counted_labels(exact):
        event = labels(exact)[entry]
        other = {"positive": "negative", "negative": "positive"}[event["label"]]

        findings = judge(with_label(exact, entry, label=other)).miscounted

        total = f"{exact.prefix}product:{{{event['product_id']}}}"
        if event["scored"]["channel"] != "review":
            total += f":channel:{event['scored']['channel']}"
        for counter in ("positive", "negative", "score_sum"):
            assert any(finding.startswith(f"{total} {counter}: ") for finding in findings)
            assert any(finding.startswith(f"{total}:day:") and counter in finding for finding in findings)


def test_a_label_that_is_taken_back_and_counted_all_the_same_is_found(exact: Observation) -> None:
    withdrawn = {"op": "withdraw", "label": None, "intensity": None}

    for entry in counted_labels(exact):
        assert "miscounted" in found(with_label(exact, entry, **withdrawn))


def test_a_label_that_redis_lost_or_changed_is_found(exact: Observation) -> None:
    key = a_key(exact, ":relabels")
    place, letter = next(iter(exact.keys[key].items()))
    other = "n" if letter == "N" else "N"

    assert found(with_keys(exact, lambda keys: keys[key].pop(place))) == {"miscounted": 1}
    assert found(with_keys(exact, lambda keys: keys[key].update({place: other}))) == {"miscounted": 1}


def test_a_label_that_nobody_counted_at_all_is_found(exact: Observation) -> None:
    offsets = f"{exact.prefix}offsets:{exact.labels_topic}"
    partition = next(number for number, end in exact.keys[offsets].items() if end != "0")
    marks = f"{exact.prefix}marks:{exact.labels_topic}"
    product = labels(exact)[counted_labels(exact)[0]]["product_id"]
    applied = f"{exact.prefix}product:{{{product}}}:applied"
    source = next(source for source in exact.keys[applied] if source.startswith(exact.labels_topic))

    assert found(with_keys(exact, lambda keys: keys[offsets].update({partition: "0"}))) == {"miscounted": 1}
    assert found(with_keys(exact, lambda keys: keys[marks].pop(partition))) == {"miscounted": 1}
    assert found(with_keys(exact, lambda keys: keys[applied].pop(source))) == {"miscounted": 1}


def test_what_is_no_label_is_refused_once_or_twice_and_nothing_else_is(exact: Observation) -> None:
    letter, *_ = refused(exact, exact.labels_topic)
    without = [one for one in exact.dead_letters if one is not letter]
    changed = letter._replace(value=b"other")
    headers = dict(letter.headers) | {"dlq.source.offset": b"1000000"}
    strange = letter._replace(headers=tuple(headers.items()))

    assert found(replace(exact, dead_letters=[*exact.dead_letters, letter])) == {}
    assert found(replace(exact, dead_letters=without)) == {"lost": 1}
    assert found(replace(exact, dead_letters=[*without, changed])) == {"altered": 1}
    assert found(replace(exact, dead_letters=[*exact.dead_letters, strange])) == {"invented": 1}
