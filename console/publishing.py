"""``publish``: reviews from files or standard input to the raw topic."""

import click
from rich.console import Console

from console.options import with_settings
from console.progress import progress
from producers.publisher import PublishReport
from producers.publisher import publish as publish_lines
from producers.readers import Format, read_files, size_of
from schemas.settings import KafkaSettings

INTERRUPTED = 130


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--format", "form", type=click.Choice([form.value for form in Format]), help="Overrides the file name's."
)
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="FIELD=COLUMN",
    help="CSV: which column holds a field of the event, e.g. --column text=review_body. Repeat for each.",
)
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="Most reviews per second.")
@with_settings(KafkaSettings)
@click.pass_context
def publish(
    ctx: click.Context,
    settings: KafkaSettings,
    files: tuple[str, ...],
    form: str | None,
    columns: tuple[str, ...],
    rate: float | None,
) -> None:
    """Publish reviews from FILE... ("-" for standard input): JSON Lines or CSV, optionally gzipped.

    Each line is checked as the scorer will check it. A bad line is reported with its number, and the rest goes
    on. Leaves with 0 only if everything was delivered.
    """
    err = Console(stderr=True)
    with progress("connecting", size_of(files), console=err) as meter:
        report = publish_lines(
            read_files(
                files,
                format=Format(form) if form else None,
                columns=dict(_column(ctx, column) for column in columns),
                on_bytes=meter.advance,
            ),
            settings,
            rate=rate,
            progress=lambda so_far: meter.says(_summary(so_far)),
            on_problem=lambda problem: err.print(problem, markup=False, highlight=False, soft_wrap=True),
        )
    click.echo(_summary(report))
    ctx.exit(INTERRUPTED if report.interrupted else 0 if report.complete else 1)


def _summary(report: PublishReport) -> str:
    parts = [f"{report.read:,} read", f"{report.delivered:,} delivered"]
    if report.bad:
        parts.append(f"{report.bad:,} bad")
    if report.failed:
        parts.append(f"{report.failed:,} not delivered")
    if report.interrupted:
        parts.append("interrupted")
    return ", ".join(parts)


def _column(ctx: click.Context, mapping: str) -> tuple[str, str]:
    field, separator, column = mapping.partition("=")
    if not separator:
        raise click.UsageError(f"--column {mapping}: write FIELD=COLUMN", ctx)
    return field, column
