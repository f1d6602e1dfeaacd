"""A real Chromium, and the dashboard over the sample shop."""

import os
import shutil
from collections.abc import Iterator

import pytest
from live_server import served
from playwright.sync_api import Browser, Page, sync_playwright
from redis import Redis
from sample_shop import sample_reviews
from shop import NOW, TOPIC, LabelLogOfTheShop, Shop

from dashboard.app import create_app
from embedded import ValkeyServer
from schemas.dashboard_settings import DashboardSettings

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium as the system has it; without one these tests fail."""
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.fail(
            "no Chromium is installed: apt-get install chromium, or name one in the variable CHROMIUM",
            pytrace=False,
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def dashboard() -> Iterator[tuple[str, Shop]]:
    """Its address, and the shop that it shows."""
    with (
        ValkeyServer() as valkey,
        Redis.from_url(valkey.url, decode_responses=True) as redis,
    ):
        shop = Shop(redis, DashboardSettings().redis_prefix)
        shop.count(list(sample_reviews()))
        settings = DashboardSettings(redis_url=valkey.url, scored_topic=TOPIC)
        label_log = LabelLogOfTheShop(shop)
        with served(create_app(settings, label_log=label_log, clock=lambda: NOW)) as address:
            yield address, shop


@pytest.fixture
def page(browser: Browser, dashboard: tuple[str, Shop]) -> Iterator[Page]:
    """A fresh browser window at the dashboard."""
    context = browser.new_context(base_url=dashboard[0], viewport={"width": 1280, "height": 800})
    yield context.new_page()
    context.close()
