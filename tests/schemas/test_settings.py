from pathlib import Path

import pytest
from pydantic import ValidationError

from schemas.settings import (
    AggregatorSettings,
    Delivery,
    KafkaSettings,
    Provider,
    ReaderSettings,
    RedisSettings,
    ScorerSettings,
    TopicSettings,
)
from schemas.settings_base import Settings
from schemas.topics import DAY_MS, topic_specs

ALL = [TopicSettings, ScorerSettings, AggregatorSettings, ReaderSettings]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for settings in ALL:
        for name in settings.model_fields:
            monkeypatch.delenv(f"REVIEWSTREAM_{name.upper()}", raising=False)


@pytest.mark.parametrize("settings", ALL)
def test_every_setting_has_a_default(settings: type[Settings]) -> None:
    assert settings() == settings()


@pytest.mark.parametrize("settings", ALL)
def test_every_setting_says_what_it_means(settings: type[Settings]) -> None:
    assert [name for name, field in settings.model_fields.items() if not field.description] == []


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVIEWSTREAM_REDIS_URL", "redis://elsewhere:6379/1")
    assert RedisSettings().redis_url == "redis://elsewhere:6379/1"


def test_an_argument_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVIEWSTREAM_BOOTSTRAP_SERVERS", "from-environment:9092")
    assert KafkaSettings(bootstrap_servers="argument:9092").bootstrap_servers == "argument:9092"


def test_an_argument_leaves_other_variables_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVIEWSTREAM_BATCH_SIZE", "7")
    assert ScorerSettings(threads=1).batch_size == 7


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVIEWSTREAM_BATCH_SIZE", "")
    assert ScorerSettings().batch_size is None


def test_a_variable_of_another_program_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOTSTRAP_SERVERS", "other:9092")
    assert KafkaSettings().bootstrap_servers == "localhost:9092"


def test_text_becomes_the_type_that_the_setting_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVIEWSTREAM_DELIVERY", "at-least-once")
    monkeypatch.setenv("REVIEWSTREAM_PROVIDER", "cpu")
    settings = ScorerSettings()
    assert (settings.delivery, settings.provider) == (Delivery.AT_LEAST_ONCE, Provider.CPU)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        RedisSettings().redis_url = "redis://other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("BATCH_SIZE", "0"),
        ("BATCH_SIZE", "many"),
        ("BATCH_DEADLINE", "nan"),
        ("OUTAGE_DEADLINE", "0"),
        ("FLOOD_LIMIT", "0"),
        ("FLOOD_LIMIT", "1.1"),
        ("PROVIDER", "tpu"),
        ("DELIVERY", "at-most-once"),
        ("INSTANCE_ID", "with blank"),
        ("SECURITY_PROTOCOL", "TLS"),
    ],
)
def test_a_value_out_of_bounds_is_refused(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(f"REVIEWSTREAM_{variable}", value)
    with pytest.raises(ValidationError, match=variable.lower()):
        ScorerSettings()


@pytest.mark.parametrize("prefix", ["{", "shop}:", "{shop}:"])
def test_a_prefix_that_would_break_the_hash_tag_is_refused(prefix: str) -> None:
    with pytest.raises(ValidationError, match="redis_prefix"):
        RedisSettings(redis_prefix=prefix)


def test_brokers_are_split_at_commas() -> None:
    config = KafkaSettings(bootstrap_servers="one:9092, two:9092").client_config()
    assert config["bootstrap_servers"] == ["one:9092", "two:9092"]


def test_bundles_are_listed_by_language() -> None:
    settings = ScorerSettings(bundles=" ZH=/models/zh , de = models/a=b ,")
    assert settings.bundles_by_language() == {"zh": Path("/models/zh"), "de": Path("models/a=b")}


def test_without_a_list_there_are_no_bundles_of_single_languages() -> None:
    assert ScorerSettings().bundles_by_language() == {}


@pytest.mark.parametrize(
    "value", ["/models/zh", "zh=", "=/models", "zh-TW=/models", "z=/models", "zh=/a,ZH=/b"]
)
def test_a_list_of_bundles_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(
        ValidationError, match=r"bundles\n  Value error, (must be like|names language zh twice)"
    ):
        ScorerSettings(bundles=value)


def test_topics_are_created_as_the_settings_say() -> None:
    raw, *_ = topic_specs(TopicSettings(raw_topic="mine", partitions=3, raw_retention_days=2))
    assert (raw.name, raw.partitions, raw.configs["retention.ms"]) == ("mine", 3, str(2 * DAY_MS))


def test_scored_reviews_and_dead_letters_are_kept_for_ever_by_default() -> None:
    _, scored, dead_letters, labels = topic_specs(TopicSettings())
    assert {spec.configs["retention.ms"] for spec in (scored, dead_letters, labels)} == {"-1"}
