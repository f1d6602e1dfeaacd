"""What a server refuses, told apart from a server that is away: waiting does not help, a person has to change something."""

import re
import ssl
from collections.abc import Iterator

from kafka.errors import (
    AuthorizationError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    InvalidReceiveError,
    SaslAuthenticationFailedError,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailedError,
    UnsupportedSaslMechanismError,
)
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError, ResponseError

from schemas.errors import ConfigurationError

WHERE_PERMISSIONS_STAND = "docs/security.md lists what each process needs"

UNTRUSTED = {18, 19, 20, 21}
OUT_OF_TIME = {9, 10}
OTHER_NAME = {62, 64}
"""Codes by which OpenSSL says why it does not accept a certificate (X509_V_ERR_*)."""

_REDIS_DENIES = f"Redis denies this user a command or a key; {WHERE_PERMISSIONS_STAND}"

_DENIALS: tuple[tuple[type[Exception], str], ...] = (
    (
        SaslAuthenticationFailedError,
        "Kafka does not take this user and password; check sasl_username, sasl_password and sasl_mechanism",
    ),
    (UnsupportedSaslMechanismError, "Kafka does not take this sasl_mechanism"),
    (IllegalSaslStateError, "Kafka takes no SASL there; check security_protocol and the port"),
    (TopicAuthorizationFailedError, f"Kafka denies this user a topic; {WHERE_PERMISSIONS_STAND}"),
    (GroupAuthorizationFailedError, f"Kafka denies this user its consumer group; {WHERE_PERMISSIONS_STAND}"),
    (
        TransactionalIdAuthorizationFailedError,
        f"Kafka denies this user its transactional id; {WHERE_PERMISSIONS_STAND}",
    ),
    (AuthorizationError, f"Kafka denies this user a permission that it needs; {WHERE_PERMISSIONS_STAND}"),
    (AuthenticationError, "Redis does not take this user and password; check redis_url and redis_password"),
    (NoPermissionError, _REDIS_DENIES),
)

_TLS_RECORDS = {0x1503, 0x1603}
"""How a TLS record begins: alert or handshake, version 3 (RFC 8446, section 5.1)."""

_SCRIPT_DENIED = "ACL failure in script"
"""What Redis and Valkey answer when a script meets a command or a key that its user may not use."""


def refusal_of(error: BaseException) -> ConfigurationError | None:
    """What has to be changed, if Kafka or Redis has refused us; None for every other error."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLError) and not _cut_off(cause):
            of_redis = any(isinstance(one, RedisError) for one in causes)
            return ConfigurationError(_tls_refusal(cause, "Redis" if of_redis else "Kafka"))
        if isinstance(cause, InvalidReceiveError) and _speaks_tls(cause):
            return ConfigurationError("Kafka wants TLS there; check security_protocol and the port")
        for kind, advice in _DENIALS:
            if isinstance(cause, kind):
                return ConfigurationError(f"{advice} ({str(cause) or kind.__name__})")
        if isinstance(cause, ResponseError) and _SCRIPT_DENIED in str(cause):
            return ConfigurationError(f"{_REDIS_DENIES} ({cause})")
    return None


def hung_up(error: BaseException) -> bool:
    """The other side took our connection and ended it: it is restarting, or expects another protocol."""
    return any(
        (isinstance(cause, ssl.SSLError) and _cut_off(cause)) or "socket disconnected" in str(cause)
        for cause in _causes(error)
    )


def raise_if_refused(error: BaseException) -> None:
    """Stop where waiting does not help.

    Raises:
        ConfigurationError: with what to change.
    """
    if refusal := refusal_of(error):
        raise refusal from error


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was made of: the clients wrap TLS errors in their own, as cause, context or argument."""
    seen: list[BaseException | None] = [error]
    for one in seen:
        if one is not None:
            yield one
            inner = [one.__cause__ or one.__context__, *one.args]
            seen += [part for part in inner if isinstance(part, BaseException) and part not in seen]


def _speaks_tls(error: InvalidReceiveError) -> bool:
    """The client takes the first four bytes of an answer for its length, and says how long that would be."""
    length = re.search(r"\d+$", str(error))
    return length is not None and int(length[0]) >> 16 in _TLS_RECORDS


def _cut_off(error: ssl.SSLError) -> bool:
    """The other side went away in the middle: it may come back."""
    return isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError | ssl.SSLSyscallError)


def _tls_refusal(error: ssl.SSLError, server: str) -> str:
    prefix = "redis_" if server == "Redis" else ""
    if not isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"{server} refuses TLS with us ({error.reason}); check the port, and our certificate and key: "
            f"{prefix}ssl_certfile, {prefix}ssl_keyfile"
        )
    code, why = error.verify_code, error.verify_message
    if code in UNTRUSTED:
        return f"the certificate of {server} is of an authority that we do not trust ({why}); check {prefix}ssl_cafile"
    if code in OTHER_NAME:
        address = "redis_url" if server == "Redis" else "bootstrap_servers and advertised.listeners"
        return f"the certificate of {server} is for another host ({why}); use a name that stands in it: {address}"
    if code in OUT_OF_TIME:
        return f"the certificate of {server} is out of date ({why}); renew it, or set the clock"
    return f"the certificate of {server} is not accepted ({why})"
