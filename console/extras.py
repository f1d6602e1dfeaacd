"""Commands whose packages are an extra."""

import importlib.util

from schemas.errors import ConfigurationError


def need(extra: str) -> None:
    """Refuse with the remedy where an extra is not installed.

    Raises:
        ConfigurationError: with the command that installs it.
    """
    if any(importlib.util.find_spec(module) is None for module in ("torch", "transformers", "sklearn")):
        raise ConfigurationError(f"this command needs more packages: pip install '.[{extra}]' in a checkout")
