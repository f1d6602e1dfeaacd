"""One review's share of the counts, and its code in Redis."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scored_events import deleted, scored

from consumers.aggregate.contribution import Contribution, score_text
from schemas.events import Channel, Intensity, Label
from schemas.redis_keys import Counter

contributions = st.builds(
    Contribution,
    channel=st.sampled_from(Channel),
    label=st.sampled_from(Label),
    intensity=st.sampled_from(Intensity),
    needs_review=st.booleans(),
    score_micros=st.integers(0, 1_000_000),
    day=st.dates(),
)


def test_a_review_is_remembered_in_nine_characters() -> None:
    scored_review = scored(score=0.934512, created_at=datetime(2026, 5, 3, 23, 59, tzinfo=UTC))

    contribution = Contribution.of(scored_review)

    assert contribution is not None
    assert contribution.encode() == "rPk12ofvk"


@pytest.mark.parametrize(
    ("label", "intensity", "letter"),
    [
        (Label.POSITIVE, Intensity.STRONG, "P"),
        (Label.POSITIVE, Intensity.WEAK, "p"),
        (Label.NEGATIVE, Intensity.STRONG, "N"),
        (Label.NEGATIVE, Intensity.WEAK, "n"),
    ],
)
def test_a_letter_stands_for_label_and_intensity(label: Label, intensity: Intensity, letter: str) -> None:
    contribution = Contribution(Channel.AD, label, intensity, True, 1, date(1969, 12, 31))

    assert contribution.encode() == f"A{letter}0001-1"


@given(contributions)
def test_every_code_reads_back_as_what_was_encoded(contribution: Contribution) -> None:
    assert Contribution.decode(contribution.encode()) == contribution


def test_a_code_of_the_first_release_is_read_too() -> None:
    contribution = Contribution(
        Channel.AD, Label.NEGATIVE, Intensity.WEAK, True, 934_512, date(1970, 1, 1) + timedelta(days=20_576)
    )

    assert Contribution.decode("ad|n|u|934512|20576") == contribution


@pytest.mark.parametrize(
    "code",
    [
        "",
        "rP",
        "rPk128",
        "xPk128fvk",
        "rXk128fvk",
        "rPK128fvk",
        "rPk128 fvk",
        "rPk1280fvk-",
        "rPk128-0",
        "rPk128zzzzzzzz",
        "review|P|-|934512",
        "review|P|-|934512|20576|",
        "email|P|-|934512|20576",
        "review|X|-|934512|20576",
        "review|P|?|934512|20576",
        "review|P|-|0.9|20576",
        "review|P|-|0934512|20576",
        "review|P|-|934512|99999999999",
    ],
)
def test_what_was_never_encoded_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match="not the code of a counted review"):
        Contribution.decode(code)


def test_a_delete_contributes_nothing() -> None:
    assert Contribution.of(deleted()) is None


def test_the_day_is_that_of_writing_in_utc() -> None:
    evening_in_new_york = datetime(2026, 5, 2, 22, tzinfo=timezone(timedelta(hours=-4)))

    contribution = Contribution.of(scored(created_at=evening_in_new_york))

    assert contribution is not None
    assert contribution.day == date(2026, 5, 3)


def test_a_score_is_counted_in_whole_micro_units() -> None:
    contribution = Contribution.of(scored(score=0.1234565000001))

    assert contribution is not None
    assert contribution.score_micros == 123457


def test_an_uncertain_weak_negative_touches_five_counters() -> None:
    contribution = Contribution(
        Channel.REVIEW, Label.NEGATIVE, Intensity.WEAK, True, 400_000, date(2026, 5, 3)
    )

    assert contribution.increments() == {
        Counter.REVIEWS: 1,
        Counter.NEGATIVE: 1,
        Counter.WEAK_NEGATIVE: 1,
        Counter.UNCERTAIN: 1,
        Counter.SCORE_SUM: 400_000,
    }


@given(contributions)
def test_polarity_and_strength_each_sum_to_one_review(contribution: Contribution) -> None:
    added = contribution.increments()
    strengths = [name for name in Counter if name.startswith(("strong_", "weak_"))]

    assert added.get(Counter.POSITIVE, 0) + added.get(Counter.NEGATIVE, 0) == 1
    assert sum(added.get(name, 0) for name in strengths) == 1
    assert contribution.strong_negative == (Counter.STRONG_NEGATIVE in added)


@pytest.mark.parametrize(
    ("micros", "text"),
    [(0, "0.000000"), (1, "0.000001"), (934_512, "0.934512"), (12_000_030, "12.000030"), (-5, "-0.000005")],
)
def test_sums_of_scores_are_written_with_six_decimals(micros: int, text: str) -> None:
    assert score_text(micros) == text
