"""The AsyncAPI 3 document: the servers, topics, messages and who sends what, for tools and for people."""

from typing import Any

from schemas.dead_letters import DeadLetterReason
from schemas.events import MAX_ID_CHARACTERS, SCHEMA_VERSION
from schemas.json_schemas import event_components
from schemas.settings import AggregatorSettings, ScorerSettings, TopicSettings
from schemas.settings_base import Settings
from schemas.topics import TopicSpec, topic_specs

KAFKA_BINDING = "0.5.0"

_REVIEW = {
    "schema_version": 1,
    "review_id": "r-1001",
    "product_id": "kettle-2",
    "op": "upsert",
    "channel": "review",
    "text": "Boils fast and looks good. The lid jams.",
    "rating": 4,
    "language": "en",
    "created_at": "2026-03-14T09:26:53Z",
}
_SOURCE = {"topic": "reviews.raw", "partition": 3, "offset": 41}
_MODEL = {"name": "reviewstream", "version": "0f1e2d3c4b5a"}
_SENTIMENT = {
    "label": "positive",
    "score": 0.912345,
    "intensity": "weak",
    "intensity_score": 0.31,
    "confidence": 0.912345,
    "needs_review": False,
}
_SCORED = {
    **_REVIEW,
    "sentiment": _SENTIMENT,
    "model": _MODEL,
    "source": _SOURCE,
    "scored_at": "2026-03-14T09:26:54.120Z",
}
_LABEL = {
    "schema_version": 1,
    "review_id": "r-1001",
    "product_id": "kettle-2",
    "op": "label",
    "label": "negative",
    "intensity": "weak",
    "reason": "Praise first, but the lid jams.",
    "labelled_by": "anna",
    "labelled_at": "2026-03-14T10:02:11Z",
    "scored": {
        "topic": "reviews.scored",
        "partition": 3,
        "offset": 57,
        "channel": "review",
        "created_at": "2026-03-14T09:26:53Z",
        "label": "positive",
        "intensity": "weak",
        "score": 0.912345,
        "needs_review": False,
    },
}
_WITHDRAWAL = {
    **_LABEL,
    "op": "withdraw",
    "label": None,
    "intensity": None,
    "reason": "The customer means another kettle.",
    "labelled_at": "2026-03-14T10:05:40Z",
}
_DELETE = {"review_id": "r-1001", "product_id": "kettle-2", "op": "delete"}

_DIGITS: dict[str, Any] = {"type": "string", "pattern": "^-?[0-9]+$"}
_ORIGIN_HEADERS: dict[str, dict[str, Any]] = {
    "dlq.source.topic": {"type": "string", "description": "Topic of the source record."},
    "dlq.source.partition": {**_DIGITS, "description": "Partition of the source record."},
    "dlq.source.offset": {**_DIGITS, "description": "Offset of the source record."},
    "dlq.source.timestamp": {
        **_DIGITS,
        "description": "Timestamp of the source record, milliseconds since 1970.",
    },
}
_DEAD_LETTER_HEADERS: dict[str, dict[str, Any]] = {
    "dlq.reason": {
        "type": "string",
        "enum": [reason.value for reason in DeadLetterReason],
        "description": "Why it was refused; a code is never renamed.",
    },
    "dlq.detail": {"type": "string", "description": "The same for people; the wording may change."},
    **_ORIGIN_HEADERS,
    "dlq.failed_at": {"type": "string", "format": "date-time", "description": "When it was refused, in UTC."},
}
_MARKER_HEADERS: dict[str, dict[str, Any]] = {
    "dlq.redriven.letter": {
        **_DIGITS,
        "description": "Offset of the dead letter, in the marker's own partition.",
    },
    "dlq.redriven.topic": {"type": "string", "description": "Topic that it went back to."},
    "dlq.redriven.partition": {**_DIGITS, "description": "Partition of the record that it became."},
    "dlq.redriven.offset": {**_DIGITS, "description": "Offset of the record that it became."},
    "dlq.redriven_at": {"type": "string", "format": "date-time", "description": "When it went back, in UTC."},
}


def asyncapi_document() -> dict[str, Any]:
    """The whole document, from the defaults of the settings; the environment does not matter."""
    raw, scored, dead_letters, labels = topic_specs(TopicSettings.model_construct())
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "reviewstream",
            "version": f"{SCHEMA_VERSION}.0.0",
            "description": "Reviews in, reviews with their sentiment out. Topic names, partition counts and"
            " retention are settings; these are the defaults. Read reviews.scored and reviews.dlq at"
            " isolation level read_committed.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {
                "host": "{bootstrapServers}",
                "protocol": "kafka",
                "description": "The shop's Kafka; with TLS or SASL where the settings say so.",
                "variables": {
                    "bootstrapServers": {
                        "default": _default(TopicSettings, "bootstrap_servers"),
                        "description": "REVIEWSTREAM_BOOTSTRAP_SERVERS: brokers, host:port, comma separated.",
                    }
                },
            }
        },
        "channels": {
            raw.name: _channel(raw, "Reviews as the shop sends them.", "ReviewEvent", "RedrivenReview"),
            scored.name: _channel(scored, "Reviews with their sentiment: the truth.", "ScoredReview"),
            dead_letters.name: _channel(
                dead_letters,
                "Records that were refused, and marks of those that went back.",
                "DeadLetter",
                "RedriveMarker",
            ),
            labels.name: _channel(labels, "What people say of reviews in place of the model.", "ReviewLabel"),
        },
        "operations": {
            "shopSendsReview": _operation("send", raw, "ReviewEvent", "The shop publishes a review."),
            "scorerReceivesReview": _operation(
                "receive",
                raw,
                "ReviewEvent",
                "The scorer reads it.",
                group=_default(ScorerSettings, "scorer_group"),
            ),
            "scorerSendsScoredReview": _operation(
                "send", scored, "ScoredReview", "The scorer publishes it with what the model read in it."
            ),
            "scorerSendsDeadLetter": _operation(
                "send", dead_letters, "DeadLetter", "The scorer refuses a record of the raw topic."
            ),
            "aggregatorReceivesScoredReview": _operation(
                "receive",
                scored,
                "ScoredReview",
                "The aggregator counts it.",
                group=_default(AggregatorSettings, "aggregator_group"),
            ),
            "aggregatorSendsDeadLetter": _operation(
                "send", dead_letters, "DeadLetter", "The aggregator refuses a record of the scored topic."
            ),
            "agentSendsLabel": _operation(
                "send", labels, "ReviewLabel", "A customer-service agent labels a review, or takes that back."
            ),
            "aggregatorReceivesLabel": _operation(
                "receive",
                labels,
                "ReviewLabel",
                "The aggregator counts it in place of the model's.",
                group=_default(AggregatorSettings, "aggregator_group"),
            ),
            "redriveReceivesDeadLetter": _operation(
                "receive", dead_letters, "DeadLetter", "A redrive reads what was refused."
            ),
            "redriveSendsReview": _operation(
                "send",
                raw,
                "RedrivenReview",
                "A redrive puts a refused record back, in one transaction with a marker.",
            ),
            "redriveSendsMarker": _operation(
                "send", dead_letters, "RedriveMarker", "A redrive says which dead letter went back."
            ),
        },
        "components": {
            "messages": _messages(),
            "schemas": {
                **event_components(),
                "DeadLetterHeaders": _headers("Kafka headers, each UTF-8 text.", _DEAD_LETTER_HEADERS),
                "RedriveMarkerHeaders": _headers("Kafka headers, each UTF-8 text.", _MARKER_HEADERS),
                "RedrivenHeaders": _headers(
                    "Kafka headers of a record that a redrive put back; others bear none of them.",
                    _ORIGIN_HEADERS,
                ),
            },
        },
    }


def _default(settings: type[Settings], field: str) -> Any:
    return settings.model_fields[field].default


def _headers(description: str, headers: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {"type": "object", "description": description, "properties": headers, "required": list(headers)}


def _channel(spec: TopicSpec, description: str, *messages: str) -> dict[str, Any]:
    configuration: dict[str, Any] = {
        "cleanup.policy": [spec.configs["cleanup.policy"]],
        "retention.ms": int(spec.configs["retention.ms"]),
    }
    if limit := spec.configs.get("max.message.bytes"):
        configuration["max.message.bytes"] = int(limit)
    return {
        "address": spec.name,
        "description": description,
        "messages": {message: {"$ref": f"#/components/messages/{message}"} for message in messages},
        "bindings": {
            "kafka": {
                "topic": spec.name,
                "partitions": spec.partitions,
                "topicConfiguration": configuration,
                "bindingVersion": KAFKA_BINDING,
            }
        },
    }


def _operation(
    action: str, spec: TopicSpec, message: str, summary: str, *, group: str | None = None
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "action": action,
        "channel": {"$ref": f"#/channels/{spec.name}"},
        "summary": summary,
        "messages": [{"$ref": f"#/channels/{spec.name}/messages/{message}"}],
    }
    if group is not None:
        group_id = {"type": "string", "enum": [group]}
        operation["bindings"] = {"kafka": {"groupId": group_id, "bindingVersion": KAFKA_BINDING}}
    return operation


def _messages() -> dict[str, Any]:
    product_key = {"type": "string", "maxLength": MAX_ID_CHARACTERS, "description": "product_id, UTF-8."}
    return {
        "ReviewEvent": {
            "name": "ReviewEvent",
            "summary": "A review, support message, ad comment or social post, or its deletion.",
            "contentType": "application/json",
            "payload": {"$ref": "#/components/schemas/ReviewEvent"},
            "examples": [{"name": "review", "payload": _REVIEW}, {"name": "deletion", "payload": _DELETE}],
            "bindings": _key({**product_key, "description": "product_id, UTF-8; may be missing."}),
        },
        "RedrivenReview": {
            "name": "RedrivenReview",
            "summary": "A record that was refused and came back; its time is that of the record which it repeats.",
            "contentType": "application/json",
            "headers": {"$ref": "#/components/schemas/RedrivenHeaders"},
            "payload": {"$ref": "#/components/schemas/ReviewEvent"},
            "bindings": _key({"description": "The source record's key; may be missing."}),
        },
        "ScoredReview": {
            "name": "ScoredReview",
            "summary": "The same event with its sentiment, the model and the raw record that it came from.",
            "contentType": "application/json",
            "payload": {"$ref": "#/components/schemas/ScoredReview"},
            "examples": [{"name": "scored review", "payload": _SCORED}],
            "bindings": _key(product_key),
        },
        "ReviewLabel": {
            "name": "ReviewLabel",
            "summary": "A person's label of a review, or its withdrawal. The last one of what the model said counts.",
            "contentType": "application/json",
            "payload": {"$ref": "#/components/schemas/ReviewLabel"},
            "examples": [
                {"name": "label", "payload": _LABEL},
                {"name": "withdrawal", "payload": _WITHDRAWAL},
            ],
            "bindings": _key(product_key),
        },
        "DeadLetter": {
            "name": "DeadLetter",
            "summary": "A refused record: its key and value untouched, and headers that say why.",
            "contentType": "application/octet-stream",
            "headers": {"$ref": "#/components/schemas/DeadLetterHeaders"},
            "payload": {"description": "The source record's bytes, or null; not necessarily JSON."},
            "bindings": _key({"description": "The source record's key; may be missing."}),
        },
        "RedriveMarker": {
            "name": "RedriveMarker",
            "summary": "Says that the dead letter at an earlier offset of the same partition went back.",
            "contentType": "application/octet-stream",
            "headers": {"$ref": "#/components/schemas/RedriveMarkerHeaders"},
            "payload": {"type": "null"},
            "bindings": _key({"description": "The dead letter's key."}),
        },
    }


def _key(schema: dict[str, Any]) -> dict[str, Any]:
    return {"kafka": {"key": schema, "bindingVersion": KAFKA_BINDING}}
