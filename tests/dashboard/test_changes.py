"""Changes as they come: noticed, told to everybody, and too much for nobody."""

import asyncio
import json
import threading
from collections.abc import Iterator
from urllib.request import urlopen

import pytest
from dashboard_client import Clock, Serve
from live_server import served
from shop import NOW, TOPIC, Shop, written

from dashboard import watch
from dashboard.api.changes import NAMED, events
from dashboard.app import create_app
from dashboard.watch import MAX_WAITING, Broadcast, Change, TooManyListeners
from embedded import ValkeyServer
from schemas.dashboard_settings import DashboardSettings


def change(*products: str) -> Change:
    return Change(NOW, products)


async def told(
    broadcast: Broadcast, changes: list[Change], product_id: str | None, count: int
) -> list[tuple[str, dict]]:  # type: ignore[type-arg]
    listener = broadcast.open()
    stream = events(broadcast, listener, product_id)
    for one in changes:
        broadcast.tell(one)
    found = []
    async for event in stream:
        found.append((event.event, json.loads(event.data)))
        if len(found) == count:
            break
    await stream.aclose()
    return found


def test_a_stream_opens_and_names_what_changed() -> None:
    found = asyncio.run(told(Broadcast(), [change("b", "a")], None, 2))

    assert [name for name, _ in found] == ["ready", "changed"]
    assert found[1][1] == {"at": NOW.isoformat(), "products": ["a", "b"], "more": 0}


def test_a_stream_of_one_product_hears_of_that_alone() -> None:
    found = asyncio.run(told(Broadcast(), [change("b"), change("a", "b")], "a", 2))

    assert found[1][1]["products"] == ["a"]


def test_an_event_names_only_so_many() -> None:
    many = change(*(f"p{number:03}" for number in range(NAMED + 7)))

    _, (_, data) = asyncio.run(told(Broadcast(), [many], None, 2))

    assert (len(data["products"]), data["more"]) == (NAMED, 7)


def test_a_reader_too_slow_is_told_and_dropped_and_others_are_not() -> None:
    async def slow_and_quick() -> None:
        broadcast = Broadcast(limit=2)
        slow, quick = broadcast.open(), broadcast.open()
        for number in range(MAX_WAITING + 1):
            broadcast.tell(change(str(number)))
            assert (await quick.next()).products == (str(number),)

        stream = [event.event async for event in events(broadcast, slow, None)]

        assert stream[-1] == "too_slow"
        assert not quick.too_slow
        broadcast.open()  # the place is free again

    asyncio.run(slow_and_quick())


def test_no_more_streams_than_there_may_be() -> None:
    async def open_all() -> None:
        broadcast = Broadcast(limit=1)
        first = broadcast.open()
        with pytest.raises(TooManyListeners):
            broadcast.open()
        broadcast.close(first)
        broadcast.open()

    asyncio.run(open_all())


def test_only_what_changed_is_told(shop: Shop, serve: Serve) -> None:
    shop.count([written("kettle"), written("pan")])
    client = serve()
    services = client.app.state.services
    listener = services.broadcast.open()

    shop.count([written("pan"), written("new")])
    client.portal.call(services.watcher.look)

    heard = client.portal.call(listener.next)
    assert set(heard.products) == {"pan", "new"}
    assert client.get("/api/v1/overview").json()["now"]["reviews"] == 4


def test_a_shop_at_rest_is_not_read_again(shop: Shop, serve: Serve) -> None:
    shop.count([written("kettle")])
    client = serve()
    services = client.app.state.services
    version = services.index.version

    client.portal.call(services.watcher.look)

    assert services.index.version == version


def test_a_rebuilt_view_is_read_as_a_whole(shop: Shop, serve: Serve) -> None:
    shop.count([written("kettle"), written("kettle")])
    client = serve()
    # What a swap leaves: the same revisions over other counts, and another generation.
    day = f"{shop.keys.product('kettle')}:day:2026-03-28"
    shop.redis.hset(day, mapping={"reviews": 1, "positive": 1, "score_sum": "0.900000"})
    shop.redis.set(shop.keys.generation, "another")
    shop.redis.hset(shop.keys.offsets(TOPIC), "0", 3)

    client.portal.call(client.app.state.services.watcher.look)

    assert client.get("/api/v1/overview").json()["now"]["reviews"] == 1


@pytest.fixture
def address(valkey: ValkeyServer, redis_prefix: str, clock: Clock, shop: Shop) -> Iterator[str]:
    shop.count([written("kettle")])
    settings = DashboardSettings(redis_url=valkey.url, redis_prefix=redis_prefix, scored_topic=TOPIC)
    with served(create_app(settings, clock=clock)) as address:
        yield address


def test_a_change_arrives_at_a_browser_within_seconds(address: str, shop: Shop) -> None:
    with urlopen(f"{address}/api/v1/changes?product_id=kettle", timeout=60) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.readline().strip() == b"event: ready"
        counting = threading.Thread(target=shop.count, args=[[written("kettle")]])
        counting.start()
        lines = iter(stream.readline, b"")
        assert next(line for line in lines if line.startswith(b"event:")).strip() == b"event: changed"
        assert b'"kettle"' in next(lines)
        counting.join()


def test_the_watch_ends_even_when_its_cancellation_is_swallowed(
    valkey: ValkeyServer, redis_prefix: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "INTERVAL_S", 0.0003)  # so that nearly every end meets an answer of Redis
    settings = DashboardSettings(redis_url=valkey.url, redis_prefix=redis_prefix)

    async def start_and_stop(pause: float) -> None:
        app = create_app(settings, clock=clock)
        async with app.router.lifespan_context(app):
            await app.state.services.watcher.settled()
            await asyncio.sleep(pause)

    async def many() -> None:
        for number in range(20):
            await asyncio.wait_for(start_and_stop(number * 0.0004), timeout=60)

    asyncio.run(many())
