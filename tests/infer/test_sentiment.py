"""From two logits to what an event says: calibrated, rounded, and honest about doubt."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_bundles import write_bundle

from consumers.infer.bundle import open_bundle
from consumers.infer.engine import decode_logits
from schemas.events import Intensity, Label, Sentiment
from schemas.manifest import Manifest


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return open_bundle(write_bundle(tmp_path_factory.mktemp("tiny"))).manifest


def test_a_calibrated_sentiment_computed_by_hand(manifest: Manifest) -> None:
    assert decode_logits((math.log(4) * 2.0, math.log(1 / 3)), manifest) == Sentiment(
        label=Label.POSITIVE,
        score=0.8,  # the temperature of polarity is 2
        intensity=Intensity.WEAK,
        intensity_score=0.25,
        confidence=0.8,
        needs_review=False,
    )


def test_an_undecided_network_asks_for_a_person(manifest: Manifest) -> None:
    sentiment = decode_logits((0.0, 0.0), manifest)

    assert (sentiment.label, sentiment.intensity) == (Label.POSITIVE, Intensity.STRONG)
    assert (sentiment.score, sentiment.confidence, sentiment.needs_review) == (0.5, 0.5, True)


@pytest.mark.parametrize(("confidence", "needs_review"), [(0.749, True), (0.75, False), (0.751, False)])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_person_should_look_below_the_threshold_on_either_side(
    manifest: Manifest, confidence: float, needs_review: bool, sign: int
) -> None:
    logit = sign * 2.0 * math.log(confidence / (1 - confidence))

    sentiment = decode_logits((logit, 0.0), manifest)

    assert sentiment.confidence == confidence
    assert sentiment.needs_review is needs_review


finite = st.floats(allow_nan=False, allow_infinity=False)


@given(polarity=finite, intensity=finite)
def test_any_finite_logits_are_a_sentiment(manifest: Manifest, polarity: float, intensity: float) -> None:
    sentiment = decode_logits((polarity, intensity), manifest)

    assert 0 <= sentiment.score <= 1
    assert (sentiment.label is Label.POSITIVE) == (sentiment.score >= 0.5)
    assert (sentiment.intensity is Intensity.STRONG) == (sentiment.intensity_score >= 0.5)
    assert sentiment.confidence == max(sentiment.score, round(1 - sentiment.score, 6))
    assert sentiment.needs_review == (sentiment.confidence < manifest.review_threshold)
    for value in (sentiment.score, sentiment.intensity_score, sentiment.confidence):
        assert value == round(value, 6)
