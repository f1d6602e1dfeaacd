"""What a page offers is what its reader may do."""

import re
from html import unescape

import pytest
from dashboard_client import Serve
from shop import LabelLogOfTheShop, Shop, written
from starlette.testclient import TestClient

from schemas.events import Channel

READ, AGENT, ADMIN = "read-token-0123456789", "agent-token-0123456789", "admin-token-0123456789"
TOKENS = {"read_token": READ, "agent_token": AGENT, "admin_token": ADMIN}


def signed_in(serve: Serve, shop: Shop, token: str) -> TestClient:
    """Somebody's browser, at a shop with something on every page."""
    shop.count([written("kettle", False, customer_hash="a" * 32, channel=Channel.SOCIAL) for _ in range(3)])
    shop.count([written("pan", channel=Channel.AD, campaign_id="summer")])
    client = serve(label_log=LabelLogOfTheShop(shop), **TOKENS)
    client.post("/sign-in", data={"token": token})
    return client


def answers_by_link(client: TestClient) -> dict[str, int]:
    """What comes of every link that is found from the overview on."""
    found: dict[str, int] = {}
    wanted = ["/"]
    while wanted:
        link = wanted.pop()
        answer = client.get(link)
        found[link] = answer.status_code
        if "html" in answer.headers["content-type"]:
            links = map(unescape, re.findall(r'href="(/[^"]*)"', answer.text))
            wanted += {one for one in links if one not in found and one not in wanted}
    return found


@pytest.mark.parametrize("token", [READ, AGENT, ADMIN])
def test_no_link_leads_its_reader_to_a_refusal(serve: Serve, shop: Shop, token: str) -> None:
    found = answers_by_link(signed_in(serve, shop, token))

    assert len(found) > 20
    assert {link: status for link, status in found.items() if status != 200} == {}


@pytest.mark.parametrize(("token", "shown"), [(READ, False), (AGENT, True), (ADMIN, True)])
def test_customers_at_risk_are_offered_to_those_who_may_see_them(
    serve: Serve, shop: Shop, token: str, shown: bool
) -> None:
    assert ('href="/customers"' in signed_in(serve, shop, token).get("/").text) is shown


def test_who_only_reads_is_offered_no_act(serve: Serve, shop: Shop) -> None:
    client = signed_in(serve, shop, READ)

    forms = [
        re.findall(r'<form[^>]* method="post" action="([^"]*)"', client.get(link).text)
        for link, status in answers_by_link(client).items()
        if status == 200
    ]

    assert {action for found in forms for action in found} == {"/sign-out"}


def test_who_is_not_signed_in_is_offered_to_sign_in_alone(serve: Serve) -> None:
    page = serve(**TOKENS).get("/", follow_redirects=True).text

    assert set(re.findall(r'(?:href|action)="(/[^"]*)"', page)) == {
        "/",
        "/sign-in?next=%2F",
        "/static/icon.svg",
        "/static/style.css",
    }
