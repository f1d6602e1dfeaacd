"""Campaigns as files for a spreadsheet."""

import csv
import io
import re
from html import unescape

from dashboard_client import Serve
from shop import Shop, written
from starlette.testclient import TestClient

from schemas.events import Channel

V1 = "/api/v1"


def rows(client: TestClient, link: str) -> list[dict[str, str]]:
    answer = client.get(link)
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))


def links_to_files(client: TestClient, page: str) -> list[str]:
    return [unescape(link) for link in re.findall(r'href="([^"]*)" download', client.get(page).text)]


def count_two_campaigns(shop: Shop) -> None:
    """One begins like a formula."""
    answered = [("=1+1", True, 1), ("=1+1", False, 2), ("summer", True, 0)]
    shop.count(
        [
            written("kettle", positive, channel=Channel.AD, campaign_id=name, days_ago=ago)
            for name, positive, ago in answered
        ]
    )


def test_every_campaign_is_in_the_csv_and_no_cell_is_a_formula(shop: Shop, serve: Serve) -> None:
    count_two_campaigns(shop)

    found = rows(serve(), f"{V1}/campaigns.csv?ranking=negative")

    assert [(row["campaign_id"], row["channel"], row["products"], row["reviews"]) for row in found] == [
        ("'=1+1", "ad", "1", "2"),
        ("summer", "ad", "1", "1"),
    ]


def test_a_campaign_is_a_csv_day_by_day(shop: Shop, serve: Serve) -> None:
    count_two_campaigns(shop)

    found = rows(serve(), f"{V1}/campaign.csv?campaign_id=%3D1%2B1&from=2026-03-26")

    assert [(row["day"], row["positive"], row["negative"]) for row in found] == [
        ("2026-03-26", "0", "1"),
        ("2026-03-27", "1", "0"),
        ("2026-03-28", "0", "0"),
    ]


def test_a_file_of_no_campaigns_has_its_head_alone(serve: Serve) -> None:
    answer = serve().get(f"{V1}/campaigns.csv")

    assert answer.text.startswith("\ufeffcampaign_id,channel,products,reviews,")
    assert len(answer.text.splitlines()) == 1


def test_a_file_of_an_unknown_campaign_is_not_found(serve: Serve) -> None:
    answer = serve().get(f"{V1}/campaign.csv?campaign_id=nobody")

    assert (answer.status_code, answer.json()["type"]) == (404, "urn:reviewstream:problem:unknown-campaign")


def test_the_pages_link_the_files_of_what_they_show(shop: Shop, serve: Serve) -> None:
    count_two_campaigns(shop)
    client = serve()

    [all_of_them] = links_to_files(client, "/campaigns?channel=ad&ranking=negative")
    [by_day] = links_to_files(client, "/campaign?campaign_id=%3D1%2B1&channel=ad&days=7")

    assert [row["campaign_id"] for row in rows(client, all_of_them)] == ["'=1+1", "summer"]
    assert [row["campaign_id"] for row in rows(client, by_day)] == ["'=1+1"] * 7
