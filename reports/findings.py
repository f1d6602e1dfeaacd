"""What differs by more than chance, and which products need somebody: tests with a bound on false alarms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from consumers.read.counts import Counts
from dashboard.counts import total
from dashboard.statistics import Difference, difference, discoveries
from reports.counted import Sides, less

ENOUGH_TO_TEST = 10
"""Reviews on each side without which a product is not tested."""

FALSE_DISCOVERIES = 0.05
"""Share of what is called real that may be chance."""

BURST = 3
"""Strong negatives on one day below which nobody is alarmed."""


@dataclass(frozen=True)
class Tested:
    """A difference of shares, and whether it counts as more than noise among all that were tested with it."""

    difference: Difference
    real: bool


@dataclass(frozen=True)
class Finding:
    """One product in the period."""

    product_id: str
    now: Counts
    before: Counts
    last_day: Counts
    change: Tested | None
    """Share of positive reviews against the period before."""
    against_rest: Tested | None
    """Share of strong negatives against all other products."""
    burst: Tested | None
    """Share of strong negatives on the last day against its own days before."""

    @property
    def reasons(self) -> list[str]:
        """Why somebody should look at it today; none if nothing is worse than chance makes it."""
        why = []
        if _worse(self.burst, up=True):
            why.append(
                f"{self.last_day.strong_negative} of {self.last_day.reviews} reviews of the last day are strongly negative, "
                "far more than on its other days"
            )
        if _worse(self.change, up=False):
            why.append("its share of positive reviews has fallen, and that is more than noise")
        if _worse(self.against_rest, up=True):
            why.append("more of its reviews are strongly negative than of the other products'")
        return why


@dataclass(frozen=True)
class Findings:
    """All products, and how many of them could be tested."""

    products: Sequence[Finding]
    """Likeliest to have changed first."""
    tested: int

    @property
    def worse(self) -> list[Finding]:
        return [one for one in self.products if _worse(one.change, up=False)]

    @property
    def better(self) -> list[Finding]:
        return [one for one in self.products if _worse(one.change, up=True)]

    @property
    def need_somebody(self) -> list[Finding]:
        """Most reasons first, then most strong negatives."""
        needy = [one for one in self.products if one.reasons]
        return sorted(needy, key=lambda one: (-len(one.reasons), -one.now.strong_negative, one.product_id))


def find(products: Mapping[str, Sides], total: Sides) -> Findings:
    """Tested every product in three ways, each with its own bound on false discoveries (Benjamini and Hochberg 1995)."""
    changes = _tests({name: _change(sides) for name, sides in products.items()})
    rest = _tests({name: _against_rest(sides, total) for name, sides in products.items()})
    bursts = _tests({name: _burst(sides) for name, sides in products.items()})
    found = [
        Finding(
            name,
            sides.now,
            sides.before,
            sides.last_day,
            changes.get(name),
            rest.get(name),
            bursts.get(name),
        )
        for name, sides in products.items()
    ]
    found.sort(key=lambda one: (one.change.difference.p if one.change else 2.0, one.product_id))
    return Findings(found, len(changes))


def _change(sides: Sides) -> Difference | None:
    now, before = sides.now, sides.before
    if min(now.reviews, before.reviews) < ENOUGH_TO_TEST:
        return None
    return difference(now.positive, now.reviews, before.positive, before.reviews)


def _against_rest(sides: Sides, total: Sides) -> Difference | None:
    now, rest = sides.now, less(total.now, sides.now)
    if min(now.reviews, rest.reviews) < ENOUGH_TO_TEST:
        return None
    return difference(now.strong_negative, now.reviews, rest.strong_negative, rest.reviews)


def _burst(sides: Sides) -> Difference | None:
    last, earlier = sides.last_day, less(total([sides.now, sides.before]), sides.last_day)
    if last.strong_negative < BURST or earlier.reviews < ENOUGH_TO_TEST:
        return None
    return difference(last.strong_negative, last.reviews, earlier.strong_negative, earlier.reviews)


def _tests(differences: Mapping[str, Difference | None]) -> dict[str, Tested]:
    tested = {name: found for name, found in differences.items() if found is not None}
    limit = discoveries([found.p for found in tested.values()], len(tested), FALSE_DISCOVERIES)
    return {name: Tested(found, real=found.p <= limit) for name, found in tested.items()}


def _worse(test: Tested | None, *, up: bool) -> bool:
    return test is not None and test.real and (test.difference.value > 0) is up
