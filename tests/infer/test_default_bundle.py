"""The model that ships: small, honest about itself, and right where anybody would be."""

import random
import subprocess
import sys

import numpy as np
import pytest
from shop_texts import sample_texts

from consumers.infer.bundle import DEFAULT_BUNDLE, open_bundle
from consumers.infer.engine import Engine
from consumers.infer.runner import OneByOne, PaddedBatches
from consumers.infer.session import start_network
from schemas.events import Sentiment
from schemas.settings import Provider

LARGEST_BUNDLE = 25_000_000
"""Bytes. It travels inside the package, so everybody downloads it."""

PRAISE = [
    "Absolutely love it. Works perfectly and looks beautiful, I would buy it again in a heartbeat.",
    "Great quality for the price, my whole family is delighted.",
    "Boils quickly, pours cleanly, easy to wash. Very happy.",
    "The support team was friendly and solved my problem within minutes. Thank you!",
    "Best tent we have ever owned, it kept us dry through a storm.",
]
COMPLAINTS = [
    "Terrible. It broke on the second day and nobody answers my emails.",
    "Complete waste of money, I want a refund.",
    "The zip jammed, the seams leak and it smells of glue. Do not buy.",
    "Arrived late, scratched and with half of the screws missing.",
    "It does not charge any more after a week. Very disappointed.",
]
STRONG = [
    "Absolutely amazing, the best purchase of my life, five stars!",
    "Perfect in every way, I love it so much!",
    "Worst product ever, total garbage, avoid at all costs!",
    "Horrible. Broken on arrival and they refused a refund. Never again!",
]
WEAK = [
    "It's good overall, although the handle could be a little longer.",
    "Pretty decent for the price, with a few small flaws.",
    "Not quite what I expected, a bit thin, but it does the job.",
    "Somewhat disappointed by the battery, otherwise it is okay.",
]


def sentiments(engine: Engine, texts: list[str]) -> list[Sentiment]:
    outcomes = [outcome for outcome in engine.score(texts) if isinstance(outcome, Sentiment)]
    assert len(outcomes) == len(texts)
    return outcomes


def test_it_opens_and_every_digest_is_right() -> None:
    bundle = open_bundle()

    assert bundle.manifest.variants[0].precision == "int8"
    assert bundle.manifest.licence


def test_it_is_small_and_holds_nothing_that_the_manifest_does_not_name() -> None:
    files = {path.name: path.read_bytes() for path in DEFAULT_BUNDLE.iterdir()}

    assert files.keys() == {"manifest.json", *open_bundle().manifest.files}
    assert sum(map(len, files.values())) <= LARGEST_BUNDLE


def test_int8_is_as_right_as_fp32_on_held_out_reviews() -> None:
    metrics = open_bundle().manifest.metrics

    assert metrics["held_out_accuracy_fp32"] - metrics["held_out_accuracy_int8"] <= 0.005
    assert metrics["held_out_accuracy_int8"] > 0.9


@pytest.mark.parametrize("text", PRAISE)
def test_obvious_praise_is_positive(engine: Engine, text: str) -> None:
    (sentiment,) = sentiments(engine, [text])

    assert sentiment.score > 0.9
    assert not sentiment.needs_review


@pytest.mark.parametrize("text", COMPLAINTS)
def test_an_obvious_complaint_is_negative(engine: Engine, text: str) -> None:
    (sentiment,) = sentiments(engine, [text])

    assert sentiment.score < 0.1
    assert not sentiment.needs_review


def test_every_outburst_is_stronger_than_every_measured_word(engine: Engine) -> None:
    strong = [sentiment.intensity_score for sentiment in sentiments(engine, STRONG)]
    weak = [sentiment.intensity_score for sentiment in sentiments(engine, WEAK)]

    assert min(strong) > max(weak)


def test_a_logit_is_the_same_to_the_last_bit_in_any_order_and_company() -> None:
    bundle = open_bundle()
    network = start_network(bundle, Provider.CPU)
    engine = Engine.start(None, Provider.CPU, threads=1)
    batch = engine._tokenise(random.Random(7).sample(sample_texts(), 24))
    alone = [OneByOne(network, threads=1)([ids])[0] for ids in batch]

    together = OneByOne(network, threads=4)(batch)
    backwards = OneByOne(network, threads=4)(batch[::-1])[::-1]

    assert together == backwards == alone


def test_a_logit_is_the_same_to_the_last_bit_on_one_thread_and_on_several() -> None:
    bundle = open_bundle()
    batch = Engine.start(None, Provider.CPU, threads=1)._tokenise(random.Random(9).sample(sample_texts(), 24))
    narrow, *wide = (start_network(bundle, Provider.CPU, threads) for threads in (1, 2, 3, 4))

    alone = [OneByOne(narrow, threads=1)([ids]) for ids in batch]

    for network in wide:
        assert [OneByOne(narrow, threads=1, wide=network)([ids]) for ids in batch] == alone


def test_in_batches_its_scores_would_depend_on_their_neighbours() -> None:
    bundle = open_bundle()
    network = start_network(bundle, Provider.CPU)
    batch = Engine.start(None, Provider.CPU, threads=1)._tokenise([*PRAISE, *COMPLAINTS, *STRONG, *WEAK])
    alone = OneByOne(network, threads=1)(batch)

    together = PaddedBatches(network, bundle.manifest.pad_token_id)(batch)

    # The reason why int8 is served one review a call on every provider.
    assert np.abs(np.array(together) - np.array(alone)).max() > 0.01


def test_a_review_of_any_length_is_scored(engine: Engine) -> None:
    (short, long) = sentiments(engine, ["ok", "It broke after a day, I want my money back. " * 450])

    assert 0 < short.score < 1
    assert long.score < 0.1


def test_serving_imports_neither_torch_nor_transformers() -> None:
    script = (
        "import sys, consumers.infer.engine, console.main;"
        "assert not {'torch', 'transformers', 'onnx', 'scipy'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
