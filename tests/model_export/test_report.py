"""The report says what the figures mean, stands alone, and lets no text of a review act."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import fake_model
import pytest

from model_export.data.reviews import LabelledReview
from model_export.evaluation.bootstrap import Bootstrap
from model_export.evaluation.evaluate import RatedFile, evaluate
from model_export.evaluation.figures import FIGURES_FILE, REPORT_FILE, Counterfactual, Estimate, Evaluation
from model_export.evaluation.measured import Measured
from model_export.evaluation.report import mislabelled, write_report
from model_export.evaluation.table import markdown
from model_export.evaluation.verdict import hundred, judge

HOSTILE = '<script>alert("x")</script> $\\frac{good}{0}$ {{ 7 * 7 }} \u202eevil\x00'


class Elements(HTMLParser):
    """Every element of a document with its attributes."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def hostile_reviews() -> list[LabelledReview]:
    """The usual ones, and wrong ones of a domain and text that try to be more than text."""
    usual = [replace(review, source=HOSTILE) for review in fake_model.reviews()]
    return [*usual, *(LabelledReview(f"{HOSTILE} {n}", 0.0, None, domain=HOSTILE) for n in range(12))]


@pytest.fixture(scope="module")
def evaluated() -> tuple[Evaluation, Measured]:
    rated = RatedFile("rated.jsonl", [(f"{'good' if n % 2 else 'poor'} {n}", n / 30) for n in range(30)])
    return evaluate(
        fake_model.MODEL, fake_model.labelled_file(hostile_reviews()), rated, bootstrap=Bootstrap(100)
    )


@pytest.fixture(scope="module")
def figures(evaluated: tuple[Evaluation, Measured]) -> Evaluation:
    return evaluated[0]


@pytest.fixture(scope="module")
def folder(evaluated: tuple[Evaluation, Measured], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a report that shows every mislabelled review."""
    folder = tmp_path_factory.mktemp("reports") / "new" / "folder"
    write_report(*evaluated, folder, examples=50)
    return folder


@pytest.fixture(scope="module")
def document(folder: Path) -> str:
    return (folder / REPORT_FILE).read_text()


def test_a_report_runs_nothing_and_loads_nothing(document: str) -> None:
    elements = Elements(document).found

    assert {tag for tag, _ in elements}.isdisjoint({"script", "iframe", "object", "embed", "link", "img"})
    for _, attributes in elements:
        assert not any(name.startswith("on") for name in attributes)
        assert all(
            (value or "#").startswith("#") for name, value in attributes.items() if name in {"href", "src"}
        )
    assert not re.search(r"url\((?!#)", document)
    assert "default-src 'none'" in document


def test_texts_and_names_of_the_data_are_shown_and_harmless(document: str) -> None:
    assert "&lt;script&gt;alert" in document
    assert "{{ 7 * 7 }}" in document
    assert not set("\u202e\x00") & set(document)


def test_every_reference_inside_the_document_has_its_target(document: str) -> None:
    elements = Elements(document).found
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    used = {str(attributes["href"])[1:] for _, attributes in elements if "href" in attributes}
    used |= set(re.findall(r"url\(#([^)]+)\)", document))

    assert used <= set(ids)


def test_plots_take_the_colours_of_the_page(document: str) -> None:
    plots = re.findall(r"<svg.*?</svg>", document, flags=re.DOTALL)

    assert len(plots) >= 8
    assert "prefers-color-scheme: dark" in document
    for plot in plots:
        assert not re.search(r"#[0-9a-f]{6}\b", plot)


def test_examples_are_wrong_and_the_surest_come_first(evaluated: tuple[Evaluation, Measured]) -> None:
    shown = mislabelled(evaluated[1], 100)

    assert len(shown) == 20
    assert all((example.score >= 0.5) == (example.label == "negative") for example in shown)
    sureness = [abs(example.score - 0.5) for example in shown]
    assert sureness == sorted(sureness, reverse=True)


def test_the_files_hold_the_same_figures(figures: Evaluation, folder: Path, document: str) -> None:
    written = json.loads((folder / FIGURES_FILE).read_text())

    assert written["polarity"]["accuracy"]["value"] == figures.polarity.accuracy.value
    assert judge(figures).headline in document


def test_a_share_is_said_as_people_say_it() -> None:
    assert (
        hundred(Estimate(value=0.926, low=0.914, high=0.937), "reviews")
        == "93 of 100 reviews (between 91 and 94)"
    )


def test_the_verdict_names_what_is_weak_and_what_to_do(figures: Evaluation) -> None:
    verdict = judge(figures)

    assert verdict.headline.startswith("The model is right about 78 of 100 reviews")
    assert any("misses more negative reviews" in weakness for weakness in verdict.weaknesses)
    assert any("92 reviews were measured" in weakness for weakness in verdict.weaknesses)
    assert any("Label more reviews" in advice for advice in verdict.advice)


def test_a_weak_part_of_some_size_is_named(figures: Evaluation) -> None:
    part = figures.slices[0].model_copy(
        update={"name": "tents", "small": False, "accuracy": Estimate(value=0.5, low=0.4, high=0.6)}
    )

    weaknesses = judge(figures.model_copy(update={"slices": (part,)})).weaknesses

    assert any("tents" in weakness and "50 of 100" in weakness for weakness in weaknesses)


def test_a_small_part_is_no_weakness(figures: Evaluation) -> None:
    part = figures.slices[0].model_copy(
        update={"name": "tents", "small": True, "accuracy": Estimate(value=0.5, low=0.4, high=0.6)}
    )

    assert not any(
        "tents" in weakness for weakness in judge(figures.model_copy(update={"slices": (part,)})).weaknesses
    )


def test_the_table_shows_names_of_the_data_as_text(figures: Evaluation) -> None:
    part = figures.slices[0].model_copy(update={"name": "a|b <script>", "small": False})

    table = markdown(figures.model_copy(update={"slices": (part,)}))

    assert "a\\|b \\<script\\>" in table
    assert "| accuracy | 0.783 (" in table
    assert all(
        line.count(" | ") == 1
        for line in table.splitlines()
        if line.startswith("| ") and "---" not in line[:6]
    )


def test_a_label_that_depends_on_a_name_is_a_weakness_however_small_the_mean(figures: Evaluation) -> None:
    swap = figures.counterfactuals[0]
    steady, flipping = (swap.model_copy(update={"flipped": flipped}) for flipped in (0, 2))

    assert any("hardly matters" in strength for strength in judge(with_swap(figures, steady)).strengths)
    verdict = judge(with_swap(figures, flipping))
    assert not any("hardly matters" in strength for strength in verdict.strengths)
    assert any("changes the label in 2 of 24" in weakness for weakness in verdict.weaknesses)


def with_swap(figures: Evaluation, swap: Counterfactual) -> Evaluation:
    return figures.model_copy(update={"counterfactuals": (swap,)})
