"""The resources of a Bicep template against Azure's types: API versions, members, required members, enums.

Bicep's compiler finds more: what is wrong within a computed expression. Whether Azure accepts a value that
has the right type, neither knows.
"""

import re
from collections.abc import Set

from tree_sitter import Node

from azure_types import FILES, Type, TypeData
from bicep_kinds import ARTICLES, kind_of, possible
from bicep_syntax import Declaration, Template, is_literal, items, line, properties, text
from faults import Findings, suggestion

# Types of which there is no data here. Their names are not checked: compare them with Azure's reference before a change.
BY_HAND = {
    "Microsoft.Authorization/roleAssignments@2022-04-01",
    "Microsoft.Authorization/roleDefinitions@2022-04-01",
    "Microsoft.ContainerRegistry/registries@2023-07-01",
    "Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31",
    "Microsoft.OperationalInsights/workspaces@2023-09-01",
    "Microsoft.Resources/resourceGroups@2024-03-01",
}

# Members of a resource that are Bicep's own.
META = {"parent", "scope", "dependsOn"}


class Types:
    """The checks of one template."""

    def __init__(self, template: Template, data: TypeData, findings: Findings) -> None:
        self.template = template
        self.data = data
        self.findings = findings

    def check(self) -> None:
        for resource in self.template.of_kind("resource"):
            if found := self.find(resource):
                self.resource(resource, found)

    def fault(self, node: Node, sentence: str) -> None:
        self.findings.fault(self.template.path, line(node), sentence)

    def find(self, resource: Declaration) -> Type | None:
        """The type of a resource. That there is none is a fault, that nothing is known of it is not."""
        name, _, version = resource.subject.partition("@")
        provider = name.split("/")[0].lower()
        versions = self.data.versions.get(name)
        if found := self.data.find(resource.subject):
            return found
        if provider not in FILES and resource.subject in BY_HAND:
            self.findings.skip(f"members of `{resource.subject}`: there is no data about this provider")
        elif provider not in FILES:
            end = suggestion(resource.subject, sorted(BY_HAND))
            advice = "compare it with Azure's reference and add it to `BY_HAND`"
            self.fault(resource.node, f"nothing is known of `{resource.subject}`{end}; {advice}")
        elif provider not in self.data.providers:
            self.findings.skip(f"types of `{resource.subject}`: there is no `{FILES[provider]}`")
        elif versions:
            self.fault(resource.node, f"`{name}` has no API version `{version}`; use `{max(versions)}`")
        else:
            self.fault(resource.node, f"there is no type `{name}`{suggestion(name, [*self.data.versions])}")
        return None

    def resource(self, resource: Declaration, kind: Type) -> None:
        body = resource.body
        given = {text(key): value for key, value in properties(body) if text(key) not in META}
        self.members(body, kind, given.keys())
        required = {"name"} if resource.is_existing else {n for n, each in kind.members.items() if each.is_required}
        for name in sorted(required - set(given)):
            self.fault(body, f"`{name}` of `{kind.name}` is missing")

    def value(self, node: Node, kind: Type) -> None:
        """A value fits a type, as far as can be told without computing it."""
        for each in possible(node, self.template):
            match kind.tag, each.type:
                case (_, "null") | ("AnyType", _):
                    pass
                case "UnionType", _:
                    self.union(each, kind)
                case "ObjectType" | "DiscriminatedObjectType", "object":
                    self.object(each, kind)
                case "ArrayType", "array":
                    for item in items(each):
                        self.value(item, kind.item)
                case "ArrayType", "for_statement":
                    self.value(each.named_children[-1], kind.item)
                case _:
                    self.primitive(each, kind)

    def union(self, node: Node, kind: Type) -> None:
        values = [each.entry["value"] for each in kind.elements if each.tag == "StringLiteralType"]
        if node.type == "string" and is_literal(node) and values:
            # Most of Azure's enums allow any other string too. Here one is more likely a slip.
            if text(node) not in values:
                self.fault(node, f"expected one of {', '.join(f'`{each}`' for each in values)}, found `{text(node)}`")
        elif (found := kind_of(node, self.template)) not in ("any", *(each.kind for each in kind.elements)):
            self.fault(
                node, f"expected one of {len(kind.elements)} types, found {ARTICLES[found]}, which is none of them"
            )

    def primitive(self, node: Node, kind: Type) -> None:
        found = kind_of(node, self.template)
        if found not in ("any", kind.kind):
            self.fault(node, f"expected {ARTICLES[kind.kind]}, found {ARTICLES[found]}")
        elif node.type == "string" and is_literal(node):
            self.string(node, kind.entry)
        elif node.type == "number":
            low, high = kind.entry.get("minValue", float("-inf")), kind.entry.get("maxValue", float("inf"))
            if not low <= int(text(node)) <= high:
                self.fault(node, f"expected a number from {low} to {high}, found `{text(node)}`")

    def string(self, node: Node, entry: dict) -> None:
        found = text(node)
        if found != entry.get("value", found):
            self.fault(node, f"expected `{entry['value']}`, found `{found}`")
        if not entry.get("minLength", 0) <= len(found) <= entry.get("maxLength", len(found)):
            self.fault(node, f"`{found}` is too short or too long")
        if not re.search(entry.get("pattern", ""), found):
            self.fault(node, f"`{found}` does not match `{entry['pattern']}`")

    def object(self, node: Node, kind: Type) -> None:
        given = {text(key): value for key, value in properties(node)}
        required = {name for name, each in kind.members.items() if each.is_required}
        if discriminator := kind.entry.get("discriminator"):
            chosen = text(given[discriminator]) if discriminator in given else ""
            if chosen not in kind.entry["elements"]:
                known = ", ".join(f"`{each}`" for each in kind.entry["elements"])
                self.fault(node, f"expected `{discriminator}` to be one of {known}, found `{chosen}`")
                return
            element = kind.at(kind.entry["elements"][chosen])
            required |= {name for name, each in element.members.items() if each.is_required}
            self.members(node, element, given.keys() - kind.members.keys())
            self.members(node, kind, given.keys() & kind.members.keys())
        else:
            self.members(node, kind, given.keys())
        for name in sorted(required - given.keys()):
            self.fault(node, f"`{name}` of `{kind.name}` is missing")

    def members(self, node: Node, kind: Type, names: Set[str]) -> None:
        """Those members of an object that have these names are known to a type, and fit."""
        known = kind.members
        for key, value in properties(node):
            name = text(key)
            if name not in names:
                continue
            if name in known and known[name].is_read_only:
                self.fault(key, f"`{name}` is Azure's to set")
            elif name in known:
                self.value(value, known[name].type)
            elif kind.additional:
                self.value(value, kind.additional)
            else:
                self.fault(key, f"there is no `{name}` in `{kind.name}`{suggestion(name, [*known])}")
