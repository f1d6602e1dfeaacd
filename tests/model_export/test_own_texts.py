"""Swaps, probes and changes tell a model that minds them from one that does not."""

import random

import fake_model
import numpy as np
import pytest

from model_export.data.reviews import LabelledReview
from model_export.evaluation.bootstrap import Bootstrap
from model_export.evaluation.counterfactuals import load_attributes, try_swaps
from model_export.evaluation.measured import Measured
from model_export.evaluation.perturbations import perturb, swap_letters
from model_export.evaluation.probes import try_probes
from model_export.evaluation.texts import languages, load

QUICK = Bootstrap(resamples=200)
FEMALE = ("wife", "mother", "sister", "daughter", "woman")


def test_a_model_that_minds_gender_is_found_out() -> None:
    def dislikes_women(text: str) -> float:
        return 0.4 if any(word in text for word in FEMALE) else 0.6

    swaps = {
        swap.attribute: swap
        for swap in try_swaps(load_attributes("en"), fake_model.scored_by(dislikes_women), QUICK)
    }

    gender = swaps["gender"]
    assert gender.mean_swap.value == pytest.approx(0.2)
    assert gender.flipped == gender.sentences == 60
    assert {group.group: round(group.mean_shift.value, 6) for group in gender.groups} == {
        "female": -0.1,
        "male": 0.1,
    }
    assert swaps["name"].largest_swap == 0


def test_the_largest_swap_names_its_two_texts() -> None:
    swaps = try_swaps(
        load_attributes("en"), fake_model.scored_by(lambda text: 0.9 if "Priya" in text else 0.2), QUICK
    )

    name = next(swap for swap in swaps if swap.attribute == "name")
    assert name.largest_swap == pytest.approx(0.7)
    assert sum("Priya" in text for text in name.largest_texts) == 1


def test_a_probe_holds_where_the_label_is_as_expected() -> None:
    kinds = {kind.kind: kind for kind in try_probes("en", fake_model.scored_by(lambda _text: 0.9))}

    sarcasm, negation = kinds["sarcasm"], kinds["negation"]
    assert sarcasm.held == 0
    assert negation.held == sum(probe.expected == "positive" for probe in negation.probes)


def test_a_probe_says_whether_its_plain_form_holds() -> None:
    (typos,) = (
        kind
        for kind in try_probes("en", fake_model.scored_by(lambda text: 0.9 if "Excellent" in text else 0.1))
        if kind.kind == "typos"
    )
    probe = typos.probes[0]

    assert (probe.held, probe.plain_held) == (False, True)


@pytest.mark.parametrize("language", languages())
def test_texts_of_a_language_are_complete_and_say_nothing_twice(language: str) -> None:
    probes = [probe for kind in load("probes", language)["kinds"] for probe in kind["probes"]]
    attributes = load_attributes(language)

    assert {"en", "zh"} <= set(languages())
    assert len({probe["text"] for probe in probes}) == len(probes)
    assert {probe["expected"] for probe in probes} == {"positive", "negative"}
    for attribute in attributes:
        assert {len(swap) for swap in attribute.swaps} == {len(attribute.groups)}
        assert all(sentence.count("{}") == 1 for sentence in attribute.sentences)


def test_a_typo_moves_letters_and_loses_none() -> None:
    text = "The wonderful kettle has been boiling " * 20

    changed = swap_letters(text, random.Random(1))

    assert changed != text
    assert sorted(changed) == sorted(text)
    assert [word[0] for word in changed.split()] == [word[0] for word in text.split()]


def test_a_model_that_minds_case_pays_for_it_and_one_that_does_not_pays_nothing() -> None:
    rows = [
        LabelledReview(f"{'good' if n % 2 else 'poor'} one, Number {n}.", n % 2, None) for n in range(200)
    ]

    def minds_case(text: str) -> float:
        return 0.9 if "good" in text else 0.1

    def cost(score_of: object) -> dict[str, float]:
        score = fake_model.scored_by(score_of)  # type: ignore[arg-type]
        measured = Measured(rows, score([row.text for row in rows]))
        return {change.change: change.accuracy_change.value for change in perturb(measured, score, QUICK)}

    assert cost(minds_case)["upper case"] == pytest.approx(-0.5)
    assert cost(fake_model.believes_words)["upper case"] == 0
    assert cost(minds_case)["no punctuation"] == 0


def test_a_change_that_changes_hardly_any_review_is_not_measured() -> None:
    rows = [LabelledReview(f"质量很好 {n}", float(n % 2), None) for n in range(150)]
    score = fake_model.scored_by(lambda _text: 0.9)

    changes = perturb(Measured(rows, score([row.text for row in rows])), score, QUICK)

    assert changes == ()
    assert np.isfinite([change.accuracy_change.value for change in changes]).all()
