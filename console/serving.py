"""``serve``: the dashboard and its API."""

import socket
import threading

import click

from console.extras import need
from console.options import load_settings, with_settings
from consumers.infer.bundle import open_bundle
from consumers.labels.log import KafkaLabelLog
from schemas.dashboard_settings import DashboardSettings
from schemas.errors import ConfigurationError
from schemas.settings import AggregatorSettings, ScorerSettings

SHUTDOWN_S = 5
"""For answers under way; streams are ended at once."""


@click.command()
@with_settings(DashboardSettings)
def serve(settings: DashboardSettings) -> None:
    """Serve the dashboard and its API over what Redis holds; only agents who work on the queue write anything.

    Listens at 127.0.0.1 unless told otherwise, and then only with a token.
    """
    need("serve")
    import uvicorn  # noqa: PLC0415 -- an extra

    from consumers.explain.apart import ExplainerApart  # noqa: PLC0415 -- slow to import
    from dashboard.app import create_app  # noqa: PLC0415 -- needs the extra
    from dashboard.kafka_state import DEADLINE_S, ask_kafka  # noqa: PLC0415 -- needs the extra
    from dashboard.refused import LetterWatch  # noqa: PLC0415 -- needs the extra

    groups = {
        load_settings(ScorerSettings).scorer_group: settings.raw_topic,
        load_settings(AggregatorSettings).aggregator_group: settings.scored_topic,
    }
    letters = LetterWatch(settings.model_copy(update={"outage_deadline": DEADLINE_S}))
    label_log = KafkaLabelLog(settings) if settings.knows_kafka and settings.may_label else None
    if settings.bundle is not None:
        open_bundle(
            settings.bundle
        )  # a wrong one is told now, and not when the first label is to be explained
    app = create_app(
        settings,
        ask_kafka=(lambda: ask_kafka(settings, groups, letters)) if settings.knows_kafka else None,
        start_explaining=lambda: ExplainerApart(settings.bundle),
        label_log=label_log,
    )
    if label_log is not None:
        threading.Thread(target=label_log.run, name="labels", daemon=True).start()
    listening = _listen(settings.listen_host, settings.listen_port)
    host, port = listening.getsockname()[:2]
    click.echo(
        f"reviewstream is at http://{f'[{host}]' if ':' in host else host}:{port}/ ; Ctrl-C ends it", err=True
    )
    config = uvicorn.Config(
        app,
        log_config=None,  # ours is in force
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )
    try:
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        if label_log is not None:
            label_log.close()


def _listen(host: str, port: int) -> socket.socket:
    """An open port.

    Raises:
        ConfigurationError: it is taken, or none of ours.
    """
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=2048)
    except OSError as error:
        raise ConfigurationError(f"cannot listen at {host}, port {port}: {error.strerror}") from error
