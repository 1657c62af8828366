"""Azure's type data: what each resource of a provider may hold, as the authors of Bicep publish it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Whose types are checked, by the file that has them.
FILES = {
    "microsoft.app": "bicep-types-microsoft.app-*.types.json",
    "microsoft.documentdb": "bicep-types-microsoft.documentdb-*.types.json",
}

KINDS = {
    "StringType": "string",
    "StringLiteralType": "string",
    "IntegerType": "int",
    "BooleanType": "bool",
    "ObjectType": "object",
    "DiscriminatedObjectType": "object",
    "ArrayType": "array",
    "AnyType": "any",
}


@dataclass(frozen=True)
class Type:
    """A type: an entry of a graph whose edges are indices into it."""

    graph: list[dict[str, Any]]
    entry: dict[str, Any]

    def at(self, reference: dict[str, str]) -> "Type":
        return Type(self.graph, self.graph[int(reference["$ref"].removeprefix("#/"))])

    @property
    def tag(self) -> str:
        return self.entry["$type"]

    @property
    def kind(self) -> str:
        """The kind of its values, in Bicep's words."""
        return KINDS[self.tag]

    @property
    def name(self) -> str:
        return self.entry.get("name", self.tag)

    @property
    def elements(self) -> list["Type"]:
        """The alternatives of a union."""
        return [self.at(reference) for reference in self.entry["elements"]]

    @property
    def item(self) -> "Type":
        """What an array holds."""
        return self.at(self.entry["itemType"])

    @property
    def additional(self) -> "Type | None":
        """What an object holds under names of the author's choice, if it may."""
        reference = self.entry.get("additionalProperties")
        return self.at(reference) if reference else None

    @property
    def members(self) -> dict[str, "Member"]:
        """What an object holds under names of its own."""
        found = self.entry.get("properties") or self.entry.get("baseProperties") or {}
        return {name: Member(self.at(each["type"]), each["flags"]) for name, each in found.items()}


@dataclass(frozen=True)
class Member:
    """A member of an object type."""

    type: Type
    flags: int

    @property
    def is_read_only(self) -> bool:
        return bool(self.flags & 2)

    @property
    def is_required(self) -> bool:
        return bool(self.flags & 1) and not self.is_read_only


class TypeData:
    """The types in the files of a directory."""

    def __init__(self, directory: Path) -> None:
        self.versions: dict[str, dict[str, Type]] = {}
        self.providers: set[str] = set()
        for provider, pattern in FILES.items():
            for path in sorted(directory.glob(pattern)):
                self.providers.add(provider)
                graph = json.loads(path.read_text())
                for entry in graph:
                    if entry["$type"] == "ResourceType":
                        name, _, version = entry["name"].partition("@")
                        self.versions.setdefault(name, {})[version] = Type(graph, entry).at(entry["body"])

    def find(self, resource: str) -> Type | None:
        """The type of `Provider/type@version`."""
        name, _, version = resource.partition("@")
        return self.versions.get(name, {}).get(version)
