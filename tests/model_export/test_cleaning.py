"""Cleaning takes markup and leaves words, on any text, once and for all, and stands in the tokenizer's own file."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import Lowercase
from tokenizers.pre_tokenizers import WhitespaceSplit

from model_export.data.cleaning import Cleaning, Step, clean, rewrite

# What markup is made of, so that random texts hold broken and nested pieces of it.
PIECES = st.sampled_from(
    [
        *"<>&;/=\"'.:! ba3",
        *("<br", "href=", "http://", "www.", "amp;", "lt;", "gt;", "quot;", "#38;", "nbsp;", "the", "not"),
        *"\n\r\t\x00\x0c\x1c\x1f\x85\xa0\xad\u200b\u2028\ufeff\ud800",
    ]
)
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=24).map("".join))
WORDS = st.text(alphabet="abcdefgäß数字", min_size=1, max_size=6)
NOISE = st.sampled_from(
    [
        *(" ", "\n\n", " \t ", "\u200b", "<br />", " <A HREF='X' >", "</P>", " &AMP;NBSP; "),
        *(" HTTPS://SHOP.EXAMPLE/A?B=1 ", " <3 ", " & ", " \x07", " < ", " A<B AND C>D "),
    ]
)
"""In capitals, so that it shares no word with those that must stay."""


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("a\u2060b\ufeff c\x07", "ab c"),
        ("two\u200bwords", "two words"),
        ("one  two\t\u3000three", "one two three"),
        ("first\r\n\r\n  second", "first\nsecond"),
        ("it&#39;s &quot;fine&quot; &amp;amp; &lt;3", 'it\'s "fine" & <3'),
        ("see http://shop.example/a?b=1&c=2, now", "see now"),
        ("又www.shop.example很好", "又 很好"),
        ('good<br/>and <a href="x.html" rel=nofollow>cheap</a>!', "good\nand\ncheap\n!"),
        ("i <3 it, 2 < 3 and 4 > 3, <sigh>", "i <3 it, 2 < 3 and 4 > 3, <sigh>"),
        ("I'm not <b and proud> of it", "I'm not <b and proud> of it"),
        ("👨\u200d👩\u200d👧 क\u200cष", "👨\u200d👩\u200d👧 क\u200cष"),
    ],
)
def test_markup_goes_and_the_rest_stays(raw: str, cleaned: str) -> None:
    assert clean(raw) == cleaned


@pytest.mark.parametrize(
    ("cleaning", "cleaned"),
    [
        (Cleaning.NONE, "It is  not good!"),
        (Cleaning.MARKUP, "It is not good!"),
        (Cleaning.NO_PUNCTUATION, "It is not good "),
        (Cleaning.NO_STOP_WORDS, " good!"),
        (Cleaning.WORDS_ONLY, " good "),
    ],
)
def test_each_choice_takes_what_it_says(cleaning: Cleaning, cleaned: str) -> None:
    assert clean("It is  not good!", cleaning.steps) == cleaned


@settings(max_examples=300, deadline=None)
@given(TEXTS, st.sampled_from(Cleaning))
def test_a_clean_text_stays_as_it_is(text: str, cleaning: Cleaning) -> None:
    cleaned = clean(text, cleaning.steps)

    assert clean(cleaned, cleaning.steps) == cleaned


@given(TEXTS, st.sampled_from(Step))
def test_each_step_by_itself_comes_to_an_end(text: str, step: Step) -> None:
    cleaned = clean(text, (step,))

    assert clean(cleaned, (step,)) == cleaned


@given(st.lists(st.tuples(WORDS, NOISE), max_size=8))
def test_no_word_is_lost_or_joined_to_another(parts: list[tuple[str, str]]) -> None:
    words = [word for word, _ in parts]

    cleaned = clean("".join(word + noise for word, noise in parts)).split()

    assert [word for word in cleaned if word in words] == words


def tokenizer() -> Tokenizer:
    own = Tokenizer(WordLevel({"[UNK]": 0, "good": 1, "tent": 2, "&": 3}, unk_token="[UNK]"))
    own.normalizer, own.pre_tokenizer = Lowercase(), WhitespaceSplit()
    return own


@given(TEXTS.filter(lambda text: "\ud800" not in text))
def test_a_tokenizer_reads_raw_texts_as_it_would_read_clean_ones(text: str) -> None:
    plain, cleaning = tokenizer(), tokenizer()
    rewrite(cleaning, Cleaning.MARKUP.steps)

    assert cleaning.encode(text).ids == plain.encode(clean(text)).ids


def test_cleaning_stands_in_the_file_of_the_tokenizer() -> None:
    cleaning = tokenizer()
    rewrite(cleaning, Cleaning.MARKUP.steps)

    assert Tokenizer.from_str(cleaning.to_str()).encode("<b>Good&nbsp;TENT</b> &amp;").ids == [1, 2, 3]


def test_no_cleaning_leaves_the_tokenizer_as_it_is() -> None:
    untouched = tokenizer()
    rewrite(untouched, Cleaning.NONE.steps)

    assert untouched.to_str() == tokenizer().to_str()
