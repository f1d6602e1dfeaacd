"""The permissions that docs/security.md lists, as the tests grant them: what stands there is what is proved."""

import argparse
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourceType,
)

PAGE = (Path(__file__).parents[2] / "docs" / "security.md").read_text()

_RESOURCES = {
    "topic": ResourceType.TOPIC,
    "group": ResourceType.GROUP,
    "transactional_id": ResourceType.TRANSACTIONAL_ID,
}


@dataclass(frozen=True)
class Permission:
    """One user may do one thing with one topic, group or transactional id."""

    user: str
    operation: str
    kind: str
    name: str
    prefixed: bool

    def __str__(self) -> str:
        return f"{self.user}: {self.operation} on {self.kind} {self.name}"

    @property
    def acl(self) -> ACL:
        pattern = ACLResourcePatternType.PREFIXED if self.prefixed else ACLResourcePatternType.LITERAL
        return ACL(
            principal=f"User:{self.user}",
            host="*",
            operation=ACLOperation[re.sub(r"(?<=[a-z])(?=[A-Z])", "_", self.operation).upper()],
            permission_type=ACLPermissionType.ALLOW,
            resource_pattern=ResourcePattern(_RESOURCES[self.kind], self.name, pattern),
        )


def kafka_permissions() -> list[Permission]:
    """Of every ``kafka-acls`` line on the page."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("--add", action="store_true", required=True)
    parser.add_argument("--allow-principal", required=True)
    parser.add_argument("--operation", action="append", required=True)
    parser.add_argument("--resource-pattern-type", choices=["literal", "prefixed"], default="literal")
    for kind in _RESOURCES:
        parser.add_argument(f"--{kind.replace('_', '-')}", action="append", default=[])
    permissions = []
    for line in re.findall(r"^kafka-acls (.*)$", PAGE, flags=re.MULTILINE):
        given = parser.parse_args(shlex.split(line))
        permissions += [
            Permission(
                given.allow_principal.removeprefix("User:"),
                operation,
                kind,
                name,
                given.resource_pattern_type == "prefixed",
            )
            for kind in _RESOURCES
            for name in getattr(given, kind)
            for operation in given.operation
        ]
    return permissions


def redis_permissions() -> dict[str, list[str]]:
    """User -> the rules of its ``ACL SETUSER`` line."""
    lines = re.findall(r"^ACL SETUSER (\S+) (.*)$", PAGE, flags=re.MULTILINE)
    return {user: rules.split() for user, rules in lines}
