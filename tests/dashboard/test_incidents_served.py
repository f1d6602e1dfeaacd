"""The open incidents of the alerts, in the API and on the overview, as the process of the alerts left them."""

from datetime import date, datetime, timedelta

from dashboard_client import Clock, Serve
from redis import Redis
from shop import NOW, Shop, written

from alerts.incidents import Incidents, Place
from schemas.alert_keys import AlertKeys
from schemas.alerts import Alert, AlertData, AlertedSpan
from schemas.events import Channel

V1 = "/api/v1"
QUIET_DAYS = 3
HOSTILE = "<script>alert(1)</script>"


def alert(product_id: str, at: datetime = NOW) -> Alert:
    return Alert(
        timestamp=at,
        data=AlertData(
            incident_id=f"incident_{product_id}",
            rule="sudden",
            product_id=product_id,
            channels=(Channel.REVIEW,),
            summary="It is bad.",
            window=AlertedSpan(
                first=date(2026, 3, 28), last=date(2026, 3, 28), reviews=50, strong_negative=21, share=0.42
            ),
            baseline=AlertedSpan(
                first=date(2026, 3, 1), last=date(2026, 3, 27), reviews=560, strong_negative=28, share=0.05
            ),
            p=1e-12,
            level=1e-7,
            products_watched=1000,
        ),
    )


def open_incident(redis: Redis, prefix: str, product_id: str, at: datetime = NOW) -> None:
    opened = Incidents(redis, AlertKeys(prefix)).open(
        Place("sudden", product_id), QUIET_DAYS, alert(product_id, at), int(at.timestamp() * 1000)
    )
    assert opened


def test_the_api_lists_what_is_open_the_latest_first(
    redis: Redis, redis_prefix: str, serve: Serve, clock: Clock
) -> None:
    open_incident(redis, redis_prefix, "kettle", NOW - timedelta(hours=2))
    open_incident(redis, redis_prefix, "pan", NOW - timedelta(hours=1))
    client = serve()

    both = client.get(f"{V1}/incidents").json()["open"]
    clock.now += timedelta(days=QUIET_DAYS) - timedelta(hours=2)
    later = client.get(f"{V1}/incidents").json()["open"]

    assert [one["data"]["product_id"] for one in both] == ["pan", "kettle"]
    assert [one["data"]["product_id"] for one in later] == ["pan"]


def test_without_alerts_there_is_nothing_to_see(shop: Shop, serve: Serve) -> None:
    shop.count([written("kettle")])
    client = serve()

    assert client.get(f"{V1}/incidents").json() == {"open": []}
    assert "Open incidents" not in client.get("/").text


def test_the_overview_shows_them_and_a_hostile_product_is_text(
    shop: Shop, redis: Redis, redis_prefix: str, serve: Serve
) -> None:
    shop.count([written("kettle")])
    open_incident(redis, redis_prefix, HOSTILE)

    page = serve().get("/").text

    assert "Open incidents" in page
    assert "21 of 50" in page
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
