"""Several bundles in one scorer: the language of a review picks the engine that reads it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from consumers.infer.engine import Engine
from consumers.infer.runner import RunFailure
from schemas.errors import BundleError, ProviderError
from schemas.events import ModelReference, Sentiment
from schemas.settings import ScorerSettings


class TextScorer(Protocol):
    """The part of an engine that scoring needs."""

    model: ModelReference
    batch_size: int

    def score(self, texts: Sequence[str]) -> list[Sentiment | RunFailure]:
        """One sentiment a text, in order."""


@dataclass(frozen=True)
class Router:
    """Engines by primary language subtag, and the default one for every other language and for none.

    They are called one after the other, so no more reviews run at a time than one engine runs.
    """

    default: TextScorer
    by_language: Mapping[str, TextScorer] = field(default_factory=dict)

    @property
    def batch_size(self) -> int:
        """How many texts ``score`` is best given at once where many wait."""
        return max(engine.batch_size for engine in (self.default, *self.by_language.values()))

    def engine_for(self, language: str | None) -> TextScorer:
        """The engine of a BCP 47 tag: that of its primary subtag, whatever the case."""
        return self.by_language.get(primary_subtag(language or ""), self.default)

    def score(self, texts: Sequence[tuple[str, str | None]]) -> list[Sentiment | RunFailure]:
        """Sentiments in the order of ``texts``, which are pairs of a text and its language.

        Raises:
            ProviderError: a model fails on every text, so no review is to blame.
        """
        rows_of: dict[int, list[int]] = {}
        engines = [self.engine_for(language) for _, language in texts]
        for row, engine in enumerate(engines):
            rows_of.setdefault(id(engine), []).append(row)
        sentiments: dict[int, Sentiment | RunFailure] = {}
        for rows in rows_of.values():
            scored = engines[rows[0]].score([texts[row][0] for row in rows])
            sentiments.update(zip(rows, scored, strict=True))
        return [sentiments[row] for row in range(len(texts))]

    def models(self) -> Iterable[tuple[str | None, ModelReference]]:
        """Each language with its model; None is every other language."""
        yield None, self.default.model
        for language, engine in self.by_language.items():
            yield language, engine.model


def primary_subtag(language: str) -> str:
    """What a BCP 47 tag begins with: ``zh`` of ``zh-Hant-TW``."""
    return language.partition("-")[0].lower()


def start_router(settings: ScorerSettings) -> Router:
    """Start an engine for the default bundle and each bundle of a language; a folder that is named twice once.

    Raises:
        BundleError: a bundle is damaged or cannot be loaded.
        ProviderError: the provider does not run here, or a model fails on a plain text.
    """
    engines: dict[Path | None, Engine] = {}

    def engine_of(folder: Path | None) -> Engine:
        if folder not in engines:
            engines[folder] = Engine.start(folder, settings.provider, settings.threads)
        return engines[folder]

    default = engine_of(settings.bundle)
    by_language: dict[str, Engine] = {}
    for language, folder in settings.bundles_by_language().items():
        try:
            by_language[language] = engine_of(folder)
        except (BundleError, ProviderError) as error:
            raise type(error)(f"bundle of language {language!r}: {error}") from error
    return Router(default, by_language)
