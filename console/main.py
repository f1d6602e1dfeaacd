"""The ``reviewstream`` command: subcommands are imported when they are called, errors become exit codes."""

import importlib
import logging
import sys
from typing import NamedTuple

import click
from kafka.errors import KafkaError
from redis.exceptions import RedisError

from schemas.errors import Fatal, ReviewStreamError, ServerUnavailable
from schemas.refusals import refusal_of

EXIT_CODES = """\b
Exit codes: 0 done, 1 differences or failures found, 2 usage, configuration or access refused, 3 a server
stayed away, 4 a topic is missing, 5 bad model bundle, 6 execution provider, 7 flood of dead letters, 8 instance id
or redrive taken over, 9 Redis belongs to another topic, 10 embedded stack, 11 killed after the grace period,
12 and 13 verify: different, still moving, 14 the scored topic has lost its beginning, 130 interrupted."""


class Subcommand(NamedTuple):
    """Where a subcommand lives and what it is for; its module is imported only when it is called."""

    module: str
    summary: str


SUBCOMMANDS = {
    "demo": Subcommand("demo", "See the whole pipeline work, on sample reviews and servers of its own."),
    "init": Subcommand("pipeline", "Create the topics."),
    "publish": Subcommand("publishing", "Publish reviews from files or standard input."),
    "score": Subcommand("pipeline", "Label reviews: reviews.raw to reviews.scored."),
    "aggregate": Subcommand("pipeline", "Count labelled reviews: reviews.scored to Redis."),
    "tail": Subcommand("reading", "Follow labelled reviews as they are published."),
    "counts": Subcommand("reading", "Show the counts of products, or the top of a ranking."),
    "labels": Subcommand("labelling", "Write the reviews that people labelled, for train."),
    "serve": Subcommand("serving", "Serve the dashboard and its API."),
    "report": Subcommand("reporting", "Report on a period: what changed, and what customers write."),
    "alerts": Subcommand("alerting", "Tell a webhook when a product's customers are suddenly unhappy."),
    "verify": Subcommand("proving", "Recount reviews.scored and compare with Redis."),
    "rebuild": Subcommand("proving", "Make the counts in Redis anew from reviews.scored, and swap."),
    "dlq": Subcommand("dlq", "Show what was refused, and why."),
    "redrive": Subcommand("redrive", "Put dead letters back on reviews.raw, each exactly once."),
    "doctor": Subcommand("pipeline", "Check servers, topics, bundle and provider."),
    "check-data": Subcommand("checking", "Show what training would make of labelled reviews."),
    "train": Subcommand("training", "Train a model on labelled reviews."),
    "tune": Subcommand("tuning", "Search for a better plan to train by."),
    "cross-validate": Subcommand(
        "cross_validating", "Measure a training plan on folds of the data, by product."
    ),
    "average": Subcommand("averaging", "Write the mean of several checkpoints as one."),
    "export": Subcommand("exporting", "Export a trained model into a bundle."),
    "evaluate": Subcommand("evaluating", "Measure a bundle on labelled reviews, as it is served."),
    "card": Subcommand("card", "Print the model card of a bundle."),
}


class LazyGroup(click.Group):
    """A group that lists its subcommands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's signature
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in SUBCOMMANDS:
            return None
        module = importlib.import_module(f"console.{SUBCOMMANDS[cmd_name].module}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, subcommand.summary) for name, subcommand in SUBCOMMANDS.items()])


@click.group(cls=LazyGroup, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="reviewstream")
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning"]), default="info", show_default=True
)
def cli(log_level: str) -> None:
    """Know what customers feel, review by review, seconds after they write it."""
    logging.basicConfig(
        level=log_level.upper(),
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    logging.getLogger("kafka.protocol.parser").setLevel(logging.INFO)  # it logs all bytes, passwords too
    logging.getLogger("kafka.net.connection").addFilter(_holds_no_password)
    if log_level != "debug":
        # What the client reports as errors are steps that it repairs itself; what it cannot, it raises.
        logging.getLogger("kafka").setLevel(logging.CRITICAL)


def _holds_no_password(record: logging.LogRecord) -> bool:
    arguments = record.args if isinstance(record.args, tuple) else ()
    return not any(type(argument).__name__.startswith("Sasl") for argument in arguments)


def main() -> None:
    """Entry point: errors that we raise on purpose end in one line and their exit code."""
    try:
        exit_code: int | None = cli(standalone_mode=False)  # what a command passed to ctx.exit, if it did
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except Fatal as error:
        fail(error, error.exit_code)
    except ReviewStreamError as error:
        fail(error, Fatal.exit_code)
    except (KafkaError, RedisError) as error:
        refusal = refusal_of(error)
        fail(refusal or error, refusal.exit_code if refusal else ServerUnavailable.exit_code)
    sys.exit(exit_code)


def fail(error: Exception, exit_code: int) -> None:
    """Say on standard error what is wrong, and leave."""
    click.echo(f"reviewstream: {error or type(error).__name__}", err=True)
    sys.exit(exit_code)


if __name__ == "__main__":
    main()
