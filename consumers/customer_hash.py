"""Who wrote a review, in a form that tells nobody who that is."""

import hashlib
import hmac
from collections.abc import Callable

from pydantic import SecretStr

HASH_DIGITS = 32
"""As ``CUSTOMER_HASH_PATTERN`` explains."""

CustomerHash = Callable[[str | None], str | None]
"""From a customer's id, if the shop gave one, to what is published."""


def customer_hash(key: SecretStr | None) -> CustomerHash:
    """HMAC-SHA256 (RFC 2104) under a key, in hex digits: without it, nobody can try ids until one fits.

    Args:
        key: None drops every id.
    """
    if key is None:
        return lambda _customer_id: None
    secret = key.get_secret_value().encode()

    def hashed(customer_id: str | None) -> str | None:
        if customer_id is None:
            return None
        return hmac.new(secret, customer_id.encode(), hashlib.sha256).hexdigest()[:HASH_DIGITS]

    return hashed
