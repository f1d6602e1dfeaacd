"""A classifier of transformers becomes a bundle that says what transformers' own pipeline says of a text."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_bert
import tiny_classifiers
from click.testing import CliRunner
from transformers import pipeline

from console.main import cli
from consumers.infer.engine import Engine
from consumers.infer.runner import RunFailure
from model_export.data.reviews import LabelledReview
from model_export.export.bundle import BundleDescription, Floats, write_bundle
from model_export.export.classifier_import import compare_with_pipeline, import_classifier
from model_export.export.outputs import read_outputs
from schemas.errors import BundleError
from schemas.events import Sentiment
from schemas.manifest import Manifest
from schemas.settings import Provider

WORDS = BundleDescription("imported", "", "random", "Apache-2.0", "made up", languages=("en",))
TEXTS = [review.text for review in tiny_bert.reviews(60, seed=2)]
LENGTH = 128
"""Longer than any text, so that nothing is cut: the pipeline would cut differently."""

NAMES = {
    "stars": tiny_classifiers.STARS,
    "two": ("NEGATIVE", "POSITIVE"),
    "three": ("positive", "neutral", "negative"),
}


@cache
def pipeline_says(folder: Path) -> list[dict[str, float]]:
    """The classifier's own probabilities of each text, by name."""
    classify: Any = pipeline("text-classification", model=str(folder), device="cpu", top_k=None)
    return [{output["label"]: output["score"] for output in answer} for answer in classify(TEXTS)]


def polarity(said: dict[str, float]) -> float:
    """log((p4 + p5) / (p1 + p2)) of stars, log(p(positive) / p(negative)) of others."""
    good = sum(p for name, p in said.items() if name.lower() in ("4 stars", "5 stars", "positive"))
    bad = sum(p for name, p in said.items() if name.lower() in ("1 star", "2 stars", "negative"))
    return float(np.log(good / bad))


def labelled(folder: Path) -> list[LabelledReview]:
    """The texts as if the classifier were always right: it is random, and must not be refused for that."""
    reviews = tiny_bert.reviews(60, seed=2)
    return [
        replace(review, polarity=float(polarity(said) > 0))
        for review, said in zip(reviews, pipeline_says(folder), strict=True)
    ]


def sentiments(bundle: Path) -> list[Sentiment]:
    outcomes = Engine.start(bundle, Provider.CPU, threads=1).score(TEXTS)
    return [outcome for outcome in outcomes if isinstance(outcome, Sentiment)]


def uncalibrated(bundle: Path) -> Floats:
    """Logits (texts, 2) as served, before the temperature."""
    engine = Engine.start(bundle, Provider.CPU, threads=1)
    return np.array(
        engine.runner([ids for ids in engine._tokenise(TEXTS) if not isinstance(ids, RunFailure)])
    )


def without_bias(polarities: Floats) -> Floats:
    """The calibration adds one bias to all of them."""
    return polarities - polarities[0]


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        *((kind, NAMES["stars"]) for kind in tiny_classifiers.WRITERS),
        ("bert", NAMES["two"]),
        ("bert", NAMES["three"]),
    ],
)
def test_what_is_served_is_what_the_pipeline_says(tmp_path: Path, kind: str, names: tuple[str, ...]) -> None:
    folder = tiny_classifiers.WRITERS[kind](tmp_path / "classifier", names, LENGTH)
    reviews = labelled(folder)
    network, encoder = import_classifier(folder, reviews, max_length=LENGTH)
    write_bundle(network, encoder, reviews, tmp_path / "bundle", WORDS, ("fp32",))

    served = uncalibrated(tmp_path / "bundle")[:, 0]

    expected = np.array([polarity(said) for said in pipeline_says(folder)])
    np.testing.assert_allclose(without_bias(served), without_bias(expected), atol=1e-4)


def test_intensity_is_that_of_the_extreme_stars(tmp_path: Path) -> None:
    folder = tiny_classifiers.write_bert(tmp_path / "classifier", tiny_classifiers.STARS, LENGTH)
    reviews = labelled(folder)
    network, encoder = import_classifier(folder, reviews, max_length=LENGTH)
    write_bundle(network, encoder, reviews, tmp_path / "bundle", WORDS, ("fp32",))

    served = uncalibrated(tmp_path / "bundle")[:, 1]

    expected = [
        np.log((said["1 star"] + said["5 stars"]) / (said["2 stars"] + said["4 stars"]))
        for said in pipeline_says(folder)
    ]
    np.testing.assert_allclose(served, expected, atol=1e-4)


def test_of_two_outputs_half_of_the_reviews_are_strong_those_it_is_surest_of(tmp_path: Path) -> None:
    folder = tiny_classifiers.write_distilbert(tmp_path / "classifier", NAMES["two"], LENGTH)
    reviews = labelled(folder)
    network, encoder = import_classifier(folder, reviews, max_length=LENGTH)
    write_bundle(network, encoder, reviews, tmp_path / "bundle", WORDS, ("fp32",))

    strong = [one.intensity.value == "strong" for one in sentiments(tmp_path / "bundle")]

    sureness = np.abs([polarity(said) for said in pipeline_says(folder)])
    assert strong == (sureness > np.median(sureness)).tolist()


def export_command(folder: Path, held_out: Path, output: Path, *more: str) -> list[str]:
    command = [
        "export",
        "--from-classifier",
        str(folder),
        "--held-out",
        str(held_out),
        "--output",
        str(output),
    ]
    words = ["--name", "imported", "--base-model", "b", "--licence", "l", "--data-description", "d"]
    return [*command, *words, "--max-length", str(LENGTH), "--precision", "fp32", *more]


def write_held_out(path: Path, reviews: list[LabelledReview]) -> Path:
    rows = [{"text": review.text, "label": int(review.polarity or 0)} for review in reviews]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_the_command_imports_it_and_the_outputs_can_be_said(tmp_path: Path) -> None:
    folder = tiny_classifiers.write_bert(tmp_path / "classifier", ("no", "yes"), LENGTH)
    network_is_right = labelled(tiny_classifiers.write_bert(tmp_path / "named", NAMES["two"], LENGTH))
    held_out = write_held_out(tmp_path / "held-out.jsonl", network_is_right)
    command = export_command(folder, held_out, tmp_path / "bundle", "--language", "en", "--limit", "Made up.")

    unsaid = CliRunner().invoke(cli, command)
    swapped = CliRunner().invoke(cli, [*command, "--outputs", "positive,negative"])
    said = CliRunner().invoke(cli, [*command, "--outputs", "negative,positive"])

    assert isinstance(unsaid.exception, BundleError)
    assert "no, yes; say it in their order" in str(unsaid.exception)
    assert "do its outputs stand the other way round" in str(swapped.exception)
    assert said.exit_code == 0, said.output
    manifest = Manifest.model_validate_json((tmp_path / "bundle" / "manifest.json").read_text())
    assert manifest.languages == ("en",)
    assert manifest.limits == (
        "Made up.",
        "The classifier grades nothing: strong is what it is surer of than of half of the held-out reviews.",
    )


def test_probabilities_that_are_not_those_of_the_pipeline_are_refused(tmp_path: Path) -> None:
    folder = tiny_classifiers.write_bert(tmp_path / "classifier", NAMES["two"], LENGTH)
    logits = np.array([(polarity(said), 0.0) for said in pipeline_says(folder)])

    compare_with_pipeline(folder, read_outputs(NAMES["two"]), TEXTS, logits)
    with pytest.raises(BundleError, match=r"differs from that of transformers' pipeline by 0\.02"):
        compare_with_pipeline(folder, read_outputs(NAMES["two"]), TEXTS, logits + 0.1)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_folder_that_is_no_classifier_is_refused(tmp_path: Path, name: str) -> None:
    folder = tiny_classifiers.write_bert(tmp_path / "classifier", NAMES["two"], LENGTH)
    (folder / name).unlink()

    with pytest.raises(BundleError, match="no classifier of transformers can be loaded from it"):
        import_classifier(folder, tiny_bert.reviews(4, seed=1), max_length=LENGTH)


def test_outputs_that_do_not_exclude_each_other_are_refused(tmp_path: Path) -> None:
    folder = tiny_classifiers.write_bert(tmp_path / "classifier", NAMES["two"], LENGTH)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"problem_type": "multi_label_classification"}))

    with pytest.raises(BundleError, match="its outputs are no alternatives"):
        import_classifier(folder, tiny_bert.reviews(4, seed=1), max_length=LENGTH)


def test_more_or_fewer_outputs_than_it_has_are_refused(tmp_path: Path) -> None:
    folder = tiny_classifiers.write_bert(tmp_path / "classifier", NAMES["two"], LENGTH)

    with pytest.raises(BundleError, match="it has 2 outputs, not 5"):
        import_classifier(folder, tiny_bert.reviews(4, seed=1), max_length=LENGTH, outputs="12345")
