"""A Kafka whose listeners ask for certificates and passwords, and that allows only what a list says."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from certificates import Authority, Identity
from commands import PASSWORD
from kafka import KafkaAdminClient
from kafka.admin import ScramMechanism, UserScramCredentialUpsertion
from permissions import Permission
from waiting import eventually

from embedded import KafkaCluster
from embedded.processes import LOOPBACK, free_ports

MUTUAL, SASL, EXPIRED, ELSEWHERE = "MUTUAL", "SASL", "EXPIRED", "ELSEWHERE"
"""Listeners: with certificates of both sides; with passwords over TLS; with bad certificates of the broker."""

PROTOCOLS = {MUTUAL: "SSL", SASL: "SASL_SSL", EXPIRED: "SASL_SSL", ELSEWHERE: "SASL_SSL"}
MECHANISM = "SCRAM-SHA-512"
PLAIN_USER = "reviewstream-init"
"""May also come by ``PLAIN``, which sends the password itself."""

PLAIN_MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule"
SCRAM_MODULE = "org.apache.kafka.common.security.scram.ScramLoginModule"


@dataclass(frozen=True)
class SecuredKafka:
    """Its addresses by listener; ``plain`` is for the broker itself and for what the tests do as super user."""

    plain: str
    addresses: Mapping[str, str]

    @contextmanager
    def admin(self) -> Iterator[KafkaAdminClient]:
        with KafkaAdminClient(bootstrap_servers=self.plain) as client:
            yield client

    def add_users(self, passwords: Mapping[str, str]) -> None:
        with self.admin() as client:
            client.alter_user_scram_credentials(
                [
                    UserScramCredentialUpsertion(name, ScramMechanism.SCRAM_SHA_512, password)
                    for name, password in passwords.items()
                ]
            )

    def remove_topics(self) -> None:
        """All but Kafka's own, with what their groups have committed."""
        with self.admin() as client:
            if names := [name for name in client.list_topics() if not name.startswith("__")]:
                client.delete_topics(names)
                eventually(lambda: not set(names) & set(client.list_topics()))

    def allow(self, permissions: Iterable[Permission]) -> None:
        """Grant them, and return once the broker acts on them."""
        wanted = [permission.acl for permission in permissions]
        with self.admin() as client:
            assert not client.create_acls(wanted)["failed"]
            eventually(lambda: all(client.describe_acls(acl)[0] for acl in wanted))

    @contextmanager
    def without(self, permission: Permission) -> Iterator[None]:
        """Take one permission back for a while."""
        with self.admin() as client:
            client.delete_acls([permission.acl])
            eventually(lambda: not client.describe_acls(permission.acl)[0])
        try:
            yield
        finally:
            self.allow([permission])


@contextmanager
def secured_kafka(authority: Authority) -> Iterator[SecuredKafka]:
    good = authority.issue("broker")
    certificates = {
        MUTUAL: good,
        SASL: good,
        EXPIRED: authority.issue("expired", expired=True),
        ELSEWHERE: authority.issue("elsewhere", address="192.0.2.1"),
    }
    controller, *ports = free_ports(1 + len(PROTOCOLS))
    addresses = {name: f"{LOOPBACK}:{port}" for name, port in zip(PROTOCOLS, ports, strict=True)}
    settings = {
        "listener.security.protocol.map": ",".join(
            f"{name}:{protocol}"
            for name, protocol in {"PLAINTEXT": "PLAINTEXT", "CONTROLLER": "PLAINTEXT", **PROTOCOLS}.items()
        ),
        "controller.quorum.voters": f"0@{LOOPBACK}:{controller}",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",  # the plain listeners
        "sasl.enabled.mechanisms": f"{MECHANISM},PLAIN",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(authority.certificate),
        "listener.name.mutual.ssl.client.auth": "required",
        # The principal of a client certificate is its common name.
        "listener.name.mutual.ssl.principal.mapping.rules": "RULE:^CN=(.*)$/$1/,DEFAULT",
    }
    for name, identity in certificates.items():
        settings |= _listener(name, identity)
    cluster = KafkaCluster(settings=settings)
    listeners = {
        "PLAINTEXT": cluster.bootstrap_servers,
        "CONTROLLER": f"{LOOPBACK}:{controller}",
        **addresses,
    }
    settings["listeners"] = ",".join(f"{name}://{address}" for name, address in listeners.items())
    with cluster:
        yield SecuredKafka(cluster.bootstrap_servers, addresses)


def _listener(name: str, identity: Identity) -> dict[str, str]:
    prefix = f"listener.name.{name.lower()}"
    return {
        f"{prefix}.ssl.keystore.type": "PEM",
        f"{prefix}.ssl.keystore.location": str(identity.both),
        f"{prefix}.{MECHANISM.lower()}.sasl.jaas.config": f"{SCRAM_MODULE} required;",
        f"{prefix}.plain.sasl.jaas.config": f'{PLAIN_MODULE} required user_{PLAIN_USER}="{PASSWORD}";',
    }
