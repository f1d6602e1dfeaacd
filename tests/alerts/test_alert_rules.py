"""A file of rules is read as a whole, or refused with the place of what is wrong."""

from pathlib import Path

import pytest

from schemas.alert_rules import AlertRules, load_rules
from schemas.errors import ConfigurationError
from schemas.events import Channel

EXAMPLE = Path(__file__).parents[2] / "docs" / "alerts.example.toml"


def test_the_example_says_what_is_so_by_default() -> None:
    rules = load_rules(EXAMPLE)

    assert AlertRules(rules=({"name": rules.rules[0].name},)).rules[0] == rules.rules[0]
    assert len(rules.rules) > 1


def test_a_rule_needs_only_a_name(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text('[[rules]]\nname = "sudden"\n')

    rules = load_rules(tmp_path / "rules.toml")

    assert rules.looks_per_day == 96
    assert rules.rules[0].channels == (Channel.REVIEW,)
    assert rules.rules[0].chooses("whatever")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rules = 3", "rules: "),
        ("", "rules: Field required"),
        ("rules = []", "rules: "),
        ("[[rules", "are no TOML"),
        ("[[rules]]\nwindow_days = 1", "rule 1, name: Field required"),
        ('[[rules]]\nname = "Sudden drop!"', "rule 1 (Sudden drop!), name: "),
        ('[[rules]]\nname = "a"\nwindow_days = 0', "rule 1 (a), window_days: "),
        ('[[rules]]\nname = "a"\nwindow_days = "2"', "rule 1 (a), window_days: "),
        ('[[rules]]\nname = "a"\nwindow_hours = 2', "rule 1 (a), window_hours: Extra inputs"),
        ('[[rules]]\nname = "a"\nbaseline_days = 399', "rule 1 (a): window_days and baseline_days are 401"),
        ('[[rules]]\nname = "a"\nchannels = ["mail"]', "rule 1 (a), channels, 0: "),
        ('[[rules]]\nname = "a"\nchannels = []', "rule 1 (a), channels: "),
        ('[[rules]]\nname = "a"\nproducts = ["x", "x"]', "rule 1 (a), products: names something twice"),
        ('[[rules]]\nname = "a"\ndays_per_false_alarm = 0', "rule 1 (a), days_per_false_alarm: "),
        ('[[rules]]\nname = "a"\ndays_per_false_alarm = nan', "rule 1 (a), days_per_false_alarm: "),
        ('[[rules]]\nname = "a"\nat_least_times = 0.5', "rule 1 (a), at_least_times: "),
        ('[[rules]]\nname = "a"\nquiet_days = 0', "rule 1 (a), quiet_days: "),
        ('[[rules]]\nname = "a"\n[[rules]]\nname = "a"', "several rules are called a"),
        ('look_every_minutes = 7\n[[rules]]\nname = "a"', "look_every_minutes: a day is no multiple of 7"),
    ],
)
def test_nonsense_is_refused_with_its_place(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(text)

    with pytest.raises(ConfigurationError) as refused:
        load_rules(path)

    assert str(path) in str(refused.value)
    assert told in str(refused.value)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")

    with pytest.raises(ConfigurationError, match=r"missing\.toml cannot be read: No such file"):
        load_rules(tmp_path / "missing.toml")
    with pytest.raises(ConfigurationError, match="no text in UTF-8"):
        load_rules(tmp_path / "binary.toml")


def test_products_are_chosen_by_patterns(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text('[[rules]]\nname = "kettles"\nproducts = ["kettle-*", "pan"]\n')

    (rule,) = load_rules(tmp_path / "rules.toml").rules

    chosen = [name for name in ("kettle-1200", "Kettle-1", "pan", "pan-2") if rule.chooses(name)]
    assert chosen == ["kettle-1200", "pan"]
