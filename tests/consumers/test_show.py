"""A labelled review as a line for people."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from scored_events import deleted, scored

from consumers.read.show import EXCERPT_CHARACTERS, format_scored, harmless
from schemas.events import Channel, Intensity, Label

any_text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def test_a_line_tells_time_product_channel_sentiment_stars_and_text() -> None:
    line = format_scored(scored(score=0.9345, rating=4.5, text="Boils  fast,\nand quietly."))

    assert (
        line.plain == "2026-03-01 12:00:00Z p1 review ▲ strong positive 0.934 4.5★ Boils fast, and quietly."
    )


def test_a_question_mark_asks_a_person_to_look() -> None:
    line = format_scored(
        scored(
            label=Label.NEGATIVE,
            intensity=Intensity.WEAK,
            score=0.48,
            needs_review=True,
            channel=Channel.SUPPORT,
        )
    )

    assert line.plain == "2026-03-01 12:00:00Z p1 support ▼ weak negative 0.480? A fine kettle."


def test_a_delete_names_the_review() -> None:
    assert format_scored(deleted("r7")).plain == "2026-03-01 12:00:00Z p1 review ✕ deleted r7"


def test_escapes_never_reach_the_terminal() -> None:
    line = format_scored(scored(product_id="p\x1b]0;owned\x07", text="\x1b[31mred\x9b2J \u202ereversed"))

    assert "p�]0;owned�" in line.plain
    assert line.plain.endswith("�[31mred�2J �reversed")


def test_markup_in_a_review_is_text() -> None:
    line = format_scored(scored(text="[bold]loud[/bold] :smile:"))

    assert line.plain.endswith("[bold]loud[/bold] :smile:")


def test_joined_emoji_and_combining_letters_are_kept() -> None:
    persian, mechanic = "\u0645\u06cc\u200c\u062e\u0648\u0631\u062f", "👩\u200d🔧"

    assert harmless(f"{persian} {mechanic} e\u0301") == f"{persian} {mechanic} e\u0301"


def test_a_long_text_is_cut_with_an_ellipsis() -> None:
    line = format_scored(scored(text="x" * 500))

    assert line.plain.endswith(" " + "x" * (EXCERPT_CHARACTERS - 1) + "…")


@given(any_text)
def test_no_text_holds_control_characters_line_breaks_or_bidi_marks_afterwards(text: str) -> None:
    shown = harmless(text)

    assert {unicodedata.category(character) for character in shown}.isdisjoint({"Cc", "Zl", "Zp"})
    assert all(unicodedata.category(character) != "Cf" or character in "\u200c\u200d" for character in shown)


@given(any_text, any_text)
def test_every_event_is_one_line(product_id: str, text: str) -> None:
    line = format_scored(scored(product_id=f"p{product_id}"[:256], text=text))

    assert len(line.plain.splitlines()) == 1
