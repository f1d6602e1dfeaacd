"""One number for the whole recounted state, so that two receipts can be compared."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from schemas.redis_keys import Counter, Place


class Digest:
    """SHA-256 over lines of compact ASCII JSON, each ended by a line feed, in this order.

    Products by the code points of their ids; of each product

    1. ``["product",id]``
    2. ``["label",review_id,label]`` of each review that counts, by the code points of its id; labels as
       ``StoredLabel.encode`` writes them
       then ``["relabel",review_id,code,letter]`` of each thing that a person says of a review and the model said, by code
    3. ``["counts",channel,day,[...],updated_at]`` of each hash that holds more than zeros, by channel and day ("" for
       all days); the counters in the order of ``Counter``, ``score_sum`` in micro-units; ``updated_at`` in microseconds
       since 1970; then the campaign, of what one brought
    4. ``["applied",place,offset]`` of each ``<topic>:<partition>``, by its code points

    Rankings, campaigns and customers follow from the labels, and what Redis holds has no part in it. Days are hashed however old they are.
    """

    def __init__(self) -> None:
        self._sha = hashlib.sha256()

    def product(self, product_id: str) -> None:
        self._line("product", product_id)

    def label(self, review_id: str, code: str) -> None:
        self._line("label", review_id, code)

    def relabel(self, review_id: str, code: str, letter: str) -> None:
        self._line("relabel", review_id, code, letter)

    def counts(self, place: Place, counters: Mapping[Counter, int], updated_us: int) -> None:
        day = place.day.isoformat() if place.day else ""
        campaign = [] if place.campaign_id is None else [place.campaign_id]
        counted = [counters[counter] for counter in Counter]
        self._line("counts", place.channel, day, counted, updated_us, *campaign)

    def applied(self, place: str, offset: int) -> None:
        self._line("applied", place, offset)

    def hexdigest(self) -> str:
        return self._sha.hexdigest()

    def _line(self, *parts: Any) -> None:
        self._sha.update(json.dumps(parts, separators=(",", ":")).encode() + b"\n")
