"""Bytes in Redis: of labels by their code and by reviews a product, and of all that a product has."""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import islice
from pathlib import Path

from redis import Redis

from benchmarks.servers import report
from consumers.aggregate.contribution import Contribution
from consumers.aggregate.labels import StoredLabel, days_since_1970
from embedded import ValkeyServer
from schemas.events import Channel, Intensity, Label
from schemas.redis_keys import ViewKeys

DELAY = 12
"""Days: two digits, as most reviews have that do not come on the day on which they are written."""

WITHOUT_CODE = "review ids alone"
CODES: dict[str, Callable[[Contribution], str]] = {
    WITHOUT_CODE: lambda _contribution: "",
    "code of five fields": Contribution.encode_older,
    "code of nine characters": Contribution.encode,
    "the same, counted days after it was written": lambda one: StoredLabel(
        one, days_since_1970(one.day) + DELAY
    ).encode(),
}
A_CALL = 500
LONG_LISTPACK = 1_000


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--reviews", type=int, default=1_000_000)
    arguments.add_argument("--a-product", type=int, nargs="+", default=[10, 100, 400, 1_000, 10_000])
    arguments.add_argument("--json", type=Path)
    options = arguments.parse_args()
    figures: dict[str, object] = {}
    with empty_server() as redis:
        figures["server"] = f"{redis.info('server')['server_name']} {redis.info('server')['valkey_version']}"
        figures["hash-max-listpack-entries"] = redis.config_get("hash-max-listpack-entries")[
            "hash-max-listpack-entries"
        ]
    for a_product in options.a_product:
        for name, encode in CODES.items():
            with empty_server() as redis:
                each = bytes_a_review(redis, options.reviews, a_product, encode)
            figures[f"labels, {a_product:,} reviews a product, {name}: bytes a review"] = round(each, 1)
        with empty_server("--hash-max-listpack-entries", str(LONG_LISTPACK)) as redis:
            each = bytes_a_review(redis, options.reviews, a_product, Contribution.encode)
        name = f"nine characters, listpacks of up to {LONG_LISTPACK:,}"
        figures[f"labels, {a_product:,} reviews a product, {name}: bytes a review"] = round(each, 1)
    report(figures, options.json)


@contextmanager
def empty_server(*arguments: str) -> Iterator[Redis]:
    """A fresh Valkey."""
    with (
        ValkeyServer(arguments=arguments) as server,
        Redis.from_url(server.url, decode_responses=True) as redis,
    ):
        yield redis


def bytes_a_review(
    redis: Redis, reviews: int, a_product: int, encode: Callable[[Contribution], str]
) -> float:
    """What Redis takes for the labels of so many reviews, ids of 14 characters, over the number of reviews."""
    before = redis.info("memory")["used_memory"]
    keys = ViewKeys()
    for product in range(reviews // a_product):
        labels = (
            (f"R{product * a_product + number:013d}", encode(contribution(number)))
            for number in range(a_product)
        )
        while batch := dict(islice(labels, A_CALL)):
            redis.hset(keys.labels(f"B{product:09d}"), mapping=batch)
    return (redis.info("memory")["used_memory"] - before) / reviews


def contribution(number: int) -> Contribution:
    """One of many."""
    return Contribution(
        Channel.REVIEW,
        Label.POSITIVE if number % 3 else Label.NEGATIVE,
        Intensity.STRONG,
        needs_review=number % 11 == 0,
        score_micros=number * 7919 % 1_000_001,
        day=date(2026, 1, 1) + timedelta(days=number % 365),
    )


if __name__ == "__main__":
    main()
