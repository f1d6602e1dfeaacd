"""A Valkey behind TLS, with the users of docs/security.md and nobody else but the tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from certificates import Authority
from permissions import redis_permissions
from redis import Redis
from tls_proxy import server_context, tls_proxies

from embedded import ValkeyServer
from embedded.processes import LOOPBACK


@dataclass(frozen=True)
class SecuredRedis:
    """Ports by what their certificate is; ``mutual`` asks clients for one. ``plain`` is the tests' own way in."""

    plain: str
    password: str
    good: int
    expired: int
    elsewhere: int
    mutual: int

    def url(self, user: str, port: int | None = None) -> str:
        return f"rediss://{user}@{LOOPBACK}:{port or self.good}/0"

    @contextmanager
    def admin(self) -> Iterator[Redis]:
        with Redis.from_url(self.plain, decode_responses=True) as client:
            yield client

    def empty(self) -> None:
        with self.admin() as client:
            client.flushall()

    def set_user(self, user: str, *rules: str) -> None:
        with self.admin() as client:
            client.execute_command("ACL SETUSER", user, *rules)

    def allow(self, user: str) -> None:
        """What docs/security.md says."""
        rules = redis_permissions()[user]
        self.set_user(user, *(rule.replace(">PASSWORD", f">{self.password}") for rule in rules))


@contextmanager
def secured_redis(authority: Authority, password: str) -> Iterator[SecuredRedis]:
    certificates = [
        authority.issue("redis"),
        authority.issue("redis-expired", expired=True),
        authority.issue("redis-elsewhere", address="192.0.2.1"),
    ]
    contexts = [server_context(str(identity.both)) for identity in certificates]
    contexts.append(server_context(str(certificates[0].both), str(authority.certificate)))
    with ValkeyServer() as valkey:
        port = urlsplit(valkey.url).port
        assert port
        with tls_proxies(port, *contexts) as ports:
            secured = SecuredRedis(valkey.url, password, *ports)
            for user in redis_permissions():
                secured.allow(user)
            yield secured
