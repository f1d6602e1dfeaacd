"""From a bundle to what explains texts."""

from collections.abc import Callable
from pathlib import Path

from consumers.explain.occlusion import Explainer, Explanation
from consumers.infer.engine import Engine
from consumers.infer.runner import RunFailure
from schemas.settings import Provider

Explain = Callable[[str], Explanation | RunFailure]
"""To be called from one thread at a time."""


def start_explaining(folder: Path | None) -> Explain:
    """Open a bundle and start it on the CPU, a pass on each core.

    Raises:
        BundleError: the bundle is damaged or cannot be loaded.
        ProviderError: the model fails on a plain text.
    """
    return Explainer(Engine.start(folder, Provider.CPU)).explain
