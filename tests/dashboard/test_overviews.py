"""Sums over all products are made no more often than anybody looks."""

from dashboard_client import Serve
from shop import Shop, written

from dashboard.overview import KEPT_S, Overviews
from schemas.events import Channel


def test_in_a_busy_shop_an_overview_is_some_seconds_old_at_most_and_not_made_anew_before(
    shop: Shop, serve: Serve
) -> None:
    shop.count([written("kettle")])
    client, seconds = serve(), [100.0]
    services = client.app.state.services
    overviews = Overviews(services.index, lambda: seconds[0])
    first = overviews.overview(7, Channel.REVIEW)

    shop.count([written("kettle"), written("kettle", channel=Channel.SUPPORT)])
    client.portal.call(services.watcher.look)
    seconds[0] += KEPT_S - 0.1
    assert overviews.overview(7, Channel.REVIEW) is first
    assert overviews.overview(7, Channel.SUPPORT).now.reviews == 1
    seconds[0] += 0.1

    assert (first.now.reviews, overviews.overview(7, Channel.REVIEW).now.reviews) == (1, 2)


def test_an_overview_of_an_incomplete_index_is_not_kept(shop: Shop, serve: Serve) -> None:
    shop.count([written("kettle")])
    client = serve()
    services = client.app.state.services
    overviews = Overviews(services.index, lambda: 100.0)
    services.index.complete = False
    assert not overviews.overview(7, Channel.REVIEW).complete

    shop.count([written("kettle")])
    client.portal.call(services.watcher.look)

    assert overviews.overview(7, Channel.REVIEW).now.reviews == 2
