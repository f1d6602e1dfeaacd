"""Key phrases and typical texts, of texts whose subject is known."""

from dashboard.text_rank import key_phrases, typical

COMPLAINTS = [
    "The battery door is crooked and the lamp blinks.",
    "A crooked battery door! The beam is fine.",
    "Battery door broke. I sent it back.",
    "It arrived late and the battery door was crooked.",
    "The strap is too short for my helmet.",
]
PRAISE = [
    "Bright beam, light on the head.",
    "The beam is bright and the strap fits my helmet.",
    "A bright lamp for little money.",
]


def words(texts: list[str], others: list[str] | None = None) -> list[str]:
    return [phrase.words for phrase in key_phrases(texts, others or [])]


def test_what_several_texts_say_is_a_phrase_with_the_number_of_texts() -> None:
    first = key_phrases(COMPLAINTS)[0]

    assert first.words in {"battery door", "crooked battery door"}
    assert first.texts >= 2


def test_what_one_customer_wrote_is_no_phrase() -> None:
    assert not any("helmet" in phrase for phrase in words(COMPLAINTS))


def test_words_that_others_say_as_often_are_left_out() -> None:
    texts = [*COMPLAINTS, "The beam is dim.", "A dim beam."]

    assert any("beam" in phrase for phrase in words(texts))
    assert not any("beam" in phrase for phrase in words(texts, PRAISE))


def test_what_everybody_complains_of_is_told_if_others_do_not() -> None:
    leaks = [
        f"The lid leaks, {word}."
        for word in ("sadly", "badly", "slowly", "always", "again", "today", "still", "mine")
    ]
    praise = ["The kettle is fine.", "A fine kettle.", "Fast and fine."] * 3

    assert any("leaks" in phrase for phrase in words(leaks, praise))


def test_a_negation_stays_with_its_word() -> None:
    said = words(["It does not charge.", "Does not charge at all.", "No more: not charge, not again."])

    assert any(phrase.startswith("not charge") for phrase in said)


def test_phrases_do_not_reach_across_sentences_or_masked_data() -> None:
    said = words(
        ["Nice colour. Battery empty.", "Nice colour! battery", "kettle [email] lid", "kettle [email] lid"]
    )

    assert not any("colour battery" in phrase for phrase in said)
    assert not any("email" in phrase or "kettle lid" in phrase for phrase in said)


def test_typical_texts_are_those_with_most_in_common_and_not_the_same_twice() -> None:
    chosen = typical([*COMPLAINTS, COMPLAINTS[0]])

    assert chosen[0] in {0, 1, 3, 5}
    assert not {0, 5} <= set(chosen)
    assert 4 not in chosen[:2]


def test_no_texts_and_texts_without_words_say_nothing() -> None:
    assert key_phrases([]) == []
    assert typical([]) == []
    assert key_phrases(["...", "!?", "\u202e 123"]) == []
    assert len(typical(["...", "!?"])) <= 2


def test_the_same_texts_give_the_same_phrases() -> None:
    assert key_phrases(COMPLAINTS, PRAISE) == key_phrases(list(COMPLAINTS), list(PRAISE))
