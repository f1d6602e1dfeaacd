"""Names of the Redis keys of the customer-service desk, which are no part of the view and survive a rebuild."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DeskKeys:
    """Who works on what. A place is ``<topic>:<partition>:<offset>`` of a scored event."""

    prefix: str = "reviewstream:"

    def claim(self, product_id: str, place: str) -> str:
        """String: who claims it; it expires."""
        return f"{self.prefix}desk:{{{product_id}}}:claim:{place}"

    def done(self, product_id: str) -> str:
        """Sorted set: places that are done, by the second at which that may be forgotten."""
        return f"{self.prefix}desk:{{{product_id}}}:done"
