"""``reviewstream report`` over a topic in a real Kafka: it counts as ``verify`` does, and says what is so."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from scored_events import START
from scored_topic import ScoredTopic
from two_weeks import HOSTILE, events, relabels

from console.main import cli
from consumers.aggregate.fold import Fold
from dashboard.periods import Period
from reports.contents import Report
from reports.counted import Wanted
from reports.make import make_report
from reports.writing import as_html, as_json, as_markdown
from schemas.errors import ConfigurationError, MissingTopic
from schemas.events import Channel
from schemas.redis_keys import Counter

LAST = START.date()
WEEK = Period.until(LAST, 7)


@pytest.fixture(scope="module")
def report(topic: ScoredTopic) -> Report:
    """On the last week, all products, channel review."""
    return make_report(topic.settings, Wanted(WEEK, [Channel.REVIEW]), now=datetime(2026, 3, 2, tzinfo=UTC))


def run(topic: ScoredTopic, *arguments: str, output: Path) -> Result:
    return CliRunner().invoke(
        cli,
        ["report", *arguments, "--output", str(output),
         "--bootstrap-servers", topic.settings.bootstrap_servers, "--scored-topic", topic.name, "--labels-topic", topic.settings.labels_topic],
    )  # fmt: skip


def folded(days: Sequence[object], counter: Counter, channel: Channel = Channel.REVIEW) -> int:
    """What the counting rules say of these days, over all products."""
    fold = Fold()
    for offset, event in enumerate(events()):
        fold.apply(event, "reviews.scored", 0, offset)
    for offset, said in enumerate(relabels()):
        fold.relabel(said, "reviews.labels", 0, offset)
    return sum(
        counters[counter]
        for (_, where, day), counters in fold.counts.items()
        if where is channel and day in days
    )


def test_both_periods_are_counted_as_verify_counts_them(report: Report) -> None:
    for counter in (Counter.REVIEWS, Counter.POSITIVE, Counter.STRONG_NEGATIVE):
        assert getattr(report.now, counter) == folded(list(WEEK), counter)
        assert getattr(report.before, counter) == folded(list(WEEK.before), counter)
    by_channel = {one.channel: one.now.reviews for one in report.by_channel}
    assert by_channel[Channel.SUPPORT] == folded(list(WEEK), Counter.REVIEWS, Channel.SUPPORT) == 1
    assert (report.records, report.unreadable) == (len(events()) + 1, 1)


def test_the_product_that_fell_needs_somebody_and_the_other_one_does_not(report: Report) -> None:
    (needy,) = report.need_somebody

    assert needy.product_id == "kettle"
    assert any("fallen" in reason for reason in needy.reasons)
    assert [one.product_id for one in report.worse] == ["kettle"]
    assert (report.better, report.tested) == ([], 2)


def test_the_phrases_of_unhappy_customers_are_theirs(report: Report) -> None:
    (needy,) = report.need_somebody

    assert needy.negative is not None
    assert any("leaks" in phrase.words for phrase in needy.negative.phrases)
    assert all("fine" not in phrase.words for phrase in needy.negative.phrases)


def test_what_a_customer_wrote_stays_text_and_personal_data_is_masked(topic: ScoredTopic) -> None:
    made = make_report(
        topic.settings,
        Wanted(Period.until(LAST, 1), [Channel.REVIEW], frozenset({"kettle"})),
        now=START,
    )
    html, markdown = as_html(made), as_markdown(made)

    assert "&lt;script&gt;alert(1)" in html
    assert "<script" not in html
    assert r"\<script\>" in markdown
    assert r"\*\*bold\*\* \| leaks" in markdown
    for form in (html, markdown, as_json(made)):
        assert "jane.doe" not in form
        assert "[email" in form.replace("\\", "")
        assert "\u202e" not in form
    assert "jane.doe" in HOSTILE


def test_one_file_needs_no_other_and_every_plot_says_what_it_shows(report: Report) -> None:
    html = as_html(report)

    assert not re.search(r"(?:src|href|url)\s*[=(]\s*[\"']?(?:https?:|//|/)", html)
    assert html.count("<svg") == html.count('role="img"') == 3
    assert "Share of positive reviews of each day" in html
    assert "kettle -60 points" in html or "kettle -" in html


def test_the_same_topic_gives_the_same_report(topic: ScoredTopic, report: Report) -> None:
    again = make_report(topic.settings, Wanted(WEEK, [Channel.REVIEW]), now=report.made_at)

    assert as_html(again) == as_html(report)


def test_the_command_writes_all_three_forms(topic: ScoredTopic, tmp_path: Path) -> None:
    result = run(topic, "--from", str(WEEK.first), "--to", str(WEEK.last), output=tmp_path / "weekly")

    assert result.exit_code == 0, result.output
    assert {path.name for path in (tmp_path / "weekly").iterdir()} == {
        "report.html",
        "report.md",
        "report.json",
    }
    written = json.loads((tmp_path / "weekly" / "report.json").read_text())
    assert written["now"]["reviews"] == folded(list(WEEK), Counter.REVIEWS)
    assert "Customers are unhappier" in result.output


def test_channels_are_added_and_one_form_is_written_if_one_is_named(
    topic: ScoredTopic, tmp_path: Path
) -> None:
    result = run(
        topic, "--from", str(WEEK.first), "--to", str(WEEK.last), "--product", "tent",
        "--channel", "support", "--channel", "review", output=tmp_path / "tent.json",
    )  # fmt: skip

    assert result.exit_code == 0, result.output
    written = json.loads((tmp_path / "tent.json").read_text())
    assert written["products_asked"] == ["tent"]
    channels = {one["channel"]: one["now"]["reviews"] for one in written["by_channel"]}
    assert written["now"]["reviews"] == channels["support"] + channels["review"]
    assert [path.name for path in tmp_path.iterdir()] == ["tent.json"]


def test_a_product_that_nobody_heard_of_is_named(topic: ScoredTopic, tmp_path: Path) -> None:
    result = run(topic, "--to", str(LAST), "--product", "nobody", output=tmp_path / "r")

    assert isinstance(result.exception, ConfigurationError)
    assert "'nobody'" in str(result.exception)
    assert not (tmp_path / "r").exists()


def test_an_empty_period_says_when_reviews_were_written(topic: ScoredTopic, tmp_path: Path) -> None:
    result = run(topic, "--from", "2025-01-01", "--to", "2025-01-07", output=tmp_path / "r")

    assert isinstance(result.exception, ConfigurationError)
    assert f"{LAST - timedelta(days=30)} to {LAST}" in str(result.exception)


def test_a_topic_that_is_missing_is_said_to_be(topic: ScoredTopic) -> None:
    settings = topic.settings.model_copy(update={"scored_topic": "no-such-topic"})

    with pytest.raises(MissingTopic):
        make_report(settings, Wanted(WEEK, [Channel.REVIEW]), now=START)
