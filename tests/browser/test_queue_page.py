"""The queue in a real browser: by keyboard alone, and with a rival."""

import re
from collections.abc import Iterator
from functools import partial

import pytest
from axe_playwright_python.sync_playwright import Axe
from blaming import blame
from live_server import served
from playwright.sync_api import Browser, Page, expect
from redis import Redis
from sample_shop import HOSTILE
from shop import NOW, TOPIC, LabelLogOfTheShop, Shop, written

from dashboard.app import create_app
from embedded import ValkeyServer
from schemas.dashboard_settings import DashboardSettings
from schemas.events import Channel

pytestmark = pytest.mark.browser
expect.set_options(timeout=30_000)

ANNA, BEN = "anna-token-0123456789", "ben-token-0123456789"


@pytest.fixture
def desk() -> Iterator[str]:
    """The address of a dashboard with two agents, where thirty reviews wait and a hostile one is the most urgent."""
    hostile = written("tent-duo", False, channel=Channel.SUPPORT, days_ago=1.9, text=HOSTILE)
    products = ("bottle-750", "kettle-1200", "stove-mini")
    others = [
        written(products[number % 3], False, days_ago=number / 30, text=f"It broke after {number} days.")
        for number in range(29)
    ]
    with ValkeyServer() as valkey, Redis.from_url(valkey.url, decode_responses=True) as redis:
        settings = DashboardSettings(
            redis_url=valkey.url, scored_topic=TOPIC, agent_tokens=f"anna={ANNA},ben={BEN}"
        )
        shop = Shop(redis, settings.redis_prefix)
        shop.count([hostile, *others])
        app = create_app(
            settings,
            label_log=LabelLogOfTheShop(shop),
            start_explaining=lambda: partial(blame, "broke|Leaks"),
            clock=lambda: NOW,
        )
        with served(app) as address:
            yield address


def sign_in(browser: Browser, desk: str, token: str, **context: object) -> Page:
    page = browser.new_context(base_url=desk, **context).new_page()
    page.set_default_timeout(60_000)
    page.goto("/queue")
    page.get_by_label("Token").fill(token)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Queue")
    return page


@pytest.fixture
def anna(browser: Browser, desk: str) -> Iterator[Page]:
    page = sign_in(browser, desk, ANNA)
    yield page
    page.context.close()


def waiting(page: Page) -> int:
    """How many wait, as the page says."""
    found = re.search(r"(\d+) waits?, most urgent", page.locator("main").inner_text())
    assert found
    return int(found[1])


def press(page: Page, key: str) -> None:
    """Press a key as soon as the page's script listens: it shows its button by then."""
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press(key)


def focused(page: Page) -> str | None:
    return page.evaluate("document.activeElement.id")


def test_ten_reviews_are_cleared_without_the_mouse(anna: Page) -> None:
    before = waiting(anna)
    press(anna, "j")

    for number in range(10):
        top = anna.locator("#queue > .item").first.get_attribute("id")
        if number % 3 == 0:
            press(anna, "c")
            expect(anna.get_by_role("status")).to_have_text("It is yours.")
            expect(anna.locator(f"#{top}")).to_be_focused()
        if number % 2:
            press(anna, "l")
            press(anna, "3")
            anna.keyboard.type("Irony, cdhjkl 1234.")  # letters in a reason press nothing
            press(anna, "Enter")
            expect(anna.get_by_role("status")).to_contain_text("Labelled")
        else:
            press(anna, "d")
            expect(anna.get_by_role("status")).to_contain_text("Answered")
        expect(anna.locator(f"#{top}")).to_have_count(0)

    assert waiting(anna) == before - 10
    assert focused(anna) == anna.locator("#queue > .item").first.get_attribute("id")


def test_one_walks_through_the_queue_and_back_by_keyboard(anna: Page) -> None:
    ids = [item.get_attribute("id") for item in anna.locator("#queue > .item").all()[:3]]

    walked = []
    for key in "jjjkk":
        press(anna, key)
        walked.append(focused(anna))

    assert walked == [ids[0], ids[1], ids[2], ids[1], ids[0]]


def test_keys_can_be_turned_off(anna: Page) -> None:
    anna.get_by_role("button", name="Keys are on").press("Enter")
    press(anna, "d")

    expect(anna.get_by_role("button", name="Keys are off")).to_have_attribute("aria-pressed", "false")
    expect(anna.get_by_role("status")).to_have_count(0)


def test_who_comes_second_is_told_who_has_it(browser: Browser, desk: str, anna: Page) -> None:
    ben = sign_in(browser, desk, BEN)
    press(anna, "c")
    expect(anna.get_by_role("status")).to_have_text("It is yours.")

    press(ben, "c")  # his page is older than her claim
    expect(ben.get_by_role("alert")).to_contain_text("anna has it, for 15 more minutes")
    expect(ben.locator("#queue > .item").first).to_contain_text("anna has it")
    press(anna, "h")
    expect(anna.get_by_role("status")).to_have_text("Handed back.")
    press(ben, "r")
    expect(ben.get_by_role("alert")).to_have_count(0)
    press(ben, "c")

    expect(ben.get_by_role("status")).to_have_text("It is yours.")
    ben.context.close()


def test_the_words_that_decided_come_into_the_page_and_nothing_else_moves(anna: Page) -> None:
    press(anna, "j")
    press(anna, "j")
    here = focused(anna)
    press(anna, "l")
    press(anna, "1")
    anna.keyboard.type("It bro")

    expect(anna.locator(f"#{here} mark")).to_have_text("broke")
    expect(anna.locator(f"#{here}")).to_contain_text("Decided by broke")
    anna.keyboard.type("ke.")

    expect(anna.locator(f"#{here}").get_by_label("Why")).to_have_value("It broke.")
    expect(anna.locator(f"#{here}").get_by_label("1 strong negative")).to_be_checked()


def test_a_script_in_a_review_does_not_run_in_the_queue(anna: Page) -> None:
    expect(anna.get_by_text('<script>document.title="stolen"</script>').first).to_be_visible()

    assert "stolen" not in anna.title()
    assert "jane.doe@example.com" not in anna.content()


def test_a_label_is_told_and_taken_back_on_the_page_of_its_product(anna: Page) -> None:
    link = anna.locator("#queue > .item a").first
    product = link.inner_text()
    press(anna, "l")
    press(anna, "4")
    anna.keyboard.type("A joke.")
    press(anna, "Enter")
    expect(anna.get_by_role("status")).to_contain_text("Labelled")

    anna.goto(f"/product?product_id={product}")
    anna.get_by_role("link", name="Who labelled what").click()
    first = anna.locator(".texts > li").first
    expect(first).to_contain_text("strong positive in place of the model")
    first.get_by_text("Take it back").first.click()
    first.get_by_label("Why").fill("No joke.")
    first.get_by_role("button", name="Take it back").click()

    expect(anna.locator(".texts > li").first).to_contain_text("counts again")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_the_queue_of_an_agent_is_accessible_wide_and_narrow_light_and_dark(
    browser: Browser, desk: str, width: int, scheme: str
) -> None:
    page = sign_in(browser, desk, ANNA, viewport={"width": width, "height": 800}, color_scheme=scheme)
    press(page, "c")
    expect(page.get_by_role("status")).to_have_text("It is yours.")
    press(page, "l")

    for path in (None, "/labels?product_id=bottle-750"):
        if path:
            page.goto(path)
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.context.close()
