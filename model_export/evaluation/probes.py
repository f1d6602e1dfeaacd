"""Short texts of our own with one difficulty each, to see what holds (Ribeiro et al. 2020, "Beyond Accuracy": CheckList)."""

from typing import Any

from model_export.evaluation.figures import Probe, ProbeKind
from model_export.evaluation.measured import OnProgress, Score, score_all, silent
from model_export.evaluation.texts import load


def try_probes(language: str, score: Score, on_progress: OnProgress = silent) -> tuple[ProbeKind, ...]:
    """Score every probe of a language, and its plain form where it has one."""
    document: dict[str, Any] = load("probes", language)
    probes = [probe for kind in document["kinds"] for probe in kind["probes"]]
    texts = sorted({text for probe in probes for text in (probe["text"], probe.get("plain")) if text})
    sentiments = dict(zip(texts, score_all(score, texts, "trying probes", on_progress), strict=True))

    def tried(probe: dict[str, str]) -> Probe:
        sentiment, plain = sentiments[probe["text"]], probe.get("plain")
        return Probe.model_validate(
            {
                **probe,
                "score": sentiment.score,
                "held": sentiment.label == probe["expected"],
                "plain_held": None if plain is None else sentiments[plain].label == probe["expected"],
            }
        )

    kinds = [(kind, tuple(map(tried, kind["probes"]))) for kind in document["kinds"]]
    return tuple(
        ProbeKind(
            kind=kind["kind"],
            meaning=kind["meaning"],
            held=sum(probe.held for probe in probes),
            probes=probes,
        )
        for kind, probes in kinds
    )
