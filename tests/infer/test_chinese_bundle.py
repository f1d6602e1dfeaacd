# ruff: noqa: RUF001 -- Chinese has commas of its own
"""The Chinese model beside the default one: right where anybody would be, and asked for Chinese alone."""

from pathlib import Path

import pytest

from consumers.infer.router import Router, start_router
from schemas.events import Label, Sentiment
from schemas.settings import Provider, ScorerSettings

CHINESE = Path(__file__).parents[2] / "bundles" / "zh"

PRAISE = [
    "质量很好，穿着舒服，下次还会再来买。",
    "物流很快，苹果又脆又甜，家人都喜欢。",
    "屏幕清晰，运行流畅，非常满意。",
]
COMPLAINTS = [
    "用了两天就坏了，客服也不理人，太差了。",
    "水果都烂了，再也不买了。",
    "和图片完全不一样，要求退货。",
]


@pytest.fixture(scope="module")
def router() -> Router:
    settings = ScorerSettings(bundles=f"zh={CHINESE}", provider=Provider.CPU, threads=1)
    return start_router(settings)


def labels(router: Router, texts: list[tuple[str, str | None]]) -> list[Label]:
    outcomes = [outcome for outcome in router.score(texts) if isinstance(outcome, Sentiment)]
    assert len(outcomes) == len(texts)
    return [outcome.label for outcome in outcomes]


def test_it_says_what_it_was_trained_on(router: Router) -> None:
    assert router.engine_for("zh-CN").model.name == "bge-small-l4-shop-reviews-zh"
    assert router.engine_for("en").model.name != router.engine_for("zh").model.name


def test_it_tells_praise_from_complaint(router: Router) -> None:
    assert labels(router, [(text, "zh") for text in PRAISE]) == [Label.POSITIVE] * len(PRAISE)
    assert labels(router, [(text, "zh-Hans-CN") for text in COMPLAINTS]) == [Label.NEGATIVE] * len(COMPLAINTS)


def test_a_stream_of_both_languages_keeps_its_order(router: Router) -> None:
    texts: list[tuple[str, str | None]] = [
        (COMPLAINTS[0], "zh"),
        ("Absolutely love it, works perfectly.", None),
        (PRAISE[0], "zh"),
        ("Broke on the second day, I want a refund.", "en"),
    ]

    assert labels(router, texts) == [Label.NEGATIVE, Label.POSITIVE, Label.POSITIVE, Label.NEGATIVE]
