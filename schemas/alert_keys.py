"""Names of the Redis keys of the alerts, which are no part of the view and survive a rebuild."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AlertKeys:
    """What was alarmed about and what has yet to be sent. All of it lives in one slot, so that one script can change it."""

    prefix: str = "reviewstream:"

    @property
    def _start(self) -> str:
        return f"{{{self.prefix}alerts}}:"

    @property
    def looks(self) -> str:
        """Hash: rule -> number of its latest look, counted in intervals since 1970."""
        return f"{self._start}looks"

    @property
    def open(self) -> str:
        """Sorted set: ``member`` -> when the quiet time of the incident ends, in milliseconds since 1970."""
        return f"{self._start}open"

    @property
    def opened(self) -> str:
        """Hash: ``member`` -> the alert of the incident, without texts of customers."""
        return f"{self._start}opened"

    @staticmethod
    def member(rule: str, product_id: str) -> str:
        """What an incident is about; rules have no colon in their names."""
        return f"{rule}:{product_id}"

    @property
    def due(self) -> str:
        """Sorted set: id of an alert that is not delivered yet -> when to send it, in milliseconds since 1970."""
        return f"{self._start}due"

    @property
    def bodies(self) -> str:
        """Hash: id of an alert that is not delivered yet -> what to send."""
        return f"{self._start}bodies"

    @property
    def attempts(self) -> str:
        """Hash: id of an alert that is not delivered yet -> how often that was begun."""
        return f"{self._start}attempts"
