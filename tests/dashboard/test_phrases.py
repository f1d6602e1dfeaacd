"""What a product's strong negatives have in common, on its page."""

from dashboard_client import Serve
from shop import Shop, written
from waiting import eventually

from dashboard.phrases import FEWEST_TEXTS, PhraseBook

COMPLAINTS = [
    "The battery door is crooked. Write to jane@example.com",
    "A crooked battery door! The beam is fine. Write to jane@example.com",
    "Battery door broke. I sent it back.",
    "It arrived late and the battery door was crooked.",
    "The strap is too short for my helmet.",
]


def test_they_are_worked_out_aside_and_then_at_hand() -> None:
    book = PhraseBook()

    assert book.of(COMPLAINTS) is None
    phrases = eventually(lambda: book.of(COMPLAINTS))
    book.close()

    assert "battery door" in phrases[0].words


def test_a_few_texts_have_no_phrases() -> None:
    assert PhraseBook().of(COMPLAINTS[: FEWEST_TEXTS - 1]) == ()


def test_a_page_shows_them_once_they_are_known_without_what_is_masked(shop: Shop, serve: Serve) -> None:
    shop.count([written("lamp", False, text=text) for text in COMPLAINTS])
    client = serve()

    def html() -> str:
        return client.get("/product?product_id=lamp").text.partition("Latest strong negatives")[0]

    assert "data-pending" in html()
    page = eventually(lambda: "data-pending" not in (found := html()) and found)
    assert "battery door</bdi>" in page
    assert "jane" not in page
