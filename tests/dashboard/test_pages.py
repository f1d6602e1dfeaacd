"""The pages as HTML: hostile texts are text, and every problem is a page."""

from datetime import timedelta
from html.parser import HTMLParser

import pytest
from dashboard_client import Serve
from sample_shop import HOSTILE
from shop import NOW, Shop, written

from dashboard.pages.charts import share_chart, volume_chart
from dashboard.pages.rendering import age, cut

PAGES = [
    "/",
    "/?days=28&channel=social",
    "/products",
    "/products?search=ket",
    "/product?product_id=kettle",
    "/compare",
    "/pipeline",
]


class Tags(HTMLParser):
    """Collects what a browser would take for elements, and what could run."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.scripts: list[str | None] = []
        self.inline: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "script":
            self.scripts.append(dict(attrs).get("src"))
        self.inline += [name for name, _ in attrs if name.startswith("on") or name == "style"]
        if tag in ("style", "img", "iframe"):
            self.inline.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_there_and_runs_our_script_alone(shop: Shop, serve: Serve, page: str) -> None:
    shop.count([written("kettle", False, text=HOSTILE)])

    answer = serve().get(page)

    assert answer.status_code == 200
    tags = Tags(answer.text)
    assert set(tags.scripts) <= {"/static/live.js"}
    assert tags.inline == []


@pytest.mark.parametrize("page", PAGES[:4] + PAGES[5:])
def test_every_page_is_there_without_a_single_review(serve: Serve, page: str) -> None:
    answer = serve().get(page)

    assert answer.status_code == 200
    assert len(Tags(answer.text).text) > 200


def test_a_hostile_review_is_shown_as_text_in_a_direction_of_its_own(shop: Shop, serve: Serve) -> None:
    shop.count([written("kettle", False, text=HOSTILE)])

    html = serve().get("/product?product_id=kettle").text

    assert '<script>document.title="stolen"</script>' in Tags(html).text
    assert '<p class="words" dir="auto">&lt;script&gt;' in html
    assert "jane.doe" not in html
    assert "7946" not in html


def test_a_hostile_product_id_is_text_and_a_link(shop: Shop, serve: Serve) -> None:
    product_id = "\"><script>x</script>&product_id=other'"
    shop.count([written(product_id)])
    client = serve()

    html = client.get("/products").text

    assert product_id in Tags(html).text
    assert client.get("/product", params={"product_id": product_id}).status_code == 200


def test_a_long_text_is_cut_and_can_be_read_on() -> None:
    begins, rest = cut("word " * 200)

    assert len(begins) <= 280
    assert begins + rest == "word " * 200
    assert cut("x" * 20_000)[0] == "x" * 280
    assert cut("short") == ("short", "")


@pytest.mark.parametrize(
    ("page", "status", "says"),
    [
        ("/product?product_id=nobody", 404, "Nothing was ever counted for &#39;nobody&#39;"),
        ("/products?page=7", 404, "Page 7 is beyond the end"),
        ("/?channel=fax", 422, "channel: "),
        ("/?days=1000000", 422, "days: "),
        ("/nowhere", 404, "There is nothing at /nowhere"),
        ("/product", 422, "product_id: "),
    ],
)
def test_a_problem_is_a_page_with_the_status_and_a_sentence(
    serve: Serve, page: str, status: int, says: str
) -> None:
    answer = serve().get(page)

    assert answer.status_code == status
    assert says in answer.text
    assert "Traceback" not in answer.text


def test_a_time_in_the_future_says_that_a_clock_is_wrong() -> None:
    assert age(NOW + timedelta(hours=3), NOW) == "3 hours in the future: a clock is wrong"
    assert age(NOW + timedelta(seconds=30), NOW) == "just now"
    assert age(NOW - timedelta(days=1, hours=5), NOW) == "1 day ago"


def test_bars_of_a_day_stand_on_each_other_up_to_its_reviews(shop: Shop, serve: Serve) -> None:
    shop.count([written("kettle", number > 1, strong=number > 0) for number in range(4)])
    client = serve()
    client.portal.call(client.app.state.services.watcher.look)

    chart = volume_chart(client.app.state.services.overviews.overview(7, written("kettle").channel).series)

    boxes = chart.slots[-1].boxes
    assert [box.kind for box in boxes] == ["strong-negative", "negative", "positive"]
    assert sum(box.height for box in boxes) == pytest.approx(100 * 4 / chart.top)


def test_a_day_without_reviews_leaves_a_gap_in_the_line(shop: Shop, serve: Serve) -> None:
    shop.count([written("kettle", days_ago=age) for age in (0, 1, 3)])
    client = serve()

    chart = share_chart(client.app.state.services.overviews.overview(7, written("kettle").channel).series)

    assert len(chart.lines) == 2
