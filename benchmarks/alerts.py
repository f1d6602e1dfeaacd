"""Alerts: false alarms against what is promised, reviews until a real rise is seen, and the time of a look.

Shops are simulated: each review is a strong negative with its product's probability, and looks come evenly through the day.
"""

import argparse
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from alerts.judge import alarming, level, look, upper_tail
from benchmarks.servers import report
from dashboard.counts import CHANNELS
from schemas.alert_rules import AlertRule

LOOKS = 96
SHARES = (0.02, 0.05, 0.2)

p_value = lru_cache(maxsize=None)(upper_tail)


def main() -> None:
    """Simulate, and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--days", type=int, default=2000, help="simulated, of the shop for false alarms")
    arguments.add_argument("--products", type=int, default=50, help="of that shop")
    arguments.add_argument("--seed", type=int, default=7)
    arguments.add_argument("--json", type=Path)
    options = arguments.parse_args()
    draw = np.random.default_rng(options.seed)
    figures: dict[str, object] = {}
    rule = AlertRule(name="often", days_per_false_alarm=1, minimum_reviews=1, minimum_strong_negatives=1)
    every = rule.model_copy(update={"at_least_times": 1.0})
    for share in SHARES:
        for name, spread in (
            ("independent reviews", 0.0),
            ("share that varies by a fifth from day to day", 0.2),
        ):
            alarms, alarmed = false_alarms(every, options.days, options.products, share, spread, draw)
            figures[f"{share:.0%} usual, {name}: looks that alarm a day, promised at most 1"] = round(
                alarms, 4
            )
            figures[f"{share:.0%} usual, {name}: products that alarm a day"] = round(alarmed, 4)
    rule = AlertRule(name="sudden")
    for products in (100, 10_000):
        for now in (0.1, 0.2, 0.5):
            needed = until_alarm(level(rule, LOOKS, products), 0.05, now, draw)
            figures[f"{products:,} products, 5% usual, now {now:.0%}: reviews until alarm, median"] = needed
    figures["look at 10,000 products of 30 days: s"] = round(seconds_of_a_look(rule, 10_000, draw), 2)
    report(figures, options.json)


def false_alarms(
    rule: AlertRule, days: int, products: int, share: float, spread: float, draw: np.random.Generator
) -> tuple[float, float]:
    """Looks that alarm, and products that do, of a day on average; nothing is ever really wrong.

    Args:
        rule: whose level is held.
        days: to simulate.
        products: of the shop, with 560 reviews in the baseline and 40 in the window each.
        share: of strong negatives, usually.
        spread: standard deviation of the share from day to day, as a part of it.
        draw: random numbers.
    """
    limit, baseline_days = level(rule, LOOKS, products), 28
    alarms = alarmed = 0
    for _ in range(days * products):
        of_day = np.clip(share * (1 + spread * draw.standard_normal(baseline_days + 1)), 0, 1)
        before = int(draw.binomial(20, of_day[:-1]).sum())
        found = np.cumsum(draw.random(40) < of_day[-1])
        seen = np.linspace(0, 40, LOOKS + 1, dtype=int)[1:]
        hits = sum(p_value(int(found[n - 1]), int(n), before, 560) <= limit for n in seen if n)
        alarms += hits
        alarmed += bool(hits)
    return alarms / days, alarmed / days


def until_alarm(limit: float, usual: float, now: float, draw: np.random.Generator) -> int | None:
    """Reviews of the risen share until a look after each of them alarms; None for more than 3,000."""
    needed = []
    for _ in range(200):
        before, found = int(draw.binomial(560, usual)), np.cumsum(draw.random(3000) < now)
        alarms = (n for n in range(1, 3001) if p_value(int(found[n - 1]), n, before, 560) <= limit)
        needed.append(next(alarms, 10**9))
    median = int(np.median(needed))
    return median if median <= 3000 else None


def seconds_of_a_look(rule: AlertRule, products: int, draw: np.random.Generator) -> float:
    """Of testing alone, with all products at their usual; reading takes Redis as long as a page of the dashboard."""
    counted: npt.NDArray[np.integer[Any]] = np.zeros((products, len(CHANNELS), rule.days, 2), np.int32)
    counted[..., 0, :, 0] = 20
    counted[..., 0, :, 1] = draw.binomial(20, 0.05, (products, rule.days))
    names = [f"product-{number}" for number in range(products)]
    started = time.perf_counter()
    found = look(rule, LOOKS, names, counted)
    alarming(found.suspects, level(rule, LOOKS, found.watched))
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
