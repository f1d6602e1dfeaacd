"""Texts of our own to try a model with, by language: probes, and sentences in which a person's group is swapped."""

import json
from importlib.resources import files
from typing import Any, Literal

Kind = Literal["probes", "counterfactuals"]


def languages() -> list[str]:
    """Languages, as BCP 47 codes, for which there are texts."""
    return sorted(
        path.name.split(".")[1] for path in files(__name__).iterdir() if path.name.startswith("probes.")
    )


def load(kind: Kind, language: str) -> Any:
    """The JSON document of one kind in one language."""
    return json.loads((files(__name__) / f"{kind}.{language}.json").read_text(encoding="utf-8"))
