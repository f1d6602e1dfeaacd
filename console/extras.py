"""Commands whose packages are an extra."""

import importlib.util
from collections.abc import Mapping, Sequence

from schemas.errors import ConfigurationError

EXTRAS: Mapping[str, Sequence[str]] = {
    "train": ("torch", "transformers", "sklearn", "gensim", "peft", "optuna"),
    "tracking": ("tensorboard", "wandb"),
    "report": ("jinja2", "matplotlib", "networkx", "sklearn"),
    "serve": ("fastapi", "jinja2", "networkx", "sklearn", "sse_starlette", "uvicorn"),
}
"""Modules that show whether an extra is there."""


def need(extra: str, *modules: str) -> None:
    """Refuse with the remedy where an extra is not installed, or those ``modules`` of it that are wanted.

    Raises:
        ConfigurationError: with the command that installs it.
    """
    if any(importlib.util.find_spec(module) is None for module in modules or EXTRAS[extra]):
        raise ConfigurationError(f"this command needs more packages: pip install '.[{extra}]' in a checkout")
