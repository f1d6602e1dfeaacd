"""The words that an explanation names: they decided, they stand where it says, and they are in order."""

import random
from pathlib import Path

import pytest
from shop_texts import sample_texts

from consumers.explain.faithfulness import measure, without
from consumers.explain.occlusion import NAMED, Explainer, Explanation
from consumers.explain.reading import Reading, word_spans
from consumers.infer.engine import Engine
from consumers.infer.runner import RunFailure
from schemas.events import Label, Sentiment
from schemas.settings import Provider

FACTOR = 2.0
"""By which the named words of our samples must move the score further than as many random ones; 3.2 was measured."""


@pytest.fixture(scope="module")
def explainer(engine: Engine) -> Explainer:
    return Explainer(engine)


def explained(explainer: Explainer, text: str) -> Explanation:
    explanation = explainer.explain(text)
    assert isinstance(explanation, Explanation)
    return explanation


def named(explainer: Explainer, text: str) -> list[str]:
    return [text[word.start : word.end] for word in explained(explainer, text).words]


def texts_of_some_length() -> list[str]:
    return [text for text in sample_texts() if 20 <= len(word_spans(text)) <= 60]


def test_without_the_named_words_the_score_moves_further_than_without_random_ones(
    engine: Engine, explainer: Explainer
) -> None:
    texts = random.Random(11).sample(texts_of_some_length(), 24)

    found = measure(explainer.explain, engine.score, texts, draws=3)

    assert found.texts >= 20
    assert found.factor > FACTOR
    assert found.named.flipped > found.random.flipped


def test_the_word_that_praises_or_complains_is_named(tiny_bundle: Path) -> None:
    explainer = Explainer(Engine.start(tiny_bundle, Provider.CPU, threads=1))

    assert named(explainer, "kettle, tent, awful lamp") == ["awful"]
    assert named(explainer, "awful kettle, wonderful tent, wonderful lamp") == ["wonderful"]


def test_weights_have_the_sign_of_the_label_and_scores_are_those_of_the_text_without(
    engine: Engine, explainer: Explainer
) -> None:
    text = "Absolutely love this tent, it is perfect; the bag is a bit small."
    explanation = explained(explainer, text)

    assert explanation.sentiment == engine.score([text])[0]
    assert explanation.sentiment.label is Label.POSITIVE
    assert all(word.weight > 0 for word in explanation.words)
    spans = [(word.start, word.end) for word in explanation.words]
    assert spans == sorted(spans)
    (again,) = engine.score([without(text, spans)])
    assert isinstance(again, Sentiment)
    assert again.score == pytest.approx(explanation.score_without, abs=1e-6)


def test_at_most_a_few_words_are_named_also_of_the_longest_text(explainer: Explainer) -> None:
    explanation = explained(explainer, "It broke after a day, I want my money back. " * 450)

    assert 1 <= len(explanation.words) <= NAMED


@pytest.mark.parametrize(
    "text", ["", "...", "ok", "\u202e\x00!", "\N{POUTING FACE}", "太棒了,我很喜欢", "a" * 5000]
)
def test_any_text_is_explained(explainer: Explainer, text: str) -> None:
    for word in explained(explainer, text).words:
        assert 0 <= word.start < word.end <= len(text)


def test_a_text_on_which_the_network_fails_is_no_explanation(engine: Engine) -> None:
    failing = Engine(
        engine.tokenizer,
        engine.manifest,
        lambda batch: [RunFailure("no memory") for _ in batch],
        engine.model,
    )

    assert Explainer(failing).explain("A fine kettle.") == RunFailure("no memory")


def test_of_a_long_text_only_words_that_are_read_can_be_named(engine: Engine) -> None:
    text = "begins " + "middle " * 1000 + "ends"

    reading = Reading.of(text, engine.tokenizer.encode(text), engine.manifest.max_length)

    assert len(reading.ids) == engine.manifest.max_length
    assert text[reading.words[0].start : reading.words[0].end] == "begins"
    assert text[reading.words[-1].start : reading.words[-1].end] == "ends"
    assert len(reading.words) < 400


def test_a_sentence_is_a_window_and_a_long_one_is_several(engine: Engine) -> None:
    text = "It leaks. Nobody answers my letters, my calls or my prayers! " + "so " * 20

    reading = Reading.of(text, engine.tokenizer.encode(text), engine.manifest.max_length)

    assert [len(window) for window in reading.windows] == [2, 4, 5, 16, 4]


def test_words_are_told_from_punctuation_in_every_script() -> None:
    text = "Don't buy: leaks\N{RIGHT SINGLE QUOTATION MARK}n\N{RIGHT SINGLE QUOTATION MARK}spills (№1)! 很好 \N{POUTING FACE}"

    assert [text[start:end] for start, end in word_spans(text)][:2] == ["Don't", "buy"]
    assert [text[start:end] for start, end in word_spans(text)][-3:] == ["很", "好", "\N{POUTING FACE}"]
