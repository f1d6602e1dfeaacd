"""One HTML file for people, Markdown for wherever that goes, JSON for programs: from the same report."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from consumers.read.show import harmless
from dashboard.wording import NOTHING, number, signed_points
from reports import plots
from reports.contents import Change, Product, Report, Share
from schemas.errors import ConfigurationError
from schemas.events import Channel

NAMES = {".html": "report.html", ".md": "report.md", ".json": "report.json"}
"""By suffix, what a folder gets."""

LONGEST_NAME = 80

FEW = 30
"""Reviews below which a share is called a small sample."""

CHANNEL_NAMES = {
    Channel.REVIEW: "reviews",
    Channel.SUPPORT: "support messages",
    Channel.AD: "ad comments",
    Channel.SOCIAL: "social posts",
}


def files_of(output: Path) -> dict[str, Path]:
    """Where each form goes, by suffix: one file if ``output`` has its suffix, else all three into a folder.

    Raises:
        ConfigurationError: a folder is wanted where a file is, or the other way round.
    """
    if output.suffix.lower() in NAMES:
        if output.is_dir():
            raise ConfigurationError(f"{output} is a folder; name a file, or a folder without such an ending")
        return {output.suffix.lower(): output}
    if output.exists() and not output.is_dir():
        raise ConfigurationError(
            f"{output} is a file; name a folder, or a file that ends in {', '.join(NAMES)}"
        )
    return {suffix: output / name for suffix, name in NAMES.items()}


def write(report: Report, files: Mapping[str, Path]) -> None:
    """Write the forms that are wanted; folders are made.

    Raises:
        ConfigurationError: a file cannot be written.
    """
    for suffix, path in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_FORMS[suffix](report), encoding="utf-8")
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from error


def as_html(report: Report) -> str:
    """One document that needs no other file and no script."""
    return (
        _environment(autoescape=True)
        .get_template("report.html.j2")
        .render(
            r=report,
            volume=plots.volume(report),
            sentiment=plots.sentiment(report),
            changes=plots.changes(_changed(report)),
            steps=plots.steps(report),
            headline=headline(report),
        )
    )


def as_markdown(report: Report) -> str:
    """The same without the plots; what customers wrote stays text."""
    return (
        _environment(autoescape=False)
        .get_template("report.md.j2")
        .render(r=report, headline=headline(report))
    )


def as_json(report: Report) -> str:
    """All figures."""
    return report.model_dump_json(indent=2) + "\n"


_FORMS: Mapping[str, Callable[[Report], str]] = {".html": as_html, ".md": as_markdown, ".json": as_json}


def headline(report: Report) -> str:
    """What happened, in one sentence."""
    change = report.change
    if change is None:
        return f"{number(report.now.reviews)} written, none in the {_days(report)} before to compare with"
    if not change.real:
        return "No change of the mood that is more than noise"
    way = "happier" if change.value > 0 else "unhappier"
    return f"Customers are {way} than in the {_days(report)} before: {signed_points(change.value)} points"


def _days(report: Report) -> str:
    days = (report.last - report.first).days + 1
    return "day" if days == 1 else f"{days} days"


def _changed(report: Report) -> list[Product]:
    """Products whose change is shown, the worst first: those that moved, then the largest."""
    shown = {one.product_id: one for one in (*report.worse, *report.better, *report.largest) if one.change}
    return sorted(shown.values(), key=lambda one: one.change.value if one.change else 0.0)


def percent(value: float) -> str:
    """0.824 as 82 %."""
    return f"{100 * value:.0f}\u00a0%"


def share_words(share: Share | None) -> str:
    """A share, what it is of, and where the truth lies."""
    if share is None:
        return NOTHING
    few = ", a small sample" if share.n < FEW else ""
    return f"{percent(share.value)} ({percent(share.low)} to {percent(share.high)}{few})"


def change_words(change: Change | None) -> str:
    """A change, and what it is worth."""
    if change is None:
        return "too few reviews to compare"
    span = f"{signed_points(change.low)} to {signed_points(change.high)}"
    return f"{signed_points(change.value)} points ({span}), {'more than noise' if change.real else 'may be noise'}"


def markdown_text(text: str) -> str:
    """Text that Markdown takes for nothing but text."""
    escaped = re.sub(r"([\\`*_{}\[\]<>()#+!|~&-])", r"\\\1", text)
    return re.sub(r"^(\d+)\.", r"\1\\.", escaped)


def _environment(*, autoescape: bool) -> Environment:
    environment = Environment(
        loader=PackageLoader("reports", "templates"),
        autoescape=autoescape,  # noqa: S701 -- off for Markdown alone, whose template escapes in its own way
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "shown": lambda text: harmless(text, LONGEST_NAME),
        "number": number,
        "percent": percent,
        "points": signed_points,
        "share": share_words,
        "change": change_words,
        "md": markdown_text,
    }
    environment.globals |= {"channel_names": CHANNEL_NAMES, "few": FEW}
    return environment
