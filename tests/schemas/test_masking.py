"""What identifies a person is masked wherever it stands in a text; what does not stays as it was."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.masking import mask

WORDS = st.text(st.characters(categories=["Ll", "Lu"], exclude_characters="@"), min_size=1, max_size=12)
SENTENCES = st.lists(WORDS, max_size=8).map(" ".join)
DIGITS = st.text("0123456789", min_size=1, max_size=30)


@pytest.mark.parametrize(
    "text",
    [
        "jane.doe@example.com",
        "jane+shop@mail.example.co.uk",
        "JANE@EXAMPLE.ORG",
        "jane @ example.com",
        "jane\uff20example.com",
        "j\u00fcrgen@b\u00fccher.example",
    ],
)
def test_an_email_address_is_masked(text: str) -> None:
    assert mask(f"Write to {text}, please.") == "Write to [email], please."


@pytest.mark.parametrize(
    "text",
    [
        "+44 20 7946 0958",
        "+1 (555) 010-9999",
        "(555) 010-9999",
        "0171 5550123",
        "01715550123",
        "0049 30 1234567",
        "555-123-4567",
        "555.123.4567",
        "+٤٤ ٢٠ ٧٩٤٦ ٠٩٥٨",
        "\uff0b44 20 7946 0958".replace("\uff0b", "+"),
    ],
)
def test_a_phone_number_is_masked(text: str) -> None:
    masked = mask(f"Call {text} today")

    assert masked == "Call [phone number] today"


@pytest.mark.parametrize("text", ["4111 1111 1111 1111", "4111-1111-1111-1111", "378282246310005"])
def test_a_card_number_is_masked(text: str) -> None:
    assert mask(f"My card {text} was charged") == "My card [card number] was charged"


@pytest.mark.parametrize(
    "text", ["DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819", "de89370400440532013000"]
)
def test_an_iban_is_masked_and_the_words_after_it_stay(text: str) -> None:
    assert mask(f"Refund to {text} please and soon") == "Refund to [account number] please and soon"


@pytest.mark.parametrize(
    "text",
    [
        "It cost 1,299.00 and broke in 3 days.",
        "Bought on 2026-03-01, dead by 15.03.2026.",
        "Bought on 2026-03-01 12:30.",
        "10/10, 5 stars, would buy again!",
        "The 1200 W kettle beats the 2400.",
        "Paid 12345.99 for two",
        "No one @ the shop answers",
    ],
)
def test_what_identifies_nobody_stays(text: str) -> None:
    assert mask(text) == text


@given(SENTENCES, SENTENCES, st.from_regex(r"\A[a-z0-9]{1,20}(\.[a-z0-9]{1,9})?\Z"), WORDS)
def test_no_email_address_survives(before: str, after: str, local: str, host: str) -> None:
    masked = mask(f"{before} {local}@{host}.example {after}")

    assert "@" not in masked
    assert "[email]" in masked


@given(SENTENCES, SENTENCES, st.integers(10**6, 10**18))
def test_no_long_number_survives(before: str, after: str, number: int) -> None:
    masked = mask(f"{before} {number} {after}")

    assert not re.search(r"\d{7}", masked)


@given(SENTENCES)
def test_letters_alone_stay_as_they_are(text: str) -> None:
    assert mask(text) == text


@given(st.text())
def test_masking_twice_is_masking_once(text: str) -> None:
    assert mask(mask(text)) == mask(text)


@pytest.mark.timeout(10)
@pytest.mark.parametrize("unit", ["a", "1", "1 ", "a@", "DE89", "+", "(1", "1.", "a.a@a.", "DE89 1111 "])
def test_a_text_made_to_be_slow_is_not(unit: str) -> None:
    assert mask(unit * (20_000 // len(unit)))
