"""JSON Schemas of what travels, generated from the pydantic models, which alone say what is accepted."""

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from schemas.alerts import Alert
from schemas.events import SCHEMA_VERSION, ReviewEvent, ScoredReview
from schemas.labels import ReviewLabel
from schemas.manifest import Manifest

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _Generator(GenerateJsonSchema):
    """pydantic's generator, with two corrections."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 -- pydantic's signature
        """A title that only repeats the field's name says nothing."""
        return False

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """Keys are checked, so a key that does not match is refused; pydantic leaves it open."""
        json_schema = super().dict_schema(schema)
        if "patternProperties" in json_schema:
            json_schema["additionalProperties"] = False
        return json_schema


def _document(model: type[BaseModel], identity: str) -> dict[str, Any]:
    body = model.model_json_schema(schema_generator=_Generator)
    order = ("title", "description", "type", "properties", "required", "additionalProperties")
    head = {key: body.pop(key) for key in (*order, "if", "then", "else") if key in body}
    return {"$schema": DIALECT, "$id": identity, **head, **body}


def review_event_schema() -> dict[str, Any]:
    """What a record of ``reviews.raw`` has to be."""
    return _document(ReviewEvent, f"urn:reviewstream:schema:review-event:{SCHEMA_VERSION}")


def scored_review_schema() -> dict[str, Any]:
    """What a record of ``reviews.scored`` is."""
    return _document(ScoredReview, f"urn:reviewstream:schema:scored-review:{SCHEMA_VERSION}")


def review_label_schema() -> dict[str, Any]:
    """What a record of ``reviews.labels`` has to be."""
    return _document(ReviewLabel, f"urn:reviewstream:schema:review-label:{SCHEMA_VERSION}")


def manifest_schema() -> dict[str, Any]:
    """What the ``manifest.json`` of a model bundle is; that every file has a digest, it cannot say."""
    return _document(Manifest, f"urn:reviewstream:schema:manifest:{Manifest.model_fields['format'].default}")


def alert_schema() -> dict[str, Any]:
    """What the body of an alert's webhook is."""
    return _document(Alert, f"urn:reviewstream:schema:alert:{SCHEMA_VERSION}")


def event_components() -> dict[str, Any]:
    """The events and their parts by name, referring to each other as an AsyncAPI document's components."""
    _, schema = models_json_schema(
        [(ReviewEvent, "validation"), (ScoredReview, "validation"), (ReviewLabel, "validation")],
        ref_template="#/components/schemas/{model}",
        schema_generator=_Generator,
    )
    components: dict[str, Any] = _lone_references(schema["$defs"])
    return components


def _lone_references(node: Any) -> Any:
    """AsyncAPI's schemas follow draft-07, where whatever stands beside a ``$ref`` is ignored."""
    if isinstance(node, list):
        return [_lone_references(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {key: _lone_references(value) for key, value in node.items()}
    if "$ref" in node and len(node) > 1:
        return {"allOf": [{"$ref": node.pop("$ref")}], **node}
    return node
