import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from schemas.asyncapi import asyncapi_document
from schemas.codec import decode_review, decode_scored
from schemas.contracts import contracts, drifted, main, write
from schemas.dead_letters import DeadLetter, DeadLetterReason
from schemas.json_schemas import event_components
from schemas.settings_base import is_option, option_name, variable_name
from schemas.settings_reference import COMMANDS, settings_reference

DOCUMENT = asyncapi_document()
DECODERS = {"ReviewEvent": decode_review, "ScoredReview": decode_scored}
LETTER = DeadLetter(
    reason=DeadLetterReason.NULL_VALUE,
    detail="the record has no value",
    source_topic="reviews.raw",
    source_partition=0,
    source_offset=0,
    source_timestamp_ms=-1,
    failed_at=datetime(2026, 1, 2, tzinfo=UTC),
)


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


def schema(reference: str) -> Draft7Validator:
    """AsyncAPI's own schemas are draft-07; components beside it make the references resolve."""
    return Draft7Validator({"$ref": reference, "components": DOCUMENT["components"]})


def test_the_generated_files_say_what_the_models_say() -> None:
    assert drifted() == []


def test_the_same_models_give_the_same_text() -> None:
    assert contracts() == contracts()


def test_the_environment_does_not_change_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    before = contracts()
    monkeypatch.setenv("REVIEWSTREAM_RAW_TOPIC", "other")
    monkeypatch.setenv("REVIEWSTREAM_PARTITIONS", "99")
    monkeypatch.setenv("REVIEWSTREAM_SASL_PASSWORD", "secret")
    assert contracts() == before


def test_writing_then_checking_is_clean(tmp_path: Path) -> None:
    write(tmp_path / "new")
    assert main(["--check", "--folder", str(tmp_path / "new")]) == 0


@pytest.mark.parametrize("name", contracts())
def test_an_edited_file_is_named(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path)
    with (tmp_path / name).open("a") as file:
        file.write(" ")
    assert main(["--check", "--folder", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith(f"{tmp_path / name} drifted")


def test_a_missing_file_has_drifted(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "settings.md").unlink()
    assert drifted(tmp_path) == ["settings.md"]


def test_checking_changes_nothing(tmp_path: Path) -> None:
    main(["--check", "--folder", str(tmp_path)])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [name for name in contracts() if name.endswith(".json")])
def test_a_reference_leads_somewhere(name: str) -> None:
    document = json.loads(contracts()[name])
    for reference in references(document):
        place = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
        assert place


def test_nothing_stands_beside_a_reference_in_asyncapi_where_tools_would_drop_it() -> None:
    def crowded(node: Any) -> bool:
        if isinstance(node, list):
            return any(map(crowded, node))
        if not isinstance(node, dict):
            return False
        return ("$ref" in node and len(node) > 1) or any(map(crowded, node.values()))

    assert not crowded(DOCUMENT)


@pytest.mark.parametrize("operation", DOCUMENT["operations"])
def test_an_operations_messages_are_messages_of_its_channel(operation: str) -> None:
    described = DOCUMENT["operations"][operation]
    channel = described["channel"]["$ref"]
    assert all(message["$ref"].startswith(f"{channel}/messages/") for message in described["messages"])


@pytest.mark.parametrize("name", event_components())
def test_a_component_is_a_draft_07_schema(name: str) -> None:
    Draft7Validator.check_schema(DOCUMENT["components"]["schemas"][name])


@pytest.mark.parametrize("name", DECODERS)
def test_a_messages_examples_are_valid_and_read(name: str) -> None:
    message = DOCUMENT["components"]["messages"][name]
    for example in message["examples"]:
        schema(message["payload"]["$ref"]).validate(example["payload"])
        assert DECODERS[name](json.dumps(example["payload"]).encode())


def test_the_dead_letters_headers_are_the_documented_ones() -> None:
    headers = {name: value.decode() for name, value in LETTER.headers()}
    assert list(headers) == DOCUMENT["components"]["schemas"]["DeadLetterHeaders"]["required"]
    schema("#/components/schemas/DeadLetterHeaders").validate(headers)


def test_every_reason_is_documented() -> None:
    properties = DOCUMENT["components"]["schemas"]["DeadLetterHeaders"]["properties"]
    assert properties["dlq.reason"]["enum"] == [reason.value for reason in DeadLetterReason]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_setting_of_a_command_is_in_its_table(command: str) -> None:
    section = settings_reference().partition(f"## {command}\n")[2].partition("\n## ")[0]
    for name, field in COMMANDS[command].model_fields.items():
        option = f"`{option_name(name)}`" if is_option(field) else "none"
        assert f"| {option} | `{variable_name(name)}` |" in section


def test_every_row_of_the_settings_has_four_cells() -> None:
    rows = [line for line in settings_reference().splitlines() if line.startswith("|")]
    assert {row.replace("\\|", "").count("|") for row in rows} == {5}
