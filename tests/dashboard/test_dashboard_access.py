"""Who gets in, and what a browser is told."""

from datetime import timedelta
from pathlib import Path

import pytest
from dashboard_client import Clock, Serve
from pydantic import ValidationError
from shop import Shop, written
from starlette.testclient import TestClient

from dashboard.access import COOKIE, SESSION, Person, Role, Tokens
from schemas.dashboard_settings import DashboardSettings

READ, AGENT = "read-token-0123456789", "agent-token-0123456789"
READER = Person(Role.READ, "read")
GUARDED = {"read_token": READ, "agent_token": AGENT}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "shop.example"])
def test_an_address_that_others_reach_needs_a_token(host: str) -> None:
    with pytest.raises(ValidationError, match="so a token is needed"):
        DashboardSettings(listen_host=host)
    assert DashboardSettings(listen_host=host, read_token=READ).tokens


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.9.9.9"])
def test_this_machines_own_address_needs_none(host: str) -> None:
    assert DashboardSettings(listen_host=host).tokens == []


def test_a_short_token_and_one_given_twice_are_refused() -> None:
    with pytest.raises(ValidationError, match="at least 16"):
        DashboardSettings(read_token="short")
    with pytest.raises(ValidationError, match="have to differ"):
        DashboardSettings(read_token=READ, admin_token=READ)


def test_a_token_can_stand_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text(f"{READ}\n")
    monkeypatch.setenv("REVIEWSTREAM_READ_TOKEN_FILE", str(tmp_path / "token"))

    assert Tokens.of(DashboardSettings()).person_of(READ) == READER


@pytest.mark.parametrize("sent", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {READ}"}])
def test_without_a_token_the_api_says_nothing(serve: Serve, sent: dict[str, str]) -> None:
    answer = serve(**GUARDED).get("/api/v1/products", headers=sent)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["type"] == "urn:reviewstream:problem:token-needed"


@pytest.mark.parametrize("token", [READ, AGENT])
def test_every_role_may_read(serve: Serve, token: str) -> None:
    answer = serve(**GUARDED).get("/api/v1/products", headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 200


def test_a_person_signs_in_and_comes_to_where_they_wanted(serve: Serve, shop: Shop) -> None:
    shop.count([written("kettle")])
    client = serve(**GUARDED)

    asked = client.get("/product?product_id=kettle&days=91", follow_redirects=False)
    assert asked.status_code == 303
    signed_in = client.post(asked.headers["location"], data={"token": READ})

    assert signed_in.url.path == "/product"
    assert signed_in.url.params["days"] == "91"
    assert signed_in.status_code == 200
    client.post("/sign-out")
    assert client.get("/", follow_redirects=False).status_code == 303


def test_the_session_is_out_of_reach_of_scripts_and_other_sites(serve: Serve) -> None:
    answer = serve(**GUARDED).post("/sign-in", data={"token": READ}, follow_redirects=False)

    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert READ not in cookie


@pytest.mark.parametrize("there", ["//evil.example", "https://evil.example", "/\\evil.example", "evil"])
def test_signing_in_leads_nowhere_else(serve: Serve, there: str) -> None:
    answer = serve(**GUARDED).post(
        "/sign-in", params={"next": there}, data={"token": READ}, follow_redirects=False
    )

    assert answer.headers["location"] == "/"


def test_a_wrong_token_is_told_on_the_page(serve: Serve) -> None:
    answer = serve(**GUARDED).post("/sign-in", data={"token": "x" * 10_000})

    assert answer.status_code == 401
    assert "This token is not known" in answer.text


def test_a_session_ends_with_its_time_and_with_its_token(clock: Clock) -> None:
    tokens = Tokens({Role.READ: READ})
    session = tokens.open_session(READER, clock())

    assert tokens.session_person(session, clock()) == READER
    assert tokens.session_person(session, clock() + SESSION + timedelta(seconds=2)) is None
    assert Tokens({Role.READ: "another-token-0123"}).session_person(session, clock()) is None


def test_a_session_cannot_be_changed(clock: Clock) -> None:
    tokens = Tokens({Role.READ: READ, Role.ADMIN: AGENT})
    role, name, ends, signature = tokens.open_session(READER, clock()).split(".")

    for forged in (
        f"ADMIN.{name}.{ends}.{signature}",
        f"ADMIN.admin.{ends}.{signature}",
        f"{role}.anna.{ends}.{signature}",
        f"{role}.{name}.{int(ends) + 1}.{signature}",
        f"{role}.{name}.{ends}.",
        "nonsense",
        "READ.read.\u0661.x",
    ):
        assert tokens.session_person(forged, clock()) is None


def test_a_nonsense_cookie_is_no_session(serve: Serve) -> None:
    client = serve(**GUARDED)

    answer = client.get("/api/v1/products", headers={"Cookie": f'{COOKIE}="a.b.c'})

    assert answer.status_code == 401


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8010", ""])
def test_without_tokens_a_name_that_is_led_here_gets_nothing(serve: Serve, host: str) -> None:
    answer = serve().get("/api/v1/products", headers={"Host": host})

    assert answer.status_code == 421


@pytest.mark.parametrize("host", ["localhost", "localhost:8010", "127.0.0.1:1", "[::1]:8010", "[::1]"])
def test_this_machines_own_names_are_answered(serve: Serve, host: str) -> None:
    assert serve().get("/api/v1/products", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/nowhere", "/api/v1/products", "/static/style.css", "/sign-in"])
def test_every_answer_forbids_what_is_not_our_own(serve: Serve, path: str) -> None:
    headers = serve().get(path).headers

    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"


def test_what_is_said_of_customers_is_not_kept_by_browsers(serve: Serve) -> None:
    client: TestClient = serve()

    assert client.get("/").headers["cache-control"] == "no-store"
    assert client.get("/api/v1/products").headers["cache-control"] == "no-store"
