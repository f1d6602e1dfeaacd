"""Sends an alert, signed as Standard Webhooks 1.0 asks (https://www.standardwebhooks.com).

A receiver computes the same HMAC over id, timestamp and body: it knows then who sent it, and that it is no old one sent again.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from schemas.errors import DeliveryFailed

TOLD_CHARACTERS = 200
"""Of what went wrong."""


def signature(keys: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> str:
    """The header ``webhook-signature``: one signature of each key, so that a receiver may change its own in peace."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    digests = (hmac.new(key, signed, hashlib.sha256).digest() for key in keys)
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)


class _NoRedirects(HTTPRedirectHandler):
    """An alert goes where it was configured to go, and nowhere else."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Webhook:
    """Posts to one address.

    Args:
        url: checked by the settings.
        keys: that it is signed by.
        timeout_s: for the connection, and for each part of the answer.
        clock: seconds since 1970.
    """

    def __init__(self, url: str, keys: Sequence[bytes], timeout_s: float, clock: Callable[[], float]) -> None:
        self._url = url
        self._keys = keys
        self._timeout_s = timeout_s
        self._clock = clock
        self._opener = build_opener(_NoRedirects)

    def send(self, message_id: str, body: str) -> None:
        """Post it once.

        Raises:
            DeliveryFailed: nobody said that it arrived; the message holds neither address nor secret.
        """
        content, timestamp = body.encode(), int(self._clock())
        headers = {
            "content-type": "application/json",
            "user-agent": "reviewstream",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(self._keys, message_id, timestamp, content),
        }
        request = Request(self._url, content, headers, method="POST")  # noqa: S310 -- the settings let http and https through only
        try:
            with self._opener.open(request, timeout=self._timeout_s):
                return  # any 2xx; what the answer says is not read
        except HTTPError as error:
            error.close()
            raise DeliveryFailed(f"it answered {error.code}") from error
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise DeliveryFailed(str(reason)[:TOLD_CHARACTERS] or type(error).__name__) from error
