"""What a page shows of some days beside as many before: the sums, whether they differ, and the charts."""

from collections.abc import Sequence

from dashboard.counts import DayCounts, total
from dashboard.pages import charts
from dashboard.periods import Period
from dashboard.statistics import difference


def against_before(period: Period, days: Sequence[DayCounts]) -> dict[str, object]:
    """For a template.

    Args:
        period: that is shown.
        days: of the period before and of this one.
    """
    series, earlier = days[len(period) :], days[: len(period)]
    now, before = (total(counts for _, counts in part) for part in (series, earlier))
    return {
        "period": period,
        "now": now,
        "before": before,
        "change": difference(now.positive, now.reviews, before.positive, before.reviews),
        "volume": charts.volume_chart(series),
        "share": charts.share_chart(series),
    }
