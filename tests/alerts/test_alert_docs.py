"""What docs/alerts.md shows is what is sent and kept."""

import json
import re
from pathlib import Path

from schemas.alert_keys import AlertKeys
from schemas.alerts import Alert

PAGE = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text()


def test_the_example_is_an_alert_with_every_field() -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", PAGE, flags=re.DOTALL)

    assert json.loads(Alert.model_validate_json(shown).to_json()) == json.loads(shown)


def test_the_keys_are_those_that_are_used() -> None:
    keys = AlertKeys()

    for key in (keys.open, keys.opened, keys.looks, keys.due):
        assert f"`{key}`" in PAGE
    assert f"`{keys.member('<rule>', '<product_id>')}`" in PAGE
    assert keys.bodies.endswith(":bodies")
    assert keys.attempts.endswith(":attempts")
