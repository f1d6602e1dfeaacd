"""The language of a review picks its engine; order and names of models are kept."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from tiny_bundles import MODEL_FILE, write_bundle

from consumers.infer.engine import Engine
from consumers.infer.router import Router, start_router
from consumers.infer.runner import RunFailure
from schemas.errors import BundleError
from schemas.events import ModelReference, Sentiment
from schemas.settings import Provider, ScorerSettings


class Echo:
    """Fails on every text and says who it is and what it read: all that routing is about."""

    def __init__(self, name: str) -> None:
        self.model = ModelReference(name=name, version="0123456789ab")
        self.calls: list[list[str]] = []

    def score(self, texts: Sequence[str]) -> list[Sentiment | RunFailure]:
        self.calls.append(list(texts))
        return [RunFailure(f"{self.model.name}: {text}") for text in texts]


@pytest.fixture
def router() -> Router:
    return Router(Echo("any"), {"zh": Echo("chinese"), "de": Echo("german")})


def said(router: Router, *texts: tuple[str, str | None]) -> list[str]:
    return [outcome.detail for outcome in router.score(texts) if isinstance(outcome, RunFailure)]


@pytest.mark.parametrize("language", ["zh", "ZH", "zh-CN", "Zh-Hant-TW", "zh-cmn-Hans"])
def test_the_primary_subtag_picks_the_engine_whatever_the_case(router: Router, language: str) -> None:
    assert said(router, ("a", language)) == ["chinese: a"]
    assert router.engine_for(language).model.name == "chinese"


@pytest.mark.parametrize("language", [None, "", "en", "fr-CA", "zho", "d", "x-zh"])
def test_every_other_language_goes_to_the_default(router: Router, language: str | None) -> None:
    assert said(router, ("a", language)) == ["any: a"]


def test_results_come_in_the_order_of_the_texts(router: Router) -> None:
    texts = [("a", "zh"), ("b", None), ("c", "de"), ("d", "zh-CN"), ("e", "en")]

    assert said(router, *texts) == ["chinese: a", "any: b", "german: c", "chinese: d", "any: e"]


def test_each_engine_is_called_once_and_only_if_it_has_something_to_read() -> None:
    any_other, chinese, german = (Echo(name) for name in ("any", "chinese", "german"))
    router = Router(any_other, {"zh": chinese, "de": german})

    router.score([("a", "zh"), ("b", None), ("c", "zh"), ("d", "en")])

    assert (any_other.calls, chinese.calls, german.calls) == ([["b", "d"]], [["a", "c"]], [])


def test_no_texts_call_nobody(router: Router) -> None:
    assert router.score([]) == []


@pytest.fixture
def bundles(tmp_path: Path) -> dict[str, Path]:
    """Two real ones that differ in name and temperature."""
    heads = [
        {"name": "polarity", "labels": ["negative", "positive"], "temperature": 8.0},
        {"name": "intensity", "labels": ["weak", "strong"], "temperature": 1.0},
    ]
    return {
        "any": write_bundle(tmp_path / "any"),
        "zh": write_bundle(tmp_path / "zh", name="tiny-zh", heads=heads),
    }


def settings(bundles: dict[str, Path], listed: str) -> ScorerSettings:
    return ScorerSettings(bundle=bundles["any"], bundles=listed, provider=Provider.CPU, threads=1)


def test_real_bundles_score_as_each_does_alone(bundles: dict[str, Path]) -> None:
    router = start_router(settings(bundles, f"zh={bundles['zh']}"))
    alone = {name: Engine.start(folder, Provider.CPU, threads=1) for name, folder in bundles.items()}

    scored = router.score([("good kettle", None), ("good kettle", "zh-TW"), ("awful", "en")])

    assert scored == [
        *alone["any"].score(["good kettle"]),
        *alone["zh"].score(["good kettle"]),
        *alone["any"].score(["awful"]),
    ]
    assert scored[0] != scored[1]
    assert dict(router.models()) == {None: alone["any"].model, "zh": alone["zh"].model}


def test_a_folder_that_serves_several_languages_is_opened_once(bundles: dict[str, Path]) -> None:
    router = start_router(settings(bundles, f"zh={bundles['zh']},ja={bundles['zh']},en={bundles['any']}"))

    assert router.by_language["zh"] is router.by_language["ja"]
    assert router.by_language["en"] is router.default


def test_a_damaged_bundle_of_one_language_is_refused_at_the_start(bundles: dict[str, Path]) -> None:
    (bundles["zh"] / MODEL_FILE).write_bytes(b"damaged")

    with pytest.raises(BundleError, match=r"bundle of language 'zh': .*/zh/.*: its SHA-256 differs"):
        start_router(settings(bundles, f"zh={bundles['zh']}"))


def test_a_missing_bundle_of_one_language_is_refused_at_the_start(bundles: dict[str, Path]) -> None:
    with pytest.raises(
        BundleError, match=r"bundle of language 'de': /nowhere/manifest\.json: cannot be read"
    ):
        start_router(settings(bundles, "de=/nowhere"))
