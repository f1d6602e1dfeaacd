"""The dashboard in a real browser: what people read and do there."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from shop import Shop, written

pytestmark = pytest.mark.browser

PAGES = [
    "/",
    "/products",
    "/product?product_id=bottle-750",
    "/compare?product_id=bottle-750&with=tent-duo",
    "/pipeline",
    "/campaigns",
    "/campaign?campaign_id=kitchen-week&days=91",
    "/customers",
    "/brand?days=28",
    "/queue",
    "/labels?product_id=bottle-750",
    "/product?product_id=nobody",
    f"/product?product_id={'n' * 250}",
    "/sign-in",
]
KINDS = [(1280, "light"), (390, "dark")]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_accessible_and_fits_wide_and_narrow_light_and_dark(
    browser: Browser, dashboard: tuple[str, Shop], path: str
) -> None:
    for width, scheme in KINDS:
        with browser.new_context(
            base_url=dashboard[0], viewport={"width": width, "height": 800}, color_scheme=scheme
        ) as context:
            page = context.new_page()
            page.goto(path)
            found = Axe().run(page)

            assert found.violations_count == 0, f"{width} {scheme}: {found.generate_report()}"
            assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("width", "highest"), [(1280, 60), (700, 100), (375, 170)])
def test_the_header_of_who_is_signed_in_takes_no_more_lines_than_it_must(
    browser: Browser, dashboard: tuple[str, Shop], width: int, highest: int
) -> None:
    with browser.new_context(base_url=dashboard[0], viewport={"width": width, "height": 800}) as context:
        context.add_cookies([{"name": "reviewstream_session", "value": "x", "url": dashboard[0]}])
        page = context.new_page()
        page.goto("/")

        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        box = page.get_by_role("banner").bounding_box()
        assert box is not None
        assert box["height"] <= highest
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_script_in_a_review_does_not_run(page: Page) -> None:
    page.goto("/product?product_id=bottle-750")

    expect(page.get_by_text('<script>document.title="stolen"</script>')).to_be_visible()
    assert "stolen" not in page.title()


def test_even_what_would_be_inserted_by_mistake_does_not_run(page: Page) -> None:
    page.goto("/")
    page.evaluate("""() => {
        const script = document.createElement("script");
        script.textContent = "document.title = 'stolen'";
        document.body.append(script);
        document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='document.title = `stolen`'>");
    }""")
    page.wait_for_timeout(300)

    assert "stolen" not in page.title()


def test_from_who_got_worse_to_what_customers_wrote(page: Page) -> None:
    page.goto("/")
    worse = page.get_by_role("region", name="Got worse").first
    expect(worse.get_by_text("real", exact=True)).to_be_visible()
    worse.get_by_role("link").first.click()

    expect(page.get_by_role("heading", level=1)).to_have_text("bottle-750")
    expect(page.get_by_role("region", name="In short")).to_contain_text("more than noise")
    expect(page.get_by_role("heading", name="Latest strong negatives")).to_be_visible()


def test_a_long_text_is_read_on_by_keyboard(page: Page) -> None:
    page.goto("/product?product_id=bottle-750")
    summary = page.locator("details.text summary").first
    summary.focus()
    page.keyboard.press("Enter")

    expect(page.locator("details.text[open] > .words").first).to_be_visible()


def test_a_product_is_found_by_keyboard_alone(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.get_by_label("Find a product").focus()
    page.keyboard.type("tent")
    page.keyboard.press("Enter")

    expect(page.get_by_role("link", name="tent-duo")).to_be_visible()


def test_a_count_appears_without_loading_the_page_and_what_was_opened_stays_open(
    page: Page, dashboard: tuple[str, Shop]
) -> None:
    page.goto("/product?product_id=tent-duo")
    expect(page.get_by_role("button", name="Live")).to_be_visible()
    page.locator("#volume-table summary").click()

    dashboard[1].count([written("tent-duo", False, text="Just now the zip broke.")])

    expect(page.get_by_text("Just now the zip broke.")).to_be_visible(timeout=30_000)
    assert page.locator("#volume-table").get_attribute("open") is not None


def test_live_changes_can_be_paused(page: Page) -> None:
    page.goto("/")
    button = page.locator("#live")
    button.click()

    expect(button).to_have_attribute("aria-pressed", "false")
    expect(button).to_have_text("Paused")


def test_from_a_campaign_to_what_it_brought_for_a_product(page: Page) -> None:
    page.goto("/campaigns")
    page.get_by_role("link", name="kitchen-week").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("kitchen-week")
    page.get_by_role("region", name="All time, by product").get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="All time, by channel")).to_be_visible()


def test_from_a_customer_at_risk_to_the_product_by_keyboard(page: Page) -> None:
    page.goto("/customers")
    customer = page.get_by_role("region", name="strong negatives").first
    expect(customer).to_contain_text("Customer")
    customer.get_by_role("link").first.focus()
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Latest strong negatives")).to_be_visible()


def test_the_brand_in_more_days_is_an_address_that_can_be_shared(page: Page) -> None:
    page.goto("/brand")
    page.get_by_role("link", name="28 days").click()

    expect(page).to_have_url(re.compile(r"/brand\?days=28$"))
    expect(page.get_by_role("region", name="Most talked of").get_by_role("link").first).to_be_visible()
