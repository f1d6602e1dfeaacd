"""The network client under every consumer, producer and admin client: it says why a broker does not let us in."""

import logging
import random
from typing import Any

from kafka.net.compat import KafkaNetClient
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector

from schemas.refusals import hung_up, refusal_of

log = logging.getLogger(__name__)


class FrankClient(KafkaNetClient):  # type: ignore[misc]
    """Raises ``ConfigurationError`` at the start if the brokers refuse us.

    kafka-python 3.0.12 would try again in silence until its bootstrap timeout, and then say that nobody answered.
    """

    def __init__(self, **configs: Any) -> None:
        net = NetworkSelector(**configs)
        super().__init__(net=net, manager=_FrankManager(net, **configs), **configs)


class _FrankManager(KafkaConnectionManager):  # type: ignore[misc]
    """Before it has been let in, it gives up once every broker it knows was tried and one has refused us.

    Afterwards a refusal is an outage like others: passwords and certificates may be in the middle of a change. It is
    logged, and tried again; the client itself would remember the first refusal for ever.

    A broker that hangs takes connections and never answers. kafka-python 3.0.12 would wait for one of several such
    addresses for the whole bootstrap timeout, and go on asking it which broker to turn to; here it has as long as for any
    request, and who was silent last is asked last.
    """

    def __init__(self, net: NetworkSelector, **configs: Any) -> None:
        super().__init__(net, **configs)
        self._let_in = False
        self._hinted = False
        self._failures: dict[Any, Exception] = {}

    def get_connection(self, node_id: Any, timeout_ms: float | None = None, **options: Any) -> Any:
        known = self._conns.get(node_id)
        longest: float = self.config["request_timeout_ms"]
        timeout_ms = longest if timeout_ms is None else min(timeout_ms, longest)
        connection = super().get_connection(node_id, timeout_ms=timeout_ms, **options)
        if connection is not known:
            connection.init_future.add_callback(lambda _: self._note_success(node_id))
            connection.init_future.add_errback(lambda error: self._note_failure(node_id, error))
            connection.close_future.add_errback(lambda error: self._note_failure(node_id, error))
        return connection

    def least_loaded_node(self) -> Any:
        """Whom to ask what any broker knows; None if no broker can be asked now."""
        chosen = super().least_loaded_node()
        if chosen not in self._failures:
            return chosen
        brokers = [broker.node_id for broker in self.cluster.brokers()]
        return random.choice([node for node in brokers if node not in self._failures] or [chosen])

    def maybe_raise_auth_failure(self, node_id: Any) -> None:
        """Called before each connection.

        Raises:
            ConfigurationError: we are refused, and were never let in.
        """
        if self._let_in:
            return
        if self.cluster.is_bootstrap(node_id):
            tried = {broker.node_id for broker in self.cluster.bootstrap_brokers()}
        else:
            tried = {node_id}
        if tried <= self._failures.keys():
            for error in (self._failures[node] for node in tried):
                if refusal := refusal_of(error):
                    raise refusal from error

    async def _build_transport(self, node: Any, timeout_at: float | None = None) -> Any:
        transport = await super()._build_transport(node, timeout_at=timeout_at)
        receive = transport._sock_recv  # noqa: SLF001 -- there is no public way

        def receive_all() -> tuple[bytes, Exception | None]:
            """A broker that refuses a password says so and hangs up; the client drops what came with the end."""
            data, error = receive()
            return data, None if data else error  # the next look meets the end again

        transport._sock_recv = receive_all  # noqa: SLF001
        return transport

    def _note_success(self, node_id: Any) -> None:
        self._failures.pop(node_id, None)
        self._let_in = self._let_in or not self.cluster.is_bootstrap(node_id)

    def _note_failure(self, node_id: Any, error: Exception) -> None:
        before = self._failures.get(node_id)
        self._failures[node_id] = error
        if not self._let_in and not self._hinted and hung_up(error):
            self._hinted = True
            log.warning(
                "a Kafka broker hung up before it let us in: it is restarting, or its port is not for security_protocol %s",
                self.config["security_protocol"],
            )
        if self._let_in and str(before) != str(error) and (refusal := refusal_of(error)):
            log.error("Kafka node %s has let us in before, but now: %s", node_id, refusal)
