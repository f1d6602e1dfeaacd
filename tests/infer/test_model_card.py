"""The card says what the manifest says, and where it says nothing, that."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from tiny_bundles import MODEL_FILE, write_bundle

from console.main import cli
from consumers.infer.bundle import open_bundle
from consumers.infer.model_card import NOT_RECORDED, model_card

PARITY = {
    "reviews": 2_000,
    "largest_logit_difference": 0.75,
    "largest_score_shift": 0.125,
    "mean_score_shift": 0.0075,
    "labels_changed": 11,
}
NEIGHBOURS = {"reviews": 2_000, "batch": 8, "largest_score_shift": 0.0004, "labels_changed": 1}


def card_of(folder: Path) -> str:
    bundle = open_bundle(folder)
    return model_card(bundle.manifest, bundle.version)


def rows(card: str, title: str) -> list[list[str]]:
    """The cells of a section's table, without its head."""
    section = card.split(f"## {title}\n")[1].split("\n## ", maxsplit=1)[0]
    return [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("|")][2:]


@pytest.fixture
def card(tmp_path: Path) -> str:
    variants = [{"file": MODEL_FILE, "precision": "fp16", "parity": PARITY, "neighbours": NEIGHBOURS}]
    folder = write_bundle(
        tmp_path / "bundle",
        variants=variants,
        languages=["en", "de"],
        limits=["Tents only."],
        metrics={"held_out_accuracy_fp16": 0.936, "accuracy_drop_fp16": 0.0005},
    )
    return card_of(folder)


def test_it_names_the_model_its_version_base_licence_and_data(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "bundle")
    said = dict(rows(card_of(folder), "What it is"))

    assert said["name, version"] == f"tiny, `{open_bundle(folder).version}`"
    assert (said["base model"], said["licence"]) == ("none", "Apache-2.0")
    assert "Trained on: made up." in card_of(folder)


def test_parity_and_neighbours_of_each_precision_are_stated(card: str) -> None:
    assert rows(card, "Agreement with the trained network") == [
        ["fp16", "GPUs", "2,000", "0.75", "0.12, 0.0075", "11"]
    ]
    assert rows(card, "A review's score and its neighbours") == [["fp16", "8", "2,000", "0.0004", "1"]]


def test_what_was_not_measured_of_fp16_is_said(card: str) -> None:
    assert "its speed and its\nrounding on a GPU are not" in card


def test_figures_limits_and_languages_are_stated(card: str) -> None:
    figures = dict(rows(card, "Figures on held-out reviews"))

    assert figures == {"held out accuracy fp16": "0.936", "accuracy drop fp16": "0.0005"}
    assert "- Tents only.\n" in card
    assert "language: [en, de]" in card.split("---")[1]


def test_it_can_be_cited_by_name_and_version(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "bundle")

    assert f"@misc{{tiny{open_bundle(folder).version}," in card_of(folder)
    assert "year = {2026}" in card_of(folder)


def test_a_bundle_of_an_older_export_says_what_it_does_not_say(tmp_path: Path) -> None:
    card = card_of(write_bundle(tmp_path / "bundle"))

    assert rows(card, "Agreement with the trained network") == [
        ["fp32", "CPUs and GPUs", *[NOT_RECORDED] * 4]
    ]
    assert "\nNot recorded.\n" in card


def test_a_bar_in_a_text_does_not_break_the_table(tmp_path: Path) -> None:
    card = card_of(write_bundle(tmp_path / "bundle", base_model="this|that"))

    assert "| base model | this\\|that |" in card


def test_the_command_prints_the_card_of_the_bundle_that_ships() -> None:
    result = CliRunner().invoke(cli, ["card"])

    assert result.exit_code == 0
    assert result.output == model_card(open_bundle().manifest, open_bundle().version)
